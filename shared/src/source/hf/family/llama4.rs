//! Llama 4: chunked attention in three layers of four, experts in some or all layers.

use super::Family;
use crate::model::Span;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, SharedExperts};
use crate::source::hf::{ConfigError, Fields, rope, window};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["llama4_text", "llama4"],
    nested_defaults: &[
        ("vocab_size", 202_048),
        ("hidden_size", 5_120),
        ("intermediate_size", 8_192),
        ("intermediate_size_mlp", 16_384),
        ("num_hidden_layers", 48),
        ("num_attention_heads", 40),
        ("num_key_value_heads", 8),
        ("head_dim", 128),
        ("num_local_experts", 16),
        ("num_experts_per_tok", 1),
        ("interleave_moe_layer_step", 1),
        ("attention_chunk_size", 8_192),
        ("max_position_embeddings", 131_072),
    ],
    build,
}];

/// Every fourth layer attends to the whole context.
const FULL_EVERY: u64 = 4;

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "llama4")?;
    let heads = Heads::read(fields)?;
    let length = fields.width("intermediate_size")?;
    let dense = Dense::gated(fields.width("intermediate_size_mlp")?);
    let mixture = Mixture {
        shared: SharedExperts::of(length),
        ..Mixture::new(
            fields.count("num_local_experts")?,
            fields.count("num_experts_per_tok")?,
            length,
        )
    };
    let step = fields.count_or("interleave_moe_layer_step", 1)?.max(1);
    let layers = fields.layers()?;
    let chunk = fields.optional_width("attention_chunk_size")?;
    let spans = window::listed(fields, layers, None)?;
    for index in 0..layers as u64 {
        let span = match (&spans, chunk) {
            (Some(spans), _) => usize::try_from(index)
                .ok()
                .and_then(|index| spans.get(index))
                .copied()
                .unwrap_or_default(),
            (None, Some(chunk)) if index % FULL_EVERY + 1 != FULL_EVERY => Span::Chunked { chunk },
            (None, _) => Span::Full,
        };
        let network: &dyn Part = if (index + 1).is_multiple_of(step) {
            &mixture
        } else {
            &dense
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads.with_span(span),
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(false)?);
    Ok(draft)
}
