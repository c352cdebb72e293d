//! The page that each layer keeps in a block of the pool.
//!
//! Source: vLLM 0.33.0, `v1/kv_cache_interface.py`, `layers/attention/attention.py`,
//! `layers/attention/mla_attention.py`, `platforms/interface.py` (`_align_hybrid_block_size`).

use alloc::vec::Vec;

use super::cache_type::CacheType;
use super::hardware::Hardware;
use super::settings::{Drafter, Vllm};
use super::state::{self, Checkpoints};
use crate::engine::EngineError;
use crate::model::{Attention, HeadAttention, Indexer, Layer, Model, RecurrentState, Span};

/// Blocks of hybrid models with latent attention hold a multiple of this many tokens.
const LATENT_HYBRID_BLOCK: u64 = 128;
/// Tokens per block where some layers are packed and some are not.
const TURBOQUANT_BLOCK: u64 = 32;
/// Layers at either end that stay unpacked.
const TURBOQUANT_BOUNDARY: usize = 2;
/// Elements of an indexer's key under one scale, and the scale's bytes.
const INDEXER_GROUP: u64 = 128;
const INDEXER_SCALE: u64 = 4;

/// The cache of one layer: how much a block holds of it, and how many blocks a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// What it is for.
    pub(super) kind: Kind,
    /// Tokens per block.
    pub(super) block_size: u64,
    /// Bytes per block on one rank, padding included.
    pub(super) bytes: u64,
    /// What tells caches of the same kind apart.
    pub(super) shape: Shape,
}

/// Which blocks a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those of all tokens.
    Full,
    /// Those of the last tokens and of what is in flight.
    Sliding { window: u64 },
    /// Those of the chunk and of what is in flight.
    Chunked { chunk: u64 },
    /// A fixed number: recurrent states.
    State { blocks: u64 },
}

/// What a page is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Keys and values of each head.
    Heads { heads: u64, key: u64, value: u64 },
    /// A latent of so many elements (MLA).
    Latent { elements: u64 },
    /// An indexer's keys.
    Index { key: u64 },
    /// A recurrent state.
    State(RecurrentState),
}

impl Shape {
    /// Whether pages can be padded beyond whole rows: latents are indexed by the row.
    pub(super) fn can_be_padded(self) -> bool {
        matches!(self, Self::Heads { .. } | Self::State(_))
    }
}

/// The page of a layer, and where the layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LayerPage {
    /// Index of the layer in the model.
    pub(super) layer: usize,
    /// Its page.
    pub(super) page: Page,
}

/// The pages of all layers in order, and the tokens per block that the engine settles on.
pub(super) struct Pages {
    /// One for each cache, in the model's order.
    pub(super) layers: Vec<LayerPage>,
    /// Tokens per block of attention.
    pub(super) block_size: u64,
}

impl Pages {
    pub(super) fn new(
        settings: &Vllm,
        model: &Model,
        hardware: Hardware,
    ) -> Result<Self, EngineError> {
        let drafts = settings.drafter == Drafter::Mtp && settings.num_speculative_tokens > 0;
        let cached = || {
            model
                .layers
                .iter()
                .enumerate()
                .filter(move |(_, layer)| !layer.next_token_prediction || drafts)
        };
        let mut token_bytes: u64 = 0;
        let mut state_bytes: u64 = 0;
        let mut latent = false;
        for (index, layer) in cached() {
            if let Some(bytes) = attention_token_bytes(settings, hardware, model, (index, layer))? {
                token_bytes = token_bytes.max(bytes);
            }
            latent |= matches!(layer.attention, Attention::Latent(_));
            if let Some(recurrent) = &layer.recurrent {
                let bytes = state::page_bytes(settings, model, recurrent)?;
                state_bytes = state_bytes.max(bytes);
            }
        }
        let caches_prefixes = settings.prefix_caching && token_bytes > 0;
        let mut block_size = hardware.block_size(settings, model);
        if settings.cache_type.is_turboquant() && state_bytes == 0 {
            // Reckoned as if packed pages took 8 bits an element, so that one of them covers a
            // smallest block in 16 bits.
            block_size = block_size.max(TURBOQUANT_BLOCK);
        }
        let mut state_page = None;
        if token_bytes > 0 && state_bytes > 0 {
            let kernel_block = hardware.kernel_block(settings, model);
            let mut step = kernel_block.max(block_size);
            if latent {
                step = step.max(LATENT_HYBRID_BLOCK);
            }
            let checkpoints = cached()
                .filter_map(|(_, layer)| layer.recurrent.as_ref())
                .map(|recurrent| Checkpoints::of(settings, hardware, recurrent, caches_prefixes));
            for checkpoint in checkpoints {
                step = least_common_multiple(step, checkpoint.alignment)?;
            }
            let step_bytes = step.checked_mul(token_bytes).ok_or(EngineError::TooLarge)?;
            let needed = step
                .checked_mul(state_bytes.div_ceil(step_bytes))
                .and_then(|tokens| tokens.checked_next_multiple_of(kernel_block))
                .ok_or(EngineError::TooLarge)?;
            block_size = block_size.max(needed);
            // Both kinds of pages are of one size.
            state_page = Some(
                block_size
                    .checked_mul(token_bytes)
                    .ok_or(EngineError::TooLarge)?,
            );
        }
        let mut layers = Vec::new();
        for (index, layer) in cached() {
            let mut keep = |page| layers.push(LayerPage { layer: index, page });
            if let Some(page) =
                attention_page(settings, hardware, model, (index, layer), block_size)?
            {
                keep(page);
            }
            if let Some(page) = index_page(layer, block_size)? {
                keep(page);
            }
            if let Some(recurrent) = &layer.recurrent {
                let bytes = state::page_bytes(settings, model, recurrent)?;
                let checkpoints = Checkpoints::of(settings, hardware, recurrent, caches_prefixes);
                if bytes > 0 {
                    keep(Page {
                        kind: Kind::State {
                            blocks: checkpoints.blocks,
                        },
                        block_size,
                        bytes: state_page.unwrap_or(bytes),
                        shape: Shape::State(*recurrent),
                    });
                }
            }
        }
        Ok(Self { layers, block_size })
    }
}

