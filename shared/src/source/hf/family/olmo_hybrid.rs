//! OLMo Hybrid: gated delta nets with norms before them, and attention with norms behind in every
//! fourth layer.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{DeltaNet, Dense, Heads, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["olmo_hybrid"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "olmo_hybrid")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        norm: QueryKeyNorm::Whole,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let delta_net = DeltaNet {
        key_heads: fields.count("linear_num_key_heads")?,
        key_dim: fields.width("linear_key_head_dim")?,
        value_heads: fields.count("linear_num_value_heads")?,
        value_dim: fields.width("linear_value_head_dim")?,
        conv_kernel: fields.width_or("linear_conv_kernel_dim", 4)?,
        joint_gates: false,
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let layers = fields.layers()?;
    let kinds = fields.texts("layer_types", layers)?;
    for index in 0..layers {
        let attends = match &kinds {
            Some(kinds) => kinds.get(index) == Some(&"full_attention"),
            None => index % 4 == 3,
        };
        if attends {
            draft.block(&[
                &heads,
                &Norm::rms("post_attention_norm"),
                &network,
                &Norm::rms("post_ffw_norm"),
            ]);
        } else {
            draft.block(&[
                &Norm::rms("attn_norm"),
                &delta_net,
                &Norm::rms("ffn_norm"),
                &network,
            ]);
        }
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
