//! Whether attention runs as one fused operation, and where.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `ggml-cuda/fattn.cu` (`ggml_cuda_get_best_fattn_kernel`) and
//! `llama-context.cpp` (`resolve_fused_ops`).

use super::placement::{Place, Placement};
use super::settings::{FlashAttention, LlamaCpp, Version};
use crate::model::{Attention, HeadAttention, Model};
use crate::quant::TensorType;

/// The settings with `--flash-attn auto` decided: the engine turns it off where a layer on a GPU
/// has no kernel there, unless a quantized value cache needs it.
pub(super) fn decided(settings: &LlamaCpp, model: &Model, placement: &Placement) -> LlamaCpp {
    let mut settings = settings.clone();
    if never(&model.architecture) {
        settings.flash_attention = FlashAttention::Off;
    }
    if settings.flash_attention == FlashAttention::Auto {
        settings.flash_attention = settings.profile.attention(&settings);
    }
    if settings.flash_attention == FlashAttention::Auto {
        let runs = |index, attention: &Attention| {
            placement.layer(index) == Place::Host || has_kernel(&settings, attention)
        };
        let everywhere = model
            .decoder_layers()
            .all(|(index, layer)| runs(index, &layer.attention));
        settings.flash_attention = if everywhere || settings.cache_type_v.is_quantized() {
            FlashAttention::On
        } else {
            FlashAttention::Off
        };
    }
    settings
}

/// Whether the engine decides by where attention runs.
pub(super) fn is_automatic(settings: &LlamaCpp, model: &Model) -> bool {
    settings.flash_attention == FlashAttention::Auto
        && settings.profile.attention(settings) == FlashAttention::Auto
        && !settings.cache_type_v.is_quantized()
        && !never(&model.architecture)
}

/// Whether values are laid out for flash attention, which they stay where `auto` turns it off.
pub(super) fn lays_values_by_rows(settings: &LlamaCpp, model: &Model) -> bool {
    settings.uses_flash_attention() && !never(&model.architecture)
}

/// Architectures that the engine turns flash attention off for, asked for or not.
pub(super) fn never(architecture: &str) -> bool {
    architecture == "grok"
}

/// Whether scores are biased by the distance of positions (ALiBi), which some kernels are not made
/// for.
fn biases_scores(model: &Model) -> bool {
    match model.architecture.as_str() {
        "bloom" | "mpt" | "jais" | "refact" => true,
        // The larger model alone, which the engine tells by its layers.
        "baichuan" => model.decoder_layers().count() == 40,
        _ => false,
    }
}

/// What decides on the kernel of a layer's attention beside its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kernels {
    /// Compute capability of the GPU, major and minor.
    capability: (u32, u32),
    /// Scores are biased by the distance of positions.
    biased: bool,
}

impl Kernels {
    /// Of layers at this place. A GPU of unknown generation is taken for one of Ampere's.
    pub(super) fn new(model: &Model, placement: &Placement, place: Place) -> Self {
        Self {
            capability: placement.capability(place).unwrap_or((8, 6)),
            biased: biases_scores(model),
        }
    }

    /// Whether the kernel reads keys and values in f16 alone, so that those of another type are
    /// converted before it runs. With few queries for each stream it is one that reads the types
    /// of the cache, if it was compiled for the pair (`ggml_cuda_get_fattn_vec_case`).
    pub(super) fn converts(
        self,
        settings: &LlamaCpp,
        heads: HeadAttention,
        cells: u64,
        [queries, streams]: [u64; 2],
    ) -> bool {
        let dim = heads.key_dim;
        let (key, value) = (settings.cache_type_k, settings.cache_type_v);
        let compiled = key == value
            && matches!(
                key,
                TensorType::F16 | TensorType::Bf16 | TensorType::Q4_0 | TensorType::Q8_0
            );
        if !matches!(dim, 64 | 128 | 256) || heads.value_dim != dim || !compiled {
            return true;
        }
        let shared = heads.query_heads.checked_div(heads.kv_heads).unwrap_or(1);
        let together = shared >= 2 && !self.biased;
        let alone = queries == 1 && !together;
        let quantized = key.is_quantized();
        let reads_cache = match self.capability {
            (7, ..5) => {
                // Queries that share keys are columns of one product, up to eight.
                let alone = self.biased && settings.version >= Version::V0_6_0;
                let columns = if alone {
                    1
                } else {
                    1 << shared.trailing_zeros().min(3)
                };
                queries.saturating_mul(columns) <= 2
            }
            (..7, _) => {
                if quantized {
                    queries <= 2
                } else {
                    alone
                }
            }
            _ if quantized => {
                let most = if self.capability >= (8, 9) { 2 } else { 1 };
                queries <= most
            }
            capability => {
                let many = shared > 4 && (dim >= 256 || cells >= 8192);
                alone || (capability >= (8, 9) && queries == 1 && streams == 1 && !many)
            }
        };
        !reads_cache
    }
}

/// Whether CUDA has a kernel for this attention: for some widths of heads and most cache types.
/// Where it has none, the operation runs on the CPU.
pub(super) fn has_kernel(settings: &LlamaCpp, attention: &Attention) -> bool {
    let (key, value, heads, kv_heads) = match *attention {
        Attention::None => return true,
        Attention::Heads(heads) => (
            heads.key_dim,
            heads.value_dim,
            heads.query_heads,
            heads.kv_heads,
        ),
        Attention::Latent(latent) => (
            latent.latent_dim.saturating_add(latent.rope_dim),
            latent.latent_dim,
            latent.query_heads,
            1,
        ),
    };
    let is_read = |tensor_type| {
        matches!(
            tensor_type,
            TensorType::F32
                | TensorType::F16
                | TensorType::Bf16
                | TensorType::Q4_0
                | TensorType::Q4_1
                | TensorType::Q5_0
                | TensorType::Q5_1
                | TensorType::Q8_0
        )
    };
    if !is_read(settings.cache_type_k) || !is_read(settings.cache_type_v) {
        return false;
    }
    // Queries that share keys and values.
    let shared = heads.checked_div(kv_heads).unwrap_or(0);
    match (key, value) {
        (40 | 64 | 72 | 80 | 96 | 112 | 128 | 256, value) => value == key,
        (192, 128) => shared.is_multiple_of(8) && shared > 0,
        (320, 256) => shared.is_multiple_of(32) && shared > 0,
        (512, 512) | (576, 512) => shared >= 2,
        _ => false,
    }
}
