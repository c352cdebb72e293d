//! Llama 3.2 Vision: some layers look at the image's features instead of the tokens.

use super::Family;
use crate::model::Attention;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Heads, Norm, Part, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, rope};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["mllama_text_model", "mllama"],
    nested_defaults: &[
        ("vocab_size", 128_256),
        ("hidden_size", 4_096),
        ("intermediate_size", 14_336),
        ("num_hidden_layers", 40),
        ("num_attention_heads", 32),
        ("num_key_value_heads", 8),
        ("max_position_embeddings", 131_072),
    ],
    build,
}];

/// Rows of the embedding beyond the vocabulary.
const ADDED_ROWS: u64 = 8;
/// Layers that look at the image, where the configuration does not list them.
const CROSS: [u64; 8] = [3, 8, 13, 18, 23, 28, 33, 38];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let vocabulary = fields.width("vocab_size")?;
    let shape = [
        fields.width("hidden_size")?,
        vocabulary.saturating_add(ADDED_ROWS),
    ];
    let mut draft = Draft::with_embedding(fields, "mllama", vocabulary, shape)?;
    let heads = Heads::read(fields)?;
    let cross = CrossAttention(Heads {
        norm: QueryKeyNorm::PerHead,
        ..heads
    });
    let network = Dense::gated(fields.width("intermediate_size")?);
    let listed = fields.indices("cross_attention_layers")?;
    let crossing = listed.as_deref().unwrap_or(&CROSS);
    for index in 0..fields.layers()? as u64 {
        let mixer: &dyn Part = if crossing.contains(&index) {
            &cross
        } else {
            &heads
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Attention to an image: it keeps nothing of the tokens.
struct CrossAttention(Heads);

impl Part for CrossAttention {
    fn write(&self, block: &mut Block<'_>) {
        self.0.write(block);
        block.tensor("cross_attn_attn_gate", &[1]);
        block.tensor("cross_attn_mlp_gate", &[1]);
        block.layer.attention = Attention::None;
    }
}
