//! Kimi Linear: Kimi delta attention, and latent attention in every fourth layer.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, KimiDelta, Latent, Mixture, Norm, Part, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["kimi_linear"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "kimi-linear")?;
    let latent = Latent::read(fields)?;
    let linear = fields.inner("linear_attn_config").unwrap_or(*fields);
    let delta = KimiDelta {
        heads: linear.count_of(&["num_heads", "linear_num_heads"])?,
        head_dim: linear.width_of(&["linear_head_dim", "head_dim"])?,
        conv_kernel: linear.width_of(&["short_conv_kernel_size", "linear_conv_kernel_dim"])?,
        low_rank: true,
    };
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("num_shared_experts", 0)?;
    let mixture = Mixture {
        selection_bias: true,
        shared: SharedExperts::of(length.saturating_mul(shared)),
        ..Mixture::new(
            fields.count("num_experts")?,
            fields.count_of(&["num_experts_per_token", "num_experts_per_tok"])?,
            length,
        )
    };
    let dense = Dense::gated(fields.width("intermediate_size")?);
    let dense_layers = fields.count_or("first_k_dense_replace", 1)?;
    let layers = fields.layers()?;
    // The list counts from 1.
    let full = linear.indices("full_attn_layers")?;
    let kinds = fields.texts("layer_types", layers)?;
    for index in 0..layers {
        let attends = match (&full, &kinds) {
            (Some(full), _) => full.contains(&(index as u64 + 1)),
            (None, Some(kinds)) => kinds.get(index) == Some(&"full_attention"),
            (None, None) => {
                return Err(ConfigError::MissingField {
                    field: "linear_attn_config",
                });
            }
        };
        let mixer: &dyn Part = if attends { &latent } else { &delta };
        let network: &dyn Part = if (index as u64) < dense_layers {
            &dense
        } else {
            &mixture
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
