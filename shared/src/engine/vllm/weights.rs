//! Bytes of the weights on a rank of each stage.
//!
//! Source: vLLM 0.33.0, `layers/linear.py` (column, row and QKV parallel), `layers/
//! vocab_parallel_embedding.py`, `layers/fused_moe`. Equal to the parameters that the engine
//! creates for the families measured; what kernels repack once they are loaded is not counted.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::capacity::Stages;
use super::packed;
use super::page::rank_kv_heads;
use super::settings::{Drafter, Vllm};
use crate::engine::EngineError;
use crate::model::{Attention, HeadAttention, Layer, Method, Model, RecurrentState, Tensor};
use crate::quant::TensorType;

/// Rows of embeddings are padded to a multiple of this many.
pub(super) const VOCABULARY_PADDING: u64 = 64;
/// Widths of MXFP4 experts on a rank are padded to a multiple of this many.
pub(super) const EXPERT_PADDING: u64 = 64;
/// Bytes of an element of the model's type.
const ELEMENT_BYTES: u64 = 2;
/// Families whose stages all hold the embedding, the output matrix or the norm before it, also
/// those that have no use for it.
const EVERYWHERE: [(&str, Kept); 25] = [
    ("command-r", Kept(true, false, true)),
    ("cohere2", Kept(true, false, true)),
    ("falcon", Kept(true, true, true)),
    ("gemma", Kept(true, false, true)),
    ("gemma2", Kept(true, false, true)),
    ("gemma3", Kept(true, false, true)),
    ("gemma4", Kept(true, false, true)),
    ("gpt-oss", Kept(true, true, true)),
    ("granitehybrid", Kept(true, true, true)),
    ("internlm2", Kept(true, false, true)),
    ("jamba", Kept(true, true, true)),
    ("lfm2", Kept(true, false, false)),
    ("lfm2moe", Kept(true, false, false)),
    ("llama with experts", Kept(true, true, true)),
    ("minicpm", Kept(true, true, true)),
    ("nemotron_h", Kept(true, true, true)),
    ("nemotron_h_moe", Kept(true, true, true)),
    ("olmoe", Kept(true, true, true)),
    ("phimoe", Kept(true, true, true)),
    ("qwen2moe", Kept(true, true, true)),
    ("qwen35", Kept(true, false, false)),
    ("qwen35moe", Kept(true, false, false)),
    ("qwen3moe", Kept(true, true, true)),
    ("qwen3next", Kept(true, true, false)),
    ("stablelm", Kept(true, true, true)),
];

/// Whether every stage holds the embedding, the output matrix, and the norm before it.
#[derive(Clone, Copy, Default)]
struct Kept(bool, bool, bool);

impl Kept {
    fn of(model: &Model) -> Self {
        let experts = |layer: &Layer| layer.feed_forward.experts.is_some();
        let family = match model.architecture.as_str() {
            // Mixtral has a class of its own.
            "llama" if model.layers.iter().any(experts) => "llama with experts",
            family => family,
        };
        let entry = EVERYWHERE.iter().find(|(name, _)| *name == family);
        entry.map_or_else(Self::default, |(_, kept)| *kept)
    }
}

/// Families whose experts are chosen in single precision.
const SINGLE_PRECISION_ROUTERS: [&str; 3] = ["glm4moe", "minimax-m2", "ernie4_5-moe"];

/// What each rank has of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    Whole,
    /// One part in as many as there are ranks.
    Part,
    /// The keys or values of its KV heads.
    KvHeads(HeadAttention),
    /// Queries of its heads, keys and values of its KV heads, in one tensor.
    Fused(HeadAttention),
    /// Channels of Mamba 2, with those that repeat groups so that each rank has whole ones.
    Channels {
        /// Channels that are added.
        repeated: u64,
    },
    /// Rows of a padded vocabulary.
    Vocabulary,
}

