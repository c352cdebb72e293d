//! StableLM.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["stablelm"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "stablelm")?;
    let heads = Heads {
        input_bias: fields.flag_or("use_qkv_bias", false)?,
        norm: QueryKeyNorm::EachHead.when(fields.flag_or("qk_layernorm", false)?),
        ..Heads::read(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let second_norm = Norm::layer("ffn_norm");
    let parallel = fields.flag_or("use_parallel_residual", false)?;
    let second_norm = (!parallel).then_some(&second_norm);
    for _ in 0..fields.layers()? {
        draft.block(&[&Norm::layer("attn_norm"), &heads, &second_norm, &network]);
    }
    draft.output_with_layer_norm(fields.tied(false)?);
    Ok(draft)
}
