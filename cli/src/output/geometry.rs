//! A model's geometry as output tells it.

use serde::Serialize;
use shared::model::{Attention, Layer, Model, RecurrentState, Span};

/// Bytes of one element of recurrent state: engines keep it in 32-bit floats.
const STATE_ELEMENT: u64 = 4;

/// Layers that are alike.
#[derive(Debug, Serialize)]
pub(crate) struct LayerKind {
    /// How many.
    pub(crate) count: u64,
    /// `full`, `sliding`, `chunked`, `latent` (MLA), `recurrent` or `none`.
    pub(crate) attention: &'static str,
    /// Query heads.
    pub(crate) heads: Option<u64>,
    /// KV heads.
    pub(crate) kv_heads: Option<u64>,
    /// Elements of one key head.
    pub(crate) head_dim_k: Option<u64>,
    /// Elements of one value head.
    pub(crate) head_dim_v: Option<u64>,
    /// Tokens that the layer looks back at; none for all.
    pub(crate) window: Option<u64>,
    /// Of MLA: elements of the latent that is cached.
    pub(crate) latent_dim: Option<u64>,
    /// Of MLA: elements of the rotary key that is cached.
    pub(crate) rope_dim: Option<u64>,
    /// Of sparse attention: elements of the indexer's cached key.
    pub(crate) indexer_dim: Option<u64>,
    /// The layer reads another layer's cache.
    pub(crate) shares_cache: bool,
    /// The kind of recurrent state.
    pub(crate) state: Option<&'static str>,
    /// Bytes of the recurrent state of one sequence.
    pub(crate) state_bytes: u64,
    /// Width of the dense feed-forward network; 0 for none.
    pub(crate) feed_forward: u64,
    /// Experts to choose from; 0 for none.
    pub(crate) experts: u64,
    /// Experts that each token uses.
    pub(crate) experts_used: u64,
    /// Width of one expert.
    pub(crate) expert_feed_forward: u64,
    /// Width of the experts that every token uses.
    pub(crate) shared_expert_feed_forward: u64,
    /// The layer predicts further tokens (MTP) and is no part of the main decoder.
    pub(crate) next_token_prediction: bool,
}

/// The kinds of layers of a model, in the order in which they first appear.
pub(crate) fn layer_kinds(model: &Model) -> Vec<LayerKind> {
    let mut kinds: Vec<(&Layer, u64)> = Vec::new();
    for layer in &model.layers {
        match kinds.iter_mut().find(|(known, _)| *known == layer) {
            Some((_, count)) => *count += 1,
            None => kinds.push((layer, 1)),
        }
    }
    kinds
        .into_iter()
        .map(|(layer, count)| LayerKind::new(layer, count))
        .collect()
}

impl LayerKind {
    fn new(layer: &Layer, count: u64) -> Self {
        let experts = layer.feed_forward.experts.unwrap_or_default();
        let mut kind = Self {
            count,
            attention: attention(layer),
            heads: None,
            kv_heads: None,
            head_dim_k: None,
            head_dim_v: None,
            window: layer.attention.span().and_then(Span::limit),
            latent_dim: None,
            rope_dim: None,
            indexer_dim: layer.indexer.map(|indexer| indexer.key_dim),
            shares_cache: false,
            state: layer.recurrent.as_ref().map(state),
            state_bytes: layer.recurrent.as_ref().map_or(0, state_bytes),
            feed_forward: layer.feed_forward.length,
            experts: experts.count,
            experts_used: experts.used,
            expert_feed_forward: experts.length,
            shared_expert_feed_forward: experts.shared_length,
            next_token_prediction: layer.next_token_prediction,
        };
        match layer.attention {
            Attention::None => {}
            Attention::Heads(heads) => {
                kind.heads = Some(heads.query_heads);
                kind.kv_heads = Some(heads.kv_heads);
                kind.head_dim_k = Some(heads.key_dim);
                kind.head_dim_v = Some(heads.value_dim);
                kind.shares_cache = heads.shares_cache;
            }
            Attention::Latent(latent) => {
                kind.heads = Some(latent.query_heads);
                kind.kv_heads = Some(1);
                kind.head_dim_k = Some(latent.key_dim);
                kind.head_dim_v = Some(latent.value_dim);
                kind.latent_dim = Some(latent.latent_dim);
                kind.rope_dim = Some(latent.rope_dim);
            }
        }
        kind
    }
}

fn attention(layer: &Layer) -> &'static str {
    match (layer.attention, layer.recurrent) {
        (Attention::None, Some(_)) => "recurrent",
        (Attention::None, None) => "none",
        (Attention::Latent(_), _) => "latent",
        (Attention::Heads(heads), _) => match heads.span {
            Span::Full => "full",
            Span::Sliding { .. } => "sliding",
            Span::Chunked { .. } => "chunked",
        },
    }
}

fn state(state: &RecurrentState) -> &'static str {
    match state {
        RecurrentState::Mamba { .. } => "mamba",
        RecurrentState::Mamba2 { .. } => "mamba2",
        RecurrentState::GatedDeltaNet { .. } => "gated_delta_net",
        RecurrentState::KimiDelta { .. } => "kimi_delta",
        RecurrentState::ShortConvolution { .. } => "short_convolution",
        RecurrentState::Rwkv { .. } => "rwkv",
        RecurrentState::Lightning { .. } => "lightning",
        RecurrentState::Compressor { .. } => "compressor",
    }
}

fn state_bytes(state: &RecurrentState) -> u64 {
    let elements = state.conv_elements().zip(state.state_elements());
    elements.map_or(u64::MAX, |(convolution, state)| {
        convolution
            .saturating_add(state)
            .saturating_mul(STATE_ELEMENT)
    })
}
