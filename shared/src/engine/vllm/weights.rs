//! Bytes of the weights on a rank of each stage.
//!
//! Source: vLLM 0.33.0, `layers/linear.py` (column, row and QKV parallel), `layers/
//! vocab_parallel_embedding.py`, `layers/fused_moe`. Equal to the parameters that the engine
//! creates for unquantized checkpoints of most families; formats that it repacks, and what few
//! families keep in single precision, differ.

use alloc::vec;
use alloc::vec::Vec;

use super::capacity::Stages;
use super::page::rank_kv_heads;
use super::settings::{Drafter, Vllm};
use crate::engine::EngineError;
use crate::model::{Attention, HeadAttention, Layer, Model, Tensor};
use crate::quant::TensorType;

/// Rows of embeddings are padded to a multiple of this many.
const VOCABULARY_PADDING: u64 = 64;
/// Bytes of an element of the model's type.
const ELEMENT_BYTES: u64 = 2;

/// What each rank has of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// All of it.
    Whole,
    /// One part in as many as there are ranks.
    Part,
    /// The keys or values of its KV heads.
    KvHeads(HeadAttention),
    /// Queries of its heads, keys and values of its KV heads, in one tensor.
    Fused(HeadAttention),
    /// Rows of a padded vocabulary.
    Vocabulary,
}

/// Bytes of the weights on a rank of each stage.
pub(super) fn per_stage(settings: &Vllm, model: &Model) -> Result<Vec<u64>, EngineError> {
    let stages = Stages::new(settings, model);
    let mut sums = vec![0_u64; stages.len()];
    let last = stages.len().saturating_sub(1);
    let drafts = settings.drafter == Drafter::Mtp && settings.num_speculative_tokens > 0;
    let has_output = model.tensor("output.weight").is_some();
    for tensor in &model.tensors {
        if tensor.is_rope_table() {
            continue;
        }
        let layer = tensor.block().and_then(|block| model.layers.get(block));
        if layer.is_some_and(|layer| layer.next_token_prediction) && !drafts {
            continue;
        }
        let bytes = rank_bytes(settings, tensor, layer).ok_or(EngineError::TooLarge)?;
        let is_embedding = tensor.name.starts_with("token_embd.weight");
        let stage = match tensor.block() {
            Some(block) => stages.of(block),
            None if is_input(&tensor.name) => 0,
            None => last,
        };
        let mut add = |stage: usize| {
            let sum = sums.get_mut(stage)?;
            *sum = sum.checked_add(bytes)?;
            Some(())
        };
        add(stage).ok_or(EngineError::TooLarge)?;
        // A tied output matrix lies in both the first and the last stage.
        if is_embedding && !has_output && last > 0 {
            add(last).ok_or(EngineError::TooLarge)?;
        }
    }
    Ok(sums)
}

fn is_input(name: &str) -> bool {
    ["token_", "position_", "per_layer_", "altup_proj"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Bytes of the tensor on one rank.
fn rank_bytes(settings: &Vllm, tensor: &Tensor, layer: Option<&Layer>) -> Option<u64> {
    let ranks = settings.tensor_parallel_size.max(1);
    let bytes = created_bytes(tensor)?;
    match share(&tensor.name, layer) {
        Share::Whole => Some(bytes),
        Share::Part => Some(bytes.div_ceil(ranks)),
        Share::KvHeads(heads) => {
            let part = bytes / heads.kv_heads.max(1);
            part.checked_mul(rank_kv_heads(settings, &heads))
        }
        Share::Fused(heads) => {
            let queries = heads.query_heads.checked_mul(heads.key_dim)?;
            let head = heads.key_dim.checked_add(heads.value_dim)?;
            let all = heads.kv_heads.checked_mul(head)?.checked_add(queries)?;
            let own = rank_kv_heads(settings, &heads)
                .checked_mul(head)?
                .checked_add(queries / ranks)?;
            let row = bytes.checked_div(all)?;
            row.checked_mul(own)
        }
        Share::Vocabulary => {
            let rows = tensor.dimensions[1].max(1);
            let padded = rows.checked_next_multiple_of(VOCABULARY_PADDING)?;
            let row = bytes / rows;
            row.checked_mul(padded)?
                .checked_next_multiple_of(ranks)?
                .checked_div(ranks)
        }
    }
}

/// Bytes that the engine creates for a tensor: 16 bits for what a checkpoint has unquantized.
fn created_bytes(tensor: &Tensor) -> Option<u64> {
    match tensor.tensor_type {
        TensorType::F32 if is_single_precision(&tensor.name) => Some(tensor.bytes()),
        TensorType::F32 | TensorType::F16 | TensorType::Bf16 => {
            tensor.elements().checked_mul(ELEMENT_BYTES)
        }
        _ => Some(tensor.bytes()),
    }
}

/// What stays in single precision whatever the model's type: decay rates of recurrent layers,
/// biases that correct the choice of experts.
fn is_single_precision(name: &str) -> bool {
    let name = base(name);
    name == "ssm_a" || name.starts_with("exp_probs_b")
}

/// The name without its block.
fn base(name: &str) -> &str {
    name.strip_prefix("blk.")
        .and_then(|rest| rest.split_once('.'))
        .map_or(name, |(_, base)| base)
}

fn share(name: &str, layer: Option<&Layer>) -> Share {
    let heads = layer.and_then(|layer| match layer.attention {
        Attention::Heads(heads) => Some(heads),
        Attention::None | Attention::Latent(_) => None,
    });
    let base = base(name);
    let (part, kind) = base.rsplit_once('.').unwrap_or((base, ""));
    // Sums over the ranks: the bias is added once.
    let is_row_bias = kind == "bias"
        && ["attn_output", "ffn_down", "ssm_out", "shortconv.out_proj"].contains(&part);
    if layer.is_none() {
        return match base {
            "token_embd.weight"
            | "output.weight"
            | "output.bias"
            | "per_layer_token_embd.weight" => Share::Vocabulary,
            _ => Share::Whole,
        };
    }
    let is_whole = is_row_bias
        || (part.contains("norm") && part != "ssm_norm")
        || part.starts_with("ffn_gate_inp")
        || part.starts_with("exp_probs")
        || part.starts_with("attn_q_a")
        || part.starts_with("attn_kv_a")
        || part.starts_with("indexer")
        || part.starts_with("ffn_latent")
        || part.starts_with("layer_output_scale");
    match (part, heads) {
        _ if is_whole => Share::Whole,
        ("attn_k" | "attn_v", Some(heads)) => Share::KvHeads(heads),
        // A gated delta net's projections have the same name.
        ("attn_qkv", Some(heads)) if layer.is_some_and(|layer| layer.recurrent.is_none()) => {
            Share::Fused(heads)
        }
        _ => Share::Part,
    }
}
