//! Seed-OSS.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["seed_oss"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "seed_oss")?;
    let heads = Heads {
        input_bias: fields.flag_or("attention_bias", true)?,
        output_bias: fields.flag_or("attention_out_bias", false)?,
        ..Heads::read(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("post_attention_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
