//! Gemma 3n: alternating updates, low-rank residuals, embeddings per layer, and last layers
//! that read the cache of earlier ones.

use super::Family;
use crate::source::hf::draft::Block;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, Part, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["gemma3n_text", "gemma3n"],
    nested_defaults: &[
        ("vocab_size", 262_400),
        ("hidden_size", 2_048),
        ("intermediate_size", 16_384),
        ("num_hidden_layers", 35),
        ("num_attention_heads", 8),
        ("num_key_value_heads", 2),
        ("head_dim", 256),
        ("sliding_window", 512),
        ("num_kv_shared_layers", 15),
        ("hidden_size_per_layer_input", 256),
        ("laurel_rank", 64),
        ("altup_num_inputs", 4),
        ("max_position_embeddings", 32_768),
    ],
    build,
}];

/// Entries of the layers' own embeddings, where the configuration does not say it.
const LAYERS_VOCABULARY: u64 = 262_144;
/// The full layer is the last of every five.
const PERIOD: u64 = 5;

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "gemma3n")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let layers = fields.layers()?;
    let lengths = fields.width_per_layer("intermediate_size", layers)?;
    let updates = AlternatingUpdates {
        streams: fields.count("altup_num_inputs")?,
        per_layer: fields.width("hidden_size_per_layer_input")?,
        residual_rank: fields.width("laurel_rank")?,
    };
    let shared = fields.count_or("num_kv_shared_layers", 0)?;
    let own = (layers as u64).saturating_sub(shared);
    let sliding_window = fields.optional_width("sliding_window")?;
    let spans = window::listed_or_every(fields, layers, sliding_window, PERIOD)?;
    for ((index, span), length) in (0u64..).zip(spans).zip(lengths) {
        let heads = Heads {
            span,
            shares_cache: index >= own,
            ..heads
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("post_attention_norm"),
            &Norm::rms("ffn_norm"),
            &Dense::gated(length),
            &Norm::rms("post_ffw_norm"),
            &updates,
        ]);
    }
    let embedding = draft.embedding();
    let all_layers = updates.per_layer.saturating_mul(layers as u64);
    let others = updates.streams.saturating_sub(1).max(1);
    draft.tensor("altup_proj.weight", &[embedding, embedding, others]);
    draft.tensor("altup_unembd_proj.weight", &[embedding, embedding, others]);
    draft.tensor("per_layer_model_proj.weight", &[embedding, all_layers]);
    draft.tensor("per_layer_proj_norm.weight", &[updates.per_layer]);
    // The places for images and sound have no embedding of the layers' own.
    let of_layers = fields.width_or("vocab_size_per_layer_input", LAYERS_VOCABULARY)?;
    draft.tensor("per_layer_token_embd.weight", &[all_layers, of_layers]);
    draft.output(fields.tied(true)?);
    Ok(draft)
}

struct AlternatingUpdates {
    /// Parallel streams.
    streams: u64,
    /// Width of a layer's own embedding.
    per_layer: u64,
    /// Rank of the learned residual.
    residual_rank: u64,
}

impl Part for AlternatingUpdates {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let streams = self.streams;
        block.linear("altup_correct_coef", streams, streams, false);
        block.tensor("altup_correct_scale.weight", &[embedding]);
        let pairs = streams.saturating_mul(streams);
        block.linear("altup_predict_coef", streams, pairs, false);
        block.linear("altup_router", embedding, streams, false);
        block.tensor("altup_router_norm.weight", &[embedding]);
        block.linear("inp_gate", embedding, self.per_layer, false);
        block.linear("proj", self.per_layer, embedding, false);
        block.tensor("post_norm.weight", &[embedding]);
        block.linear("laurel_l", embedding, self.residual_rank, false);
        block.linear("laurel_r", self.residual_rank, embedding, false);
        block.tensor("laurel_post_norm.weight", &[embedding]);
    }
}
