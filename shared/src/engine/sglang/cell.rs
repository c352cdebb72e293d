//! Bytes that one token takes in each pool of keys and values on a rank.
//!
//! Source: SGLang 0.5.23, `model_executor/pool_configurator.py` (`_compute_cell_size`,
//! `_compute_dsa_indexer_cell_size`, `HybridSWAPoolConfigurator`), `mem_cache/
//! kv_cache_configurator.py` (`calculate_mla_kv_cache_dim`), `layers/quantization/
//! fp4_kv_cache_quant_method.py`.

use super::hardware::Hardware;
use super::layers::{has_window_pool, is_latent};
use super::settings::{CacheType, Sglang};
use crate::engine::EngineError;
use crate::model::{Attention, HeadAttention, Layer, Model, RecurrentState, Span};

/// Elements under one scale of a sparse latent and of an indexer's key, and the scale's bytes.
const SPARSE_GROUP: u64 = 128;
const SPARSE_SCALE: u64 = 4;
/// Elements under one 8-bit scale of a 4-bit cache.
const FP4_GROUP: u64 = 16;
/// Bytes of an element of the model's own type.
const MODEL_BYTES: u64 = 2;

/// Families whose window is counted without the token itself.
const LOOKS_BACK: [&str; 3] = ["gemma4", "gpt-oss", "mellum"];

/// Bytes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// In layers that keep every token.
    pub(super) full: u64,
    /// In layers with a pool of their own for their window.
    pub(super) windowed: u64,
    /// The longest of these windows, in tokens.
    pub(super) window: u64,
}

/// The type that is kept for the one asked for.
pub(super) fn kept_type(settings: &Sglang, model: &Model, hardware: Hardware) -> CacheType {
    let sparse = model
        .decoder_layers()
        .any(|(_, layer)| layer.indexer.is_some());
    let own = model
        .quantization
        .as_ref()
        .is_some_and(|own| own.fp8_kv_cache);
    match settings.cache_type {
        CacheType::Auto if sparse && hardware.is_blackwell() => CacheType::Fp8E4m3,
        CacheType::Auto if own && !sparse => CacheType::Fp8E4m3,
        kind => kind,
    }
}

/// KV heads on each rank: shared out, or repeated where the ranks are more.
fn rank_heads(settings: &Sglang, heads: &HeadAttention) -> u64 {
    (heads.kv_heads / settings.tensor_parallel_size.max(1)).max(1)
}

pub(super) fn cell(
    settings: &Sglang,
    model: &Model,
    hardware: Hardware,
) -> Result<Cell, EngineError> {
    let kind = kept_type(settings, model, hardware);
    let windowed = has_window_pool(settings, model);
    let convolves = model.layers.iter().any(|layer| {
        matches!(
            layer.recurrent,
            Some(RecurrentState::ShortConvolution { .. })
        )
    });
    if kind == CacheType::Fp4MxBlock16 && (windowed || convolves || is_latent(model)) {
        return Err(refused(kind, model));
    }
    if !settings.hybrid_swa_memory && has_uneven_layers(model) {
        return Err(EngineError::InvalidSetting {
            name: "--disable-hybrid-swa-memory",
            value: "on".into(),
            expected: ("形のそろった層", "layers of one shape"),
        });
    }
    let mut cell = Cell {
        full: 0,
        windowed: 0,
        window: 0,
    };
    for (_, layer) in model.decoder_layers() {
        let Some(bytes) = layer_bytes(settings, model, hardware, kind, layer)? else {
            continue;
        };
        let limit = layer.attention.span().and_then(Span::limit);
        let sum = match limit.filter(|_| windowed) {
            Some(window) => {
                let before = u64::from(LOOKS_BACK.contains(&model.architecture.as_str()));
                cell.window = cell.window.max(window.saturating_sub(before));
                &mut cell.windowed
            }
            None => &mut cell.full,
        };
        *sum = sum.checked_add(bytes).ok_or(EngineError::TooLarge)?;
    }
    Ok(cell)
}

/// Whether layers keep keys and values of different shapes, which one pool has no place for.
fn has_uneven_layers(model: &Model) -> bool {
    let mut shapes = model
        .decoder_layers()
        .filter_map(|(_, layer)| match layer.attention {
            Attention::Heads(heads) => Some((heads.kv_heads, heads.key_dim, heads.value_dim)),
            Attention::None | Attention::Latent(_) => None,
        });
    let first = shapes.next();
    shapes.any(|shape| Some(shape) != first)
}

fn refused(kind: CacheType, model: &Model) -> EngineError {
    EngineError::CacheTypeNotForModel {
        cache_type: kind.name(),
        architecture: model.architecture.clone(),
    }
}

/// Bytes of a token in one layer; `None` where it has no attention.
fn layer_bytes(
    settings: &Sglang,
    model: &Model,
    hardware: Hardware,
    kind: CacheType,
    layer: &Layer,
) -> Result<Option<u64>, EngineError> {
    let bytes = match layer.attention {
        Attention::None => return Ok(None),
        Attention::Heads(heads) => {
            let count = rank_heads(settings, &heads);
            head_bytes(kind, &heads, count)
                .ok_or_else(|| refused(kind, model))?
                .ok_or(EngineError::TooLarge)?
        }
        Attention::Latent(latent) => {
            let sparse = layer.indexer.is_some();
            let bytes = match kind {
                CacheType::Fp8E5m2 if sparse => return Err(refused(kind, model)),
                // Scales and a rotary part in 16 bits, unless TensorRT-LLM reads it.
                CacheType::Fp8E4m3 if sparse && !hardware.is_blackwell() => {
                    let scales = latent.latent_dim / SPARSE_GROUP * SPARSE_SCALE;
                    latent
                        .rope_dim
                        .checked_mul(MODEL_BYTES)
                        .and_then(|rope| rope.checked_add(latent.latent_dim))
                        .and_then(|bytes| bytes.checked_add(scales))
                }
                _ => latent
                    .latent_dim
                    .checked_add(latent.rope_dim)
                    .and_then(|elements| elements.checked_mul(element_bytes(kind))),
            };
            bytes.ok_or(EngineError::TooLarge)?
        }
    };
    let index = layer.indexer.map_or(0, |indexer| {
        indexer
            .key_dim
            .saturating_add(indexer.key_dim / SPARSE_GROUP * SPARSE_SCALE)
    });
    bytes
        .checked_add(index)
        .map(Some)
        .ok_or(EngineError::TooLarge)
}

/// Bytes of an element of types that have whole ones.
fn element_bytes(kind: CacheType) -> u64 {
    match kind {
        CacheType::Auto | CacheType::Bfloat16 => MODEL_BYTES,
        CacheType::Fp8E4m3 | CacheType::Fp8E5m2 | CacheType::Fp4MxBlock16 => 1,
    }
}

/// Bytes of a token's keys and values in so many heads; the outer `None` where the type does not
/// take the heads.
#[allow(
    clippy::option_option,
    reason = "both cases are told apart by the one caller"
)]
fn head_bytes(kind: CacheType, heads: &HeadAttention, count: u64) -> Option<Option<u64>> {
    let elements = heads
        .key_dim
        .checked_add(heads.value_dim)
        .and_then(|both| both.checked_mul(count));
    if kind != CacheType::Fp4MxBlock16 {
        return Some(elements.and_then(|count| count.checked_mul(element_bytes(kind))));
    }
    let even = heads.key_dim == heads.value_dim && heads.key_dim.is_multiple_of(FP4_GROUP);
    even.then(|| elements.and_then(|count| (count / 2).checked_add(count / FP4_GROUP)))
}
