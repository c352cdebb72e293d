//! What one layer keeps for the context, and what it needs while a prompt passes through it.
//!
//! Source: Transformers 5.23.0, `cache_utils.py`, `integrations/sdpa_attention.py`,
//! `integrations/moe.py`, `models/*/modeling_*.py`; the bytes per token of dense models in SDPA
//! and in plain attention as measured (Llama 3.1 8B, Gemma 3 4B). What mixtures of experts and
//! recurrent layers need was counted over the classes with tensors that hold no data; the latter are
//! met from above.

use alloc::vec::Vec;

use super::settings::{AttentionImplementation, Cache};
use crate::model::{Attention, Layer, Model, RecurrentState, Span};

/// Elements that share a scale and a zero point of 16 bits each in a quantized cache.
const QUANT_GROUP: u128 = 64;
/// Newest tokens that a quantized cache may keep in 16 bits.
const RESIDUAL: u64 = 127;
/// Bytes of a number in single precision.
const SINGLE: u128 = 4;

/// Bytes of a score's softmax in single precision.
const SOFTMAX: u64 = 4;
/// Families with sinks.
const SINKS: [&str; 2] = ["gpt-oss", "mimo2"];

/// The kinds of masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    /// Every earlier token.
    Causal,
    /// Tokens within this window or chunk.
    Local(u64),
}

/// A layer by its sizes; layers of the same sizes are one, with their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// The GPU that it lies on.
    pub gpu: usize,
    /// Bytes of an element of the model's type.
    pub element: u64,
    /// Elements that it caches for a token.
    pub cached: u64,
    /// Elements of the larger of keys and values of a token: what the cache copies to grow.
    pub copied: u64,
    /// Its attention's mask; `None` without attention.
    pub mask: Option<Mask>,
    /// Query heads.
    pub heads: u64,
    /// Bytes of a score in plain attention, all copies together.
    pub score: u64,
    /// Bytes of a token's sink in plain attention, all copies together; 0 without sinks.
    pub sink: u64,
    /// Elements per token of queries, repeated keys and repeated values.
    pub attended: u64,
    /// Elements per token that attention needs besides the stream in SDPA without a mask.
    pub fused: u64,
    /// Bytes per token of the network, besides the stream.
    pub network: u64,
    /// Bytes of the network whatever the tokens: how many each expert has, and where they begin.
    pub fixed: u64,
    /// Bytes per token of the recurrent mixer, besides the stream.
    pub recurrent: u64,
    /// Bytes of the recurrent state.
    pub state: u64,
}

/// The layers of a model by their sizes, with the number of each.
pub(super) fn shapes(model: &Model, element: u64, gpus: &[usize]) -> Vec<(Shape, u64)> {
    let gates = gates(model);
    let mut shapes: Vec<(Shape, u64)> = Vec::new();
    for (index, layer) in model.decoder_layers() {
        let gpu = gpus.get(index).copied().unwrap_or(0);
        let gate = gates.get(index).copied().unwrap_or(3);
        let shape = shape(model, layer, (gpu, element), gate);
        match shapes.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, count)) => *count += 1,
            None => shapes.push((shape, 1)),
        }
    }
    shapes
}

/// Widths of a network that exist at once, layer by layer: 3 where the gate is a matrix of its
/// own, 4 where it is one with the matrix up. Without a gate 2, or 4 where the activation is
/// put together step by step.
fn gates(model: &Model) -> Vec<u64> {
    let ungated = if model.architecture == "starcoder2" {
        2
    } else {
        4
    };
    let mut gates = alloc::vec![ungated; model.layers.len()];
    for tensor in &model.tensors {
        let Some(block) = tensor.block() else {
            continue;
        };
        let Some(gate) = gates.get_mut(block) else {
            continue;
        };
        if tensor.name.ends_with(".ffn_gate.weight") {
            *gate = 3;
        } else if tensor.name.ends_with(".ffn_up.weight") {
            let length = model
                .layers
                .get(block)
                .map_or(0, |layer| layer.feed_forward.length);
            if tensor.dimensions[1] == length.saturating_mul(2) {
                *gate = 4;
            }
        }
    }
    gates
}

