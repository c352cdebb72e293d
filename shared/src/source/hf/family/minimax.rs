//! MiniMax-M2.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Heads, Mixture, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["minimax_m2"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "minimax-m2")?;
    let heads = Heads {
        norm: QueryKeyNorm::Whole,
        ..Heads::read(fields)?
    };
    let mixture = Mixture {
        selection_bias: fields.flag_or("use_routing_bias", true)?,
        ..Mixture::new(
            fields.count("num_local_experts")?,
            fields.count("num_experts_per_tok")?,
            fields.width("intermediate_size")?,
        )
    };
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