/// Bytes of the weights on a rank of each stage.
pub(super) fn per_stage(settings: &Vllm, model: &Model) -> Result<Vec<u64>, EngineError> {
    let stages = Stages::new(settings, model);
    let mut sums = vec![0_u64; stages.len()];
    let last = stages.len().saturating_sub(1);
    let drafts = settings.drafter == Drafter::Mtp && settings.num_speculative_tokens > 0;
    let is_falcon = model.architecture == "falcon";
    let is_tied = is_falcon || model.tensor("output.weight").is_none();
    let Kept(embedding_everywhere, output_everywhere, norm_everywhere) = Kept::of(model);
    for tensor in &model.tensors {
        let (block, base) = split(&tensor.name);
        // Tables are computed. Falcon's output matrix is the embedding, which its files hold
        // twice.
        if base.starts_with("rope_f") || (is_falcon && base == "output.weight") {
            continue;
        }
        let layer = block.and_then(|block| model.layers.get(block));
        if layer.is_some_and(|layer| layer.next_token_prediction) && !drafts {
            continue;
        }
        let mut bytes =
            rank_bytes(settings, model, tensor, (base, layer)).ok_or(EngineError::TooLarge)?;
        // Where values are the keys, the fused product has rows for them all the same.
        if model.architecture == "gemma4"
            && base == "attn_k.weight"
            && let Some(block) = block
            && model
                .tensor(&format!("blk.{block}.attn_v.weight"))
                .is_none()
        {
            bytes = bytes.checked_mul(2).ok_or(EngineError::TooLarge)?;
        }
        let holds = |stage: usize| match (block, base) {
            (Some(block), _) => stages.of(block) == stage,
            (None, "token_embd.weight") => {
                stage == 0 || (is_tied && stage == last) || embedding_everywhere
            }
            (None, "output.weight") => stage == last || output_everywhere,
            (None, "output_norm.weight") => stage == last || norm_everywhere,
            (None, name) if is_input(name) => stage == 0,
            (None, _) => stage == last,
        };
        for (stage, sum) in sums.iter_mut().enumerate() {
            if holds(stage) {
                *sum = sum.checked_add(bytes).ok_or(EngineError::TooLarge)?;
            }
        }
    }
    add_cache_scales(model, &stages, &mut sums)?;
    if let (Some(vision), Some(first)) = (settings.vision(model), sums.first_mut()) {
        let ranks = settings.tensor_parallel_size.max(1);
        let elements = vision.shared_out.div_ceil(ranks);
        *first = elements
            .checked_add(vision.whole)
            .and_then(|elements| elements.checked_mul(ELEMENT_BYTES))
            .and_then(|bytes| bytes.checked_add(*first))
            .ok_or(EngineError::TooLarge)?;
    }
    Ok(sums)
}

/// Scales of queries, keys, values and the like that quantized checkpoints bring each attention.
fn add_cache_scales(model: &Model, stages: &Stages, sums: &mut [u64]) -> Result<(), EngineError> {
    let scales = match model.quantization.as_ref().map(|own| &own.method) {
        Some(Method::Fp8 | Method::FbgemmFp8 | Method::ModelOpt) => 4 * ELEMENT_BYTES,
        Some(Method::CompressedTensors) => 3 * (ELEMENT_BYTES + 4),
        _ => 0,
    };
    for (index, layer) in model.decoder_layers() {
        if matches!(layer.attention, Attention::Heads(_))
            && let Some(sum) = sums.get_mut(stages.of(index))
        {
            *sum = sum.checked_add(scales).ok_or(EngineError::TooLarge)?;
        }
    }
    Ok(())
}

