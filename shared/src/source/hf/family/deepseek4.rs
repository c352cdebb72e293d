//! DeepSeek-V4: one key per token that is its own value, keys of the past compressed, an indexer
//! over the finer of them, and a residual stream of several lanes.

use alloc::vec::Vec;

use super::Family;
use crate::model::{self, Attention, HeadAttention, RecurrentState, Span};
use crate::quant::TensorType;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Lanes, Mixture, Norm, Part, Prediction, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["deepseek_v4", "deepseek_ref"],
    nested_defaults: &[],
    build,
}];

/// Tokens that become one key, where layers are named and not numbered.
const FINE: u64 = 4;
const COARSE: u64 = 128;
/// First layers whose experts a table chooses, where the configuration does not say it.
const HASHED: u64 = 3;

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "deepseek4")?;
    let layers = fields.layers()?;
    let lanes = Lanes {
        count: fields.count_or("hc_mult", 4)?,
        mixes: true,
    };
    let length = fields.width("moe_intermediate_size")?;
    // The shared network is as wide as one expert, however many it stands for.
    let mixture = Mixture {
        shared: Some(SharedExperts {
            length,
            weighted: false,
            bias: fields.flag_or("mlp_bias", false)?,
        }),
        ..Mixture::new(
            fields.count("n_routed_experts")?,
            fields.count("num_experts_per_tok")?,
            length,
        )
    };
    let hashed = match fields.texts("mlp_layer_types", layers)? {
        Some(kinds) => kinds.iter().filter(|&&kind| kind == "hash_moe").count() as u64,
        None => fields.count_or("num_hash_layers", HASHED)?,
    };
    let attention = SharedKeys::read(fields)?;
    for (index, ratio) in (0..).zip(ratios(fields, layers)?) {
        let experts = Chosen {
            mixture,
            by_table: index < hashed,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &SharedKeys { ratio, ..attention },
            &Norm::rms("ffn_norm"),
            &experts,
            &lanes,
        ]);
    }
    for _ in 0..fields.prediction_layers("num_nextn_predict_layers")? {
        let experts = Chosen {
            mixture,
            by_table: false,
        };
        draft.prediction_block(&[
            &Norm::rms("attn_norm"),
            &attention,
            &Norm::rms("ffn_norm"),
            &experts,
            &lanes,
            &Prediction::default(),
        ]);
    }
    lanes.write_output(&mut draft);
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Tokens that become one key in each layer; 0 where a layer has its window alone.
fn ratios(fields: &Fields<'_>, layers: usize) -> Result<Vec<u64>, ConfigError> {
    if let Some(ratios) = fields.integers("compress_ratios", layers)? {
        return Ok(ratios);
    }
    let rates = fields.inner("compress_rates").unwrap_or(*fields);
    let fine = rates.count_or("compressed_sparse_attention", FINE)?;
    let coarse = rates.count_or("heavily_compressed_attention", COARSE)?;
    let Some(kinds) = fields.texts("layer_types", layers)? else {
        // Two coarse ones, then both in turn.
        let usual = |index| {
            if index >= 2 && index % 2 == 1 {
                fine
            } else {
                coarse
            }
        };
        return Ok((0..layers).map(usual).collect());
    };
    let kinds = kinds.iter().map(|&kind| match kind {
        "sliding_attention" => Ok(0),
        "compressed_sparse_attention" => Ok(fine),
        "heavily_compressed_attention" => Ok(coarse),
        other => Err(ConfigError::UnknownEntry {
            field: "layer_types",
            entry: other.into(),
        }),
    });
    kinds.collect()
}

/// Attention whose heads share one key, over a window and the compressed past.
#[derive(Clone, Copy)]
struct SharedKeys {
    query_heads: u64,
    head_dim: u64,
    query_rank: u64,
    output_groups: u64,
    output_rank: u64,
    window: u64,
    ratio: u64,
    indexer: model::Indexer,
}

impl SharedKeys {
    fn read(fields: &Fields<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            query_heads: fields.count("num_attention_heads")?,
            head_dim: fields.width("head_dim")?,
            query_rank: fields.width("q_lora_rank")?,
            output_groups: fields.count("o_groups")?,
            output_rank: fields.width("o_lora_rank")?,
            window: fields.width("sliding_window")?,
            ratio: 0,
            indexer: model::Indexer {
                heads: fields.count("index_n_heads")?,
                key_dim: fields.width("index_head_dim")?,
                top_k: fields.width("index_topk")?,
            },
        })
    }

    /// What makes `ratio` tokens one key of `key_dim`; the finer look at two windows.
    fn write_compressor(&self, block: &mut Block<'_>, name: &str, key_dim: u64, windows: u64) {
        let embedding = block.embedding();
        let width = key_dim.saturating_mul(windows);
        for part in ["kv", "gate"] {
            block.linear(&alloc::format!("{name}_{part}"), embedding, width, false);
        }
        block.tensor(&alloc::format!("{name}_ape.weight"), &[width, self.ratio]);
        block.tensor(&alloc::format!("{name}_norm.weight"), &[key_dim]);
    }
}

impl Part for SharedKeys {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let queries = self.query_heads.saturating_mul(self.head_dim);
        block.tensor("attn_sinks.weight", &[self.query_heads]);
        block.linear("attn_q_a", embedding, self.query_rank, false);
        block.tensor("attn_q_a_norm.weight", &[self.query_rank]);
        block.linear("attn_q_b", self.query_rank, queries, false);
        block.linear("attn_kv", embedding, self.head_dim, false);
        block.tensor("attn_kv_a_norm.weight", &[self.head_dim]);
        let group = queries.checked_div(self.output_groups).unwrap_or(queries);
        block.tensor(
            "attn_output_a.weight",
            &[group, self.output_rank, self.output_groups],
        );
        let ranks = self.output_rank.saturating_mul(self.output_groups);
        block.linear("attn_output_b", ranks, embedding, false);
        // Few tokens to a key leave many keys, which an indexer selects from.
        let is_fine = self.ratio > 0 && self.ratio < COARSE;
        if self.ratio > 0 {
            let windows = if is_fine { 2 } else { 1 };
            self.write_compressor(block, "attn_compressor", self.head_dim, windows);
        }
        if is_fine {
            let own = self.indexer;
            let queries = own.heads.saturating_mul(own.key_dim);
            block.linear("indexer.proj", embedding, own.heads, false);
            block.linear("indexer.attn_q_b", self.query_rank, queries, false);
            self.write_compressor(block, "indexer_compressor", own.key_dim, 2);
        }
        block.layer.indexer = is_fine.then_some(self.indexer);
        block.layer.recurrent = (self.ratio > 0).then_some(RecurrentState::Compressor {
            ratio: self.ratio,
            key_dim: self.head_dim,
            indexer_dim: if is_fine { self.indexer.key_dim } else { 0 },
        });
        block.layer.attention = Attention::Heads(HeadAttention {
            query_heads: self.query_heads,
            kv_heads: 1,
            key_dim: self.head_dim,
            value_dim: self.head_dim,
            span: Span::Sliding {
                window: self.window,
            },
            shares_cache: false,
        });
    }
}

/// Experts that the token itself or a router chooses.
struct Chosen {
    mixture: Mixture,
    by_table: bool,
}

impl Part for Chosen {
    fn write(&self, block: &mut Block<'_>) {
        let mixture = Mixture {
            selection_bias: !self.by_table,
            ..self.mixture
        };
        mixture.write(block);
        if self.by_table {
            let table = [self.mixture.used, block.vocabulary()];
            block.typed_table("ffn_gate_tid2eid.weight", &table, TensorType::I32);
        }
    }
}
