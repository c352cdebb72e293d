//! Qwen3: dense, with norms over each query and key head.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILY: Family = Family {
    model_types: &["qwen3"],
    nested_defaults: &[],
    build,
};

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "qwen3")?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        ..Heads::read(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
