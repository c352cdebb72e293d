//! Qwen3: norms over each query and key head; dense or with experts; with or without vision.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["qwen3"],
        nested_defaults: &[],
        build: |fields| build(fields, "qwen3"),
    },
    Family {
        model_types: &["qwen3_vl_text", "qwen3_vl"],
        nested_defaults: &[
            ("vocab_size", 151_936),
            ("hidden_size", 4_096),
            ("intermediate_size", 22_016),
            ("num_hidden_layers", 32),
            ("num_attention_heads", 32),
            ("head_dim", 128),
            ("max_position_embeddings", 128_000),
        ],
        build: |fields| build(fields, "qwen3vl"),
    },
    Family {
        model_types: &["qwen3_moe"],
        nested_defaults: &[],
        build: |fields| build(fields, "qwen3moe"),
    },
    Family {
        model_types: &["qwen3_vl_moe_text", "qwen3_vl_moe"],
        nested_defaults: &[
            ("vocab_size", 151_936),
            ("hidden_size", 2_048),
            ("moe_intermediate_size", 1_408),
            ("num_hidden_layers", 24),
            ("num_attention_heads", 16),
            ("head_dim", 128),
            ("num_experts", 60),
            ("num_experts_per_tok", 4),
            ("max_position_embeddings", 128_000),
        ],
        build: |fields| build(fields, "qwen3vlmoe"),
    },
    Family {
        model_types: &[
            "qwen3_omni_moe_text",
            "qwen3_omni_moe_thinker",
            "qwen3_omni_moe",
        ],
        nested_defaults: OMNI_DEFAULTS,
        build: |fields| build(fields, "qwen3vlmoe"),
    },
];

/// What the class has of Qwen3-Omni's language model.
const OMNI_DEFAULTS: &[(&str, u64)] = &[
    ("vocab_size", 3_584),
    ("hidden_size", 2_048),
    ("moe_intermediate_size", 768),
    ("num_hidden_layers", 28),
    ("num_attention_heads", 28),
    ("num_key_value_heads", 4),
    ("num_experts", 128),
    ("num_experts_per_tok", 8),
    ("max_position_embeddings", 32_768),
];

fn build(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let embedding = draft.embedding();
    let head_dim = embedding / fields.count("num_attention_heads")?;
    let head_dim = fields.width_or("head_dim", head_dim.max(1))?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read_with_dim(fields, head_dim)?
    };
    let experts = match fields.count_or("num_experts", 0)? {
        0 => fields.count_or("num_local_experts", 0)?,
        experts => experts,
    };
    let dense_only = fields.indices("mlp_only_layers")?.unwrap_or_default();
    let step = fields.count_or("decoder_sparse_step", 1)?.max(1);
    for index in 0..fields.layers()? as u64 {
        let sparse =
            experts > 0 && !dense_only.contains(&index) && (index + 1).is_multiple_of(step);
        let (dense, mixture);
        let network: &dyn Part = if sparse {
            mixture = Mixture::new(
                experts,
                fields.count("num_experts_per_tok")?,
                fields.width("moe_intermediate_size")?,
            );
            &mixture
        } else {
            dense = Dense::gated(fields.width("intermediate_size")?);
            &dense
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
