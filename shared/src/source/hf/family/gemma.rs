//! Gemma 1 to 3: norms before and after each part, sliding windows from Gemma 2 on.

use alloc::vec::Vec;

use super::Family;
use crate::model::Span;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["gemma"],
        nested_defaults: &[],
        build: gemma,
    },
    Family {
        model_types: &["gemma2"],
        nested_defaults: &[],
        build: |fields| with_post_norms(fields, "gemma2", QueryKeyNorm::None, 2),
    },
    Family {
        model_types: &["gemma3_text", "gemma3", "shieldgemma2"],
        nested_defaults: &[
            ("vocab_size", 262_208),
            ("hidden_size", 2_304),
            ("intermediate_size", 9_216),
            ("num_hidden_layers", 26),
            ("num_attention_heads", 8),
            ("num_key_value_heads", 4),
            ("head_dim", HEAD_DIM),
            ("sliding_window", 4_096),
            ("max_position_embeddings", 131_072),
        ],
        build: |fields| with_post_norms(fields, "gemma3", QueryKeyNorm::PerHead, 6),
    },
];

/// The head size that every Gemma class has by default, whatever the stream's width.
const HEAD_DIM: u64 = 256;

fn heads(fields: &Fields<'_>) -> Result<Heads, ConfigError> {
    let head_dim = fields.width_or("head_dim", HEAD_DIM)?;
    let bias = fields.flag_or("attention_bias", false)?;
    Ok(Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read_with_dim(fields, head_dim)?
    })
}

fn gemma(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "gemma")?;
    let heads = heads(fields)?;
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

fn with_post_norms(
    fields: &Fields<'_>,
    architecture: &str,
    norm: QueryKeyNorm,
    period: u64,
) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let heads = Heads {
        norm,
        ..heads(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let sliding_window = fields.optional_width("sliding_window")?;
    let period = match fields.count_or("sliding_window_pattern", 0)? {
        0 => fields.count_or("_sliding_window_pattern", period)?,
        stated => stated,
    };
    let spans: Vec<Span> =
        window::listed_or_every(fields, fields.layers()?, sliding_window, period)?;
    for span in spans {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads.with_span(span),
            &Norm::rms("post_attention_norm"),
            &Norm::rms("ffn_norm"),
            &network,
            &Norm::rms("post_ffw_norm"),
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}
