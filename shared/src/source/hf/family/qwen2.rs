//! Qwen2 and Qwen2.5: biases on queries, keys and values; dense or with experts.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, SharedExperts};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["qwen2", "mimo"],
        nested_defaults: &[],
        build: |fields| build(fields, "qwen2"),
    },
    Family {
        model_types: &["qwen2_vl", "qwen2_5_vl", "qwen2_vl_text", "qwen2_5_vl_text"],
        nested_defaults: &[
            ("vocab_size", 152_064),
            ("hidden_size", 8_192),
            ("intermediate_size", 29_568),
            ("num_hidden_layers", 80),
            ("num_attention_heads", 64),
            ("num_key_value_heads", 8),
            ("max_position_embeddings", 32_768),
        ],
        build: |fields| build(fields, "qwen2vl"),
    },
    Family {
        model_types: &["qwen2_5_omni_text", "qwen2_5_omni_thinker", "qwen2_5_omni"],
        nested_defaults: &[
            ("vocab_size", 152_064),
            ("hidden_size", 3_584),
            ("intermediate_size", 18_944),
            ("num_hidden_layers", 28),
            ("num_attention_heads", 28),
            ("num_key_value_heads", 4),
            ("max_position_embeddings", 32_768),
        ],
        build: |fields| build(fields, "qwen2vl"),
    },
    Family {
        model_types: &["qwen2_moe"],
        nested_defaults: &[],
        build: |fields| build(fields, "qwen2moe"),
    },
];

fn build(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let heads = Heads {
        input_bias: true,
        ..Heads::read(fields)?
    };
    let dense = Dense::gated(fields.width("intermediate_size")?);
    let mixture = mixture(fields)?;
    let dense_only = fields.indices("mlp_only_layers")?.unwrap_or_default();
    let step = fields.count_or("decoder_sparse_step", 1)?.max(1);
    let slides = fields.flag_or("use_sliding_window", false)?;
    let sliding_window = fields.optional_width("sliding_window")?.filter(|_| slides);
    let layers = fields.layers()?;
    let spans = match window::listed(fields, layers, sliding_window)? {
        Some(spans) => spans,
        None => {
            // The first layers attend in full.
            let full = fields.count_or("max_window_layers", 0)?;
            let spans = window::same_everywhere(layers, sliding_window);
            let spans = spans.into_iter().zip(0..);
            spans
                .map(|(span, index)| {
                    if index < full {
                        Default::default()
                    } else {
                        span
                    }
                })
                .collect()
        }
    };
    for (span, index) in spans.into_iter().zip(0u64..) {
        let sparse = !dense_only.contains(&index) && (index + 1).is_multiple_of(step);
        let network: &dyn Part = match &mixture {
            Some(mixture) if sparse => mixture,
            _ => &dense,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads.with_span(span),
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// The experts, where there are any.
fn mixture(fields: &Fields<'_>) -> Result<Option<Mixture>, ConfigError> {
    let experts = fields.count_or("num_experts", 0)?;
    if experts == 0 {
        return Ok(None);
    }
    let shared = fields.optional_width("shared_expert_intermediate_size")?;
    Ok(Some(Mixture {
        shared: shared.map(|length| SharedExperts {
            length,
            weighted: true,
            bias: false,
        }),
        ..Mixture::new(
            experts,
            fields.count("num_experts_per_tok")?,
            fields.width("moe_intermediate_size")?,
        )
    }))
}