fn shape(model: &Model, layer: &Layer, (gpu, element): (usize, u64), gate: u64) -> Shape {
    // With sinks the softmax is in the model's type.
    let sink = match SINKS.contains(&model.architecture.as_str()) {
        true => element.saturating_mul(3),
        false => 0,
    };
    let mut shape = Shape {
        gpu,
        element,
        cached: 0,
        copied: 0,
        mask: layer.attention.span().map(mask),
        heads: 0,
        score: match sink {
            // In single precision it needs no copy to work on.
            0 if element == SOFTMAX => element.saturating_add(SOFTMAX),
            0 => element.saturating_add(2 * SOFTMAX),
            _ => sink,
        },
        sink,
        attended: 0,
        fused: 0,
        network: network(model, layer, element, gate),
        fixed: layer
            .feed_forward
            .experts
            .map_or(0, |experts| experts.count.saturating_mul(8)),
        recurrent: layer.recurrent.map_or(0, |state| recurrent(state, element)),
        state: layer.recurrent.map_or(0, |own| state(own, element)),
    };
    match layer.attention {
        Attention::None => {}
        Attention::Heads(heads) => {
            let keys = heads.kv_heads.saturating_mul(heads.key_dim);
            let values = heads.kv_heads.saturating_mul(heads.value_dim);
            if !heads.shares_cache {
                shape.cached = keys.saturating_add(values);
                shape.copied = keys.max(values);
            }
            let both = heads
                .key_dim
                .saturating_mul(2)
                .saturating_add(heads.value_dim);
            shape.heads = heads.query_heads;
            shape.attended = heads.query_heads.saturating_mul(both);
            let queries = heads.query_heads.saturating_mul(heads.key_dim);
            let output = heads.query_heads.saturating_mul(heads.value_dim);
            shape.fused = queries
                .saturating_mul(2)
                .saturating_add(output)
                .saturating_add(keys)
                .saturating_add(values);
        }
        Attention::Latent(latent) => {
            shape.cached = latent.latent_dim.saturating_add(latent.rope_dim);
            shape.copied = latent.latent_dim.max(latent.rope_dim);
            let both = latent
                .key_dim
                .saturating_mul(2)
                .saturating_add(latent.value_dim);
            shape.heads = latent.query_heads;
            shape.attended = latent.query_heads.saturating_mul(both);
            // Keys and values of every head, decompressed, and the matrix that both come from.
            shape.fused = shape.attended.saturating_mul(2);
        }
    }
    if let Some(indexer) = layer.indexer {
        shape.cached = shape.cached.saturating_add(indexer.key_dim);
    }
    shape
}

fn mask(span: Span) -> Mask {
    span.limit().map_or(Mask::Causal, Mask::Local)
}

/// Families whose routing weights are in the model's type; the others' are in single precision,
/// and so is what they weight.
const HALF_ROUTERS: [&str; 13] = [
    "llama",
    "qwen2moe",
    "qwen3moe",
    "qwen3vlmoe",
    "qwen3next",
    "qwen35moe",
    "ernie4_5-moe",
    "gpt-oss",
    "granitemoe",
    "granitehybrid",
    "olmoe",
    "phimoe",
    "lfm2moe",
];

/// Bytes per token of the network at its widest.
fn network(model: &Model, layer: &Layer, element: u64, gate: u64) -> u64 {
    let whole = |elements: u64| elements.saturating_mul(element);
    let dense = whole(layer.feed_forward.length.saturating_mul(gate));
    let Some(experts) = layer.feed_forward.experts else {
        return dense;
    };
    let stream = model.embedding_length;
    let is_half = HALF_ROUTERS.contains(&model.architecture.as_str());
    // Llama 4 sends every token through every expert.
    let used = match model.architecture.as_str() {
        "llama4" => experts.count,
        _ => experts.used,
    };
    // Copies of the stream for each expert chosen: gathered, projected, weighted, in order; or the
    // first of them beside gate and up, the activation and their product. Expert, place and
    // inverse of each pair are in 64 bits.
    let (copies, pair) = if is_half {
        (element.saturating_mul(4), 40)
    } else {
        (element.saturating_mul(2).saturating_add(8), 44)
    };
    let out = stream.saturating_mul(copies).saturating_add(pair);
    let inside = whole(experts.length.saturating_mul(4).saturating_add(stream)).saturating_add(36);
    let router = experts
        .count
        .saturating_mul(if is_half { element } else { 4 });
    let mut routed = out.max(inside).saturating_mul(used).saturating_add(router);
    // The output of shared experts waits for the others' where they come first.
    if experts.shared_length > 0 && is_half {
        routed = routed.saturating_add(whole(stream));
    }
    let shared = whole(
        experts
            .shared_length
            .saturating_mul(3)
            .saturating_add(stream),
    );
    dense.max(routed).max(shared)
}

