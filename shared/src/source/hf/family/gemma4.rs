//! Gemma 4: other heads in the full layers than in the sliding ones, experts beside the dense
//! network, embeddings per layer, and last layers that read the cache of earlier ones.

use super::Family;
use crate::model::Span;
use crate::source::hf::draft::Block;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, ExpertGate, Heads, Mixture, Norm, Part, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["gemma4_text", "gemma4"],
        nested_defaults: &[
            ("vocab_size", 262_144),
            ("hidden_size", 2_304),
            ("intermediate_size", 9_216),
            ("num_hidden_layers", 30),
            ("num_attention_heads", 8),
            ("num_key_value_heads", 4),
            ("head_dim", 256),
            ("global_head_dim", 512),
            ("sliding_window", 512),
            ("hidden_size_per_layer_input", 256),
            ("max_position_embeddings", 131_072),
        ],
        build,
    },
    Family {
        model_types: &["gemma4_unified_text", "gemma4_unified"],
        nested_defaults: &[
            ("vocab_size", 262_144),
            ("hidden_size", 2_304),
            ("intermediate_size", 9_216),
            ("num_hidden_layers", 30),
            ("num_attention_heads", 8),
            ("num_key_value_heads", 4),
            ("head_dim", 256),
            ("global_head_dim", 512),
            ("sliding_window", 1_024),
            ("max_position_embeddings", 262_144),
        ],
        build,
    },
];

/// The full layer is the last of every six.
const PERIOD: u64 = 6;

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "gemma4")?;
    let sliding_heads = Heads {
        norm: QueryKeyNorm::PerHead,
        ..Heads::read(fields)?
    };
    let full_dim = fields.width_or("global_head_dim", sliding_heads.key_dim)?;
    let values_are_keys = fields.flag_or("attention_k_eq_v", false)?;
    let full_kv_heads = match fields.count_or("num_global_key_value_heads", 0)? {
        kv_heads if kv_heads > 0 && values_are_keys => kv_heads,
        _ => sliding_heads.kv_heads,
    };
    // Newer files say what the full layers have layer by layer.
    let by_layer = fields.object("per_layer_config").is_some();
    let layers = fields.layers()?;
    let shared = fields.count_or("num_kv_shared_layers", 0)?;
    let own = (layers as u64).saturating_sub(shared);
    let length = fields.width("intermediate_size")?;
    let wider_where_shared = fields.flag_or("use_double_wide_mlp", false)?;
    let per_layer = fields.optional_width("hidden_size_per_layer_input")?;
    let experts = experts(fields)?;
    let sliding_window = fields.optional_width("sliding_window")?;
    let spans = window::listed_or_every(fields, layers, sliding_window, PERIOD)?;
    for (index, span) in (0u64..).zip(spans) {
        let shares_cache = index >= own;
        let heads = if by_layer {
            Heads {
                norm: QueryKeyNorm::PerHead,
                ..Heads::read(&fields.at_layer(index))?
            }
        } else if span == Span::Full {
            Heads {
                kv_heads: full_kv_heads,
                key_dim: full_dim,
                value_dim: full_dim,
                ..sliding_heads
            }
        } else {
            sliding_heads
        };
        let attention = SharingHeads {
            heads: Heads {
                span,
                shares_cache,
                ..heads
            },
            values_are_keys: values_are_keys && span == Span::Full,
        };
        let twice = wider_where_shared && shares_cache;
        let network = Dense::gated(length.saturating_mul(if twice { 2 } else { 1 }));
        draft.block(&[
            &Norm::rms("attn_norm"),
            &attention,
            &Norm::rms("post_attention_norm"),
            &Norm::rms("ffn_norm"),
            &network,
            &experts,
            &Norm::rms("post_ffw_norm"),
            &LayerInput { per_layer },
        ]);
    }
    if let Some(per_layer) = per_layer {
        let (embedding, vocabulary) = (draft.embedding(), draft.vocabulary());
        let vocabulary = fields.width_or("vocab_size_per_layer_input", vocabulary)?;
        let all_layers = per_layer.saturating_mul(layers as u64);
        draft.tensor("per_layer_model_proj.weight", &[embedding, all_layers]);
        draft.tensor("per_layer_proj_norm.weight", &[per_layer]);
        draft.tensor("per_layer_token_embd.weight", &[all_layers, vocabulary]);
    }
    if full_dim > 1 {
        draft.tensor("rope_freqs.weight", &[full_dim / 2]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

fn experts(fields: &Fields<'_>) -> Result<ExpertsBeside, ConfigError> {
    let count = fields.count_or("num_experts", 0)?;
    if count == 0 || !fields.flag_or("enable_moe_block", true)? {
        return Ok(ExpertsBeside(None));
    }
    let used = fields.count_of(&["top_k_experts", "num_experts_per_tok"])?;
    let length = fields.width_of(&["moe_intermediate_size", "expert_intermediate_size"])?;
    Ok(ExpertsBeside(Some(Mixture {
        gate: ExpertGate::Fused,
        ..Mixture::new(count, used, length)
    })))
}

/// Attention that owns neither keys nor values where it reads another layer's, and no matrix
/// for the values where they are the keys.
struct SharingHeads {
    heads: Heads,
    values_are_keys: bool,
}

impl Part for SharingHeads {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let heads = &self.heads;
        let queries = heads.query_heads.saturating_mul(heads.key_dim);
        let keys = heads.kv_heads.saturating_mul(heads.key_dim);
        block.linear("attn_q", embedding, queries, false);
        block.tensor("attn_q_norm.weight", &[heads.key_dim]);
        if !heads.shares_cache {
            block.linear("attn_k", embedding, keys, false);
            block.tensor("attn_k_norm.weight", &[heads.key_dim]);
            if !self.values_are_keys {
                block.linear("attn_v", embedding, keys, false);
            }
        }
        block.linear("attn_output", queries, embedding, false);
        block.layer.attention = heads.cached();
    }
}

/// The experts beside the dense network, with norms of their own.
struct ExpertsBeside(Option<Mixture>);

impl Part for ExpertsBeside {
    fn write(&self, block: &mut Block<'_>) {
        let Some(mixture) = &self.0 else {
            return;
        };
        let embedding = block.embedding();
        mixture.write(block);
        block.tensor("ffn_gate_inp.scale", &[embedding]);
        block.tensor("ffn_down_exps.scale", &[mixture.count]);
        block.tensor("pre_ffw_norm_2.weight", &[embedding]);
        block.tensor("post_ffw_norm_1.weight", &[embedding]);
        block.tensor("post_ffw_norm_2.weight", &[embedding]);
    }
}

/// The scale of the layer's output, and its own embedding where it has one.
struct LayerInput {
    per_layer: Option<u64>,
}

impl Part for LayerInput {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        block.tensor("layer_output_scale.weight", &[1]);
        if let Some(per_layer) = self.per_layer {
            block.linear("inp_gate", embedding, per_layer, false);
            block.linear("proj", per_layer, embedding, false);
            block.tensor("post_norm.weight", &[embedding]);
        }
    }
}
