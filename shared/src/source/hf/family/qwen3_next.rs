//! Qwen3-Next, Qwen3.5 and after: gated delta nets, and gated attention in every fourth layer.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{
    DeltaNet, Dense, Heads, Mixture, Norm, Part, Prediction, QueryKeyNorm, SharedExperts,
};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["qwen3_next"],
        nested_defaults: &[],
        build: |fields| build(fields, "qwen3next", true),
    },
    Family {
        model_types: &["qwen3_5_text", "qwen3_5"],
        nested_defaults: &[
            ("vocab_size", 248_320),
            ("hidden_size", 4_096),
            ("intermediate_size", 12_288),
            ("num_hidden_layers", 32),
            ("num_attention_heads", 16),
            ("num_key_value_heads", 4),
            ("head_dim", 256),
            ("max_position_embeddings", 32_768),
        ],
        build: |fields| build(fields, "qwen35", false),
    },
    Family {
        model_types: &["qwen3_5_moe_text", "qwen3_5_moe"],
        nested_defaults: &[
            ("vocab_size", 248_320),
            ("hidden_size", 2_048),
            ("moe_intermediate_size", 512),
            ("shared_expert_intermediate_size", 512),
            ("num_hidden_layers", 40),
            ("num_attention_heads", 16),
            ("num_key_value_heads", 2),
            ("head_dim", 256),
            ("num_experts", 256),
            ("num_experts_per_tok", 8),
            ("max_position_embeddings", 32_768),
        ],
        build: |fields| build(fields, "qwen35moe", false),
    },
];

fn build(fields: &Fields<'_>, architecture: &str, joint_gates: bool) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        output_gate: true,
        ..Heads::read(fields)?
    };
    let delta_net = DeltaNet {
        key_heads: fields.count_of(&["linear_num_key_heads"])?,
        key_dim: fields.width_or("linear_key_head_dim", 128)?,
        value_heads: fields.count_of(&["linear_num_value_heads"])?,
        value_dim: fields.width_or("linear_value_head_dim", 128)?,
        conv_kernel: fields.width_or("linear_conv_kernel_dim", 4)?,
        joint_gates,
    };
    let (dense, mixture);
    let network: &dyn Part = match fields.count_or("num_experts", 0)? {
        0 => {
            dense = Dense::gated(fields.width("intermediate_size")?);
            &dense
        }
        experts => {
            mixture = Mixture {
                shared: Some(SharedExperts {
                    length: fields.width("shared_expert_intermediate_size")?,
                    weighted: true,
                    bias: false,
                }),
                ..Mixture::new(
                    experts,
                    fields.count("num_experts_per_tok")?,
                    fields.width("moe_intermediate_size")?,
                )
            };
            &mixture
        }
    };
    let layers = fields.layers()?;
    let kinds = fields.texts("layer_types", layers)?;
    let interval = fields.count_or("full_attention_interval", 4)?.max(1);
    for index in 0..layers {
        let attends = match &kinds {
            Some(kinds) => kinds.get(index) == Some(&"full_attention"),
            None => (index as u64 + 1).is_multiple_of(interval),
        };
        let mixer: &dyn Part = if attends { &heads } else { &delta_net };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("post_attention_norm"),
            network,
        ]);
    }
    for _ in 0..fields.prediction_layers("mtp_num_hidden_layers")? {
        draft.prediction_block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("post_attention_norm"),
            network,
            &Prediction::default(),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