/// Bytes per token of a recurrent mixer while a prompt passes, in plain PyTorch and single
/// precision, as where its own kernels are not installed.
fn recurrent(state: RecurrentState, element: u64) -> u64 {
    /// Tokens of a chunk.
    const CHUNK: u64 = 64;
    match state {
        RecurrentState::GatedDeltaNet {
            key_dim,
            value_heads,
            value_dim,
            ..
        } => {
            let keys = value_heads.saturating_mul(key_dim).saturating_mul(7);
            let values = value_heads.saturating_mul(value_dim).saturating_mul(7);
            let scores = value_heads.saturating_mul(CHUNK);
            keys.saturating_add(values)
                .saturating_add(scores)
                .saturating_mul(4)
        }
        RecurrentState::KimiDelta {
            heads, head_dim, ..
        } => {
            let width = heads.saturating_mul(head_dim).saturating_mul(16);
            width
                .saturating_add(heads.saturating_mul(3 * CHUNK))
                .saturating_mul(4)
        }
        RecurrentState::Mamba2 {
            inner,
            state,
            heads,
            ..
        } => {
            // Repeated for every head; the measured peaks are met from above, by up to 23 %.
            let grouped = heads.saturating_mul(state).saturating_mul(4);
            inner
                .saturating_mul(8)
                .saturating_add(grouped)
                .saturating_add(heads.saturating_mul(12 * CHUNK))
                .saturating_mul(4)
        }
        RecurrentState::Mamba { inner, state, .. } => {
            // Discretized states for every token.
            inner.saturating_mul(state).saturating_mul(14)
        }
        RecurrentState::ShortConvolution { width, .. } => {
            width.saturating_mul(6).saturating_mul(element)
        }
        RecurrentState::Rwkv { embedding, .. } => embedding.saturating_mul(12 * 4),
        RecurrentState::Lightning { heads, head_dim } => {
            let width = heads.saturating_mul(head_dim);
            width.saturating_mul(8).saturating_mul(element)
        }
        RecurrentState::Compressor { key_dim, .. } => key_dim.saturating_mul(6 * 4),
    }
}

/// Bytes of the state: the convolution keeps as many tokens as its kernel has, in the model's
/// type, the rest is in single precision.
fn state(state: RecurrentState, element: u64) -> u64 {
    let convolved = state.conv_elements().unwrap_or(u64::MAX);
    let kernel = match state {
        RecurrentState::Mamba { conv_kernel, .. }
        | RecurrentState::Mamba2 { conv_kernel, .. }
        | RecurrentState::GatedDeltaNet { conv_kernel, .. }
        | RecurrentState::KimiDelta { conv_kernel, .. }
        | RecurrentState::ShortConvolution { conv_kernel, .. } => conv_kernel,
        RecurrentState::Rwkv { .. }
        | RecurrentState::Lightning { .. }
        | RecurrentState::Compressor { .. } => 0,
    };
    let whole = match kernel {
        0 | 1 => convolved,
        _ => (convolved / (kernel - 1)).saturating_mul(kernel),
    };
    let rest = state.state_elements().unwrap_or(u64::MAX).saturating_mul(4);
    whole.saturating_mul(element).saturating_add(rest)
}

impl Shape {
    /// Bytes that the layer caches while a prompt of `tokens` passes, and after it.
    pub(super) fn cache_bytes(&self, cache: Cache, tokens: u64) -> u128 {
        let cached = u128::from(self.cached);
        let element = u128::from(self.element);
        let Some(bits) = cache.bits() else {
            // A window's tensors are views of the whole prompt's until the first token after it.
            let kept = match (cache, self.mask) {
                (Cache::Static, Some(Mask::Local(window))) => tokens.min(window),
                _ => tokens,
            };
            return cached
                .saturating_mul(u128::from(kept))
                .saturating_mul(element);
        };
        let residual = tokens.saturating_sub(1).min(RESIDUAL);
        let packed = cached.saturating_mul(u128::from(tokens - residual));
        let scales = packed.div_ceil(QUANT_GROUP).saturating_mul(2 * element);
        let newest = cached
            .saturating_mul(u128::from(residual))
            .saturating_mul(element);
        packed
            .saturating_mul(u128::from(bits))
            .div_ceil(8)
            .saturating_add(scales)
            .saturating_add(newest)
    }