/// KV heads on each rank: shared out, or repeated where the ranks are more.
pub(super) fn rank_kv_heads(settings: &Vllm, heads: &HeadAttention) -> u64 {
    (heads.kv_heads / settings.tensor_parallel_size.max(1)).max(1)
}

/// Bytes of one token in a layer's attention cache on one rank; `None` where it has none.
fn attention_token_bytes(
    settings: &Vllm,
    hardware: Hardware,
    model: &Model,
    layer: (usize, &Layer),
) -> Result<Option<u64>, EngineError> {
    Ok(attention_page(settings, hardware, model, layer, 1)?.map(|page| page.bytes))
}

fn attention_page(
    settings: &Vllm,
    hardware: Hardware,
    model: &Model,
    (index, layer): (usize, &Layer),
    block_size: u64,
) -> Result<Option<Page>, EngineError> {
    let unsupported = || EngineError::CacheTypeNotForModel {
        cache_type: settings.cache_type.name(),
        architecture: model.architecture.clone(),
    };
    let (kind, token_bytes, shape) = match layer.attention {
        Attention::None => return Ok(None),
        Attention::Heads(heads) if heads.shares_cache => return Ok(None),
        Attention::Heads(heads) => {
            let count = rank_kv_heads(settings, &heads);
            let cache_type = cache_type_of(settings, model, index);
            if settings.cache_type.is_turboquant() && heads.span != Span::Full {
                return Err(unsupported());
            }
            let bytes = cache_type
                .head_bytes(heads.key_dim, heads.value_dim)
                .ok_or_else(unsupported)?
                .checked_mul(count)
                .ok_or(EngineError::TooLarge)?;
            let shape = Shape::Heads {
                heads: count,
                key: heads.key_dim,
                value: heads.value_dim,
            };
            (kind(model, heads.span), bytes, shape)
        }
        Attention::Latent(latent) => {
            let elements = latent
                .latent_dim
                .checked_add(latent.rope_dim)
                .ok_or(EngineError::TooLarge)?;
            let cache_type = if layer.indexer.is_some() {
                hardware.sparse_cache_type(settings.cache_type, model)
            } else {
                settings.cache_type
            };
            let is_packed = matches!(cache_type, CacheType::Fp8DsMla | CacheType::Nvfp4DsMla);
            if is_packed && layer.indexer.is_none() {
                return Err(unsupported());
            }
            let bytes = cache_type.latent_bytes(elements).ok_or_else(unsupported)?;
            (Kind::Full, bytes, Shape::Latent { elements })
        }
    };
    Ok(Some(Page {
        kind,
        block_size,
        bytes: token_bytes
            .checked_mul(block_size)
            .ok_or(EngineError::TooLarge)?,
        shape,
    }))
}

/// The type that a layer's attention keeps: Falcon's is built without the cache's settings, and
/// packed types leave the first and the last layers alone where all layers attend.
fn cache_type_of(settings: &Vllm, model: &Model, index: usize) -> CacheType {
    if model.architecture == "falcon" {
        return CacheType::Auto;
    }
    if settings.cache_type.is_turboquant() {
        let layers = model.decoder_layers().count();
        let boundary = TURBOQUANT_BOUNDARY.min(layers / 2);
        let is_boundary = index < boundary || index >= layers.saturating_sub(boundary);
        let all_attend = model.layers.iter().all(|layer| layer.recurrent.is_none());
        if is_boundary && all_attend {
            return CacheType::Auto;
        }
    }
    settings.cache_type
}

/// The keys of a sparse-attention indexer: 8 bits each and a scale per group.
fn index_page(layer: &Layer, block_size: u64) -> Result<Option<Page>, EngineError> {
    let Some(Indexer { key_dim, .. }) = layer.indexer else {
        return Ok(None);
    };
    let bytes = key_dim
        .div_ceil(INDEXER_GROUP)
        .checked_mul(INDEXER_SCALE)
        .and_then(|scales| scales.checked_add(key_dim))
        .and_then(|token| token.checked_mul(block_size))
        .ok_or(EngineError::TooLarge)?;
    Ok(Some(Page {
        kind: Kind::Full,
        block_size,
        bytes,
        shape: Shape::Index { key: key_dim },
    }))
}

fn kind(model: &Model, span: Span) -> Kind {
    match span {
        Span::Full => Kind::Full,
        // Cohere counts the token itself besides the window.
        Span::Sliding { window } if model.architecture.starts_with("cohere2") => Kind::Sliding {
            window: window.saturating_add(1),
        },
        Span::Sliding { window } => Kind::Sliding { window },
        Span::Chunked { chunk } => Kind::Chunked { chunk },
    }
}

fn least_common_multiple(left: u64, right: u64) -> Result<u64, EngineError> {
    let (mut a, mut b) = (left, right);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (left / a.max(1))
        .checked_mul(right)
        .ok_or(EngineError::TooLarge)
}