fn is_input(name: &str) -> bool {
    ["token_", "position_", "per_layer_", "altup_proj"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Bytes of the tensor on one rank.
fn rank_bytes(
    settings: &Vllm,
    model: &Model,
    tensor: &Tensor,
    (base, layer): (&str, Option<&Layer>),
) -> Option<u64> {
    let ranks = settings.tensor_parallel_size.max(1);
    if let Some(packing) = packed::packing(tensor) {
        return packed::rank_bytes(settings, tensor, packing, (base, layer));
    }
    let bytes = created_bytes(model, tensor, base)?;
    match (model.architecture.as_str(), base) {
        ("gpt-oss", _) if base.ends_with("_exps.bias") => {
            return expert_bias_bytes(tensor, base, ranks);
        }
        // A norm over all heads goes with them.
        ("minimax-m2", "attn_q_norm.weight" | "attn_k_norm.weight") => {
            return Some(bytes.div_ceil(ranks));
        }
        _ => {}
    }
    if ranks == 1 && layer.is_some() {
        return Some(bytes);
    }
    match share(base, layer, ranks) {
        Share::Whole => Some(bytes),
        Share::Part => Some(bytes.div_ceil(ranks)),
        Share::KvHeads(heads) => {
            let part = bytes / heads.kv_heads.max(1);
            part.checked_mul(rank_kv_heads(settings, &heads))
        }
        Share::Fused(heads) => {
            let (all, own) = fused(settings, &heads)?;
            let row = bytes.checked_div(all)?;
            row.checked_mul(own)
        }
        Share::Channels { repeated } => {
            let channels = match tensor.dimensions {
                [channels, 1, ..] | [_, channels, ..] => channels,
            };
            let channel = bytes / channels.max(1);
            channel.checked_mul(channels.checked_add(repeated)? / ranks)
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

/// Biases of experts, as wide as their matrices on a rank.
fn expert_bias_bytes(tensor: &Tensor, base: &str, ranks: u64) -> Option<u64> {
    let [width, experts, ..] = tensor.dimensions;
    let width = if sums_over_ranks(base) {
        width
    } else {
        width
            .div_ceil(ranks)
            .checked_next_multiple_of(EXPERT_PADDING)?
    };
    width.checked_mul(experts)?.checked_mul(ELEMENT_BYTES)
}

/// Rows of a fused tensor of queries, keys and values: all of them, and a rank's.
pub(super) fn fused(settings: &Vllm, heads: &HeadAttention) -> Option<(u64, u64)> {
    let queries = heads.query_heads.checked_mul(heads.key_dim)?;
    let head = heads.key_dim.checked_add(heads.value_dim)?;
    let all = heads.kv_heads.checked_mul(head)?.checked_add(queries)?;
    let own = rank_kv_heads(settings, heads)
        .checked_mul(head)?
        .checked_add(queries / settings.tensor_parallel_size.max(1))?;
    Some((all, own))
}

/// Whether ranks share out the input of a layer, and sum what comes out.
pub(super) fn sums_over_ranks(base: &str) -> bool {
    let (part, _) = base.rsplit_once('.').unwrap_or((base, ""));
    [
        "attn_output",
        "ffn_down",
        "ffn_down_exps",
        "ffn_down_shexp",
        "ssm_out",
        "shortconv.out_proj",
    ]
    .contains(&part)
}

/// Bytes that the engine creates for a tensor: 16 bits for what a checkpoint has unquantized.
fn created_bytes(model: &Model, tensor: &Tensor, base: &str) -> Option<u64> {
    let width = match tensor.tensor_type {
        TensorType::F32 if is_single_precision(model, base) => 2 * ELEMENT_BYTES,
        TensorType::F32 | TensorType::F16 | TensorType::Bf16 => ELEMENT_BYTES,
        _ => return Some(tensor.bytes()),
    };
    tensor.elements().checked_mul(width)
}

/// What stays in single precision whatever the model's type: decay rates of recurrent layers,
/// biases that correct the choice of experts, and with some families that choice itself.
fn is_single_precision(model: &Model, base: &str) -> bool {
    base == "ssm_a"
        || base.starts_with("indexer.k_norm")
        || base.starts_with("exp_probs_b")
        || (base == "ffn_gate_inp.weight"
            && SINGLE_PRECISION_ROUTERS.contains(&model.architecture.as_str()))
}

/// The block that a name stands in, and the name within it.
fn split(name: &str) -> (Option<usize>, &str) {
    let within = || {
        let (block, base) = name.strip_prefix("blk.")?.split_once('.')?;
        Some((Some(block.parse().ok()?), base))
    };
    within().unwrap_or((None, name))
}

pub(super) fn share(base: &str, layer: Option<&Layer>, ranks: u64) -> Share {
    let heads = layer.and_then(|layer| match layer.attention {
        Attention::Heads(heads) => Some(heads),
        Attention::None | Attention::Latent(_) => None,
    });
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
    let recurrent = layer.and_then(|layer| layer.recurrent);
    let grouped = match recurrent {
        Some(RecurrentState::Mamba2 { state, groups, .. }) => {
            let missing = if groups.is_multiple_of(ranks) {
                0
            } else {
                ranks.saturating_sub(groups)
            };
            Some(missing.saturating_mul(state).saturating_mul(2))
        }
        _ => None,
    };
    let is_whole = is_row_bias
        // Mamba 2 has a norm per group, which goes with it.
        || (part.ends_with("norm") && (part != "ssm_norm" || grouped.is_none()))
        || part == "attn_norm_2"
        || part.starts_with("ffn_gate_inp")
        || part.starts_with("exp_probs")
        || part.starts_with("attn_q_a")
        || part.starts_with("attn_kv_a")
        || part.starts_with("indexer")
        || part.starts_with("ffn_latent")
        || part.starts_with("layer_output_scale");
    match (part, heads, grouped) {
        _ if is_whole => Share::Whole,
        ("ssm_in" | "ssm_conv1d", _, Some(repeated)) => Share::Channels { repeated },
        ("attn_k" | "attn_v", Some(heads), _) => Share::KvHeads(heads),
        // A gated delta net's projections have the same name.
        ("attn_qkv", Some(heads), _) if recurrent.is_none() => Share::Fused(heads),
        _ => Share::Part,
    }
}