    /// Bytes that the layer keeps once tokens have followed the prompt.
    pub(super) fn settled_bytes(&self, cache: Cache, tokens: u64) -> u128 {
        let kept = match (cache, self.mask) {
            (Cache::Dynamic, Some(Mask::Local(window))) => tokens.min(window.saturating_sub(1)),
            _ => return self.cache_bytes(cache, tokens),
        };
        u128::from(self.cached)
            .saturating_mul(u128::from(kept))
            .saturating_mul(u128::from(self.element))
    }

    /// Bytes of the layer's attention while a prompt of `tokens` passes, besides the stream, the
    /// masks and the cache.
    pub(super) fn attention_bytes(
        &self,
        attention: AttentionImplementation,
        cache: Cache,
        tokens: u64,
    ) -> u128 {
        let Some(mask) = self.mask else {
            return 0;
        };
        let n = u128::from(tokens);
        let element = u128::from(self.element);
        let linear = |elements: u64| {
            n.saturating_mul(u128::from(elements))
                .saturating_mul(element)
        };
        let square = n.saturating_mul(n);
        let own = match attention {
            AttentionImplementation::Eager => {
                let scores = square.saturating_mul(u128::from(self.heads));
                let scores = scores.saturating_mul(u128::from(self.score));
                // Sinks stand beside the scores of each token.
                let sinks = n.saturating_mul(u128::from(self.heads));
                let sinks = sinks.saturating_mul(u128::from(self.sink));
                linear(self.attended)
                    .saturating_add(scores)
                    .saturating_add(sinks)
            }
            // PyTorch's kernel for single precision has the keys and values of every query head.
            AttentionImplementation::Sdpa if self.element > 2 && !mask.is_made(tokens) => {
                linear(self.attended).saturating_add(linear(self.attended / 3))
            }
            AttentionImplementation::Sdpa if mask.is_made(tokens) => {
                // Keys and values are repeated for every query head, and the mask becomes one of
                // floats, padded.
                linear(self.attended)
                    .saturating_add(linear(self.attended / 3))
                    .saturating_add(square.saturating_mul(2 * element))
            }
            AttentionImplementation::Sdpa | AttentionImplementation::FlashAttention2 => {
                linear(self.fused)
            }
        };
        // Keys or values in single precision while they are quantized.
        let quantizing = match cache.bits() {
            Some(_) => n
                .saturating_mul(u128::from(self.copied))
                .saturating_mul(5 * SINGLE),
            None => 0,
        };
        own.saturating_add(quantizing)
    }

    /// Bytes of the scores that plain attention returns, which exist until the layer ends.
    pub(super) fn kept_scores(&self, attention: AttentionImplementation, tokens: u64) -> u128 {
        if attention != AttentionImplementation::Eager {
            return 0;
        }
        let n = u128::from(tokens);
        n.saturating_mul(n)
            .saturating_mul(u128::from(self.heads))
            .saturating_mul(u128::from(self.element))
    }

    /// Bytes that one more token needs besides: the cache is copied as it grows, a layer at a
    /// time, and a quantized one is read back whole.
    pub(super) fn step_bytes(&self, cache: Cache, tokens: u64) -> u128 {
        let n = u128::from(tokens);
        let element = u128::from(self.element);
        let elements = match cache {
            Cache::Dynamic => u128::from(self.copied),
            Cache::Static => 0,
            Cache::Int8 | Cache::Int4 => 2 * u128::from(self.cached),
        };
        n.saturating_mul(elements).saturating_mul(element)
    }
}

impl Mask {
    /// Whether SDPA is given the mask: a causal one it knows by itself, and so a window that
    /// reaches over the whole prompt.
    pub(super) fn is_made(self, tokens: u64) -> bool {
        match self {
            Self::Causal => false,
            Self::Local(window) => tokens >= window,
        }
    }
}
