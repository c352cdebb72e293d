//! What llama.cpp takes on a GPU beyond the buffers that it plans: estimated.
//!
//! The CUDA context was read off load logs of users' machines (2025–2026): 107 MiB on an RTX
//! 4060 Ti (34 multiprocessors), 119 on an RTX 3060 (28), 169 on an RTX 4070 (46), 264 on an RTX
//! 5070 Ti (70), 279 to 344 on RTX 3090s (82), 456 on RTX 4090s (128), 612 on a B200 (148) and 712
//! on RTX PRO 6000s (188), as much on each further GPU as on the first. The pool was measured
//! with the host code of ggml 0.26.0's own CUDA backend (`ggml-cuda.cu`, `mmq.cu`).

use alloc::vec::Vec;

use super::batch::Batch;
use super::cache;
use super::placement::{Located, Place, Placement};
use super::settings::LlamaCpp;
use crate::engine::{Basis, EngineError, Figure};
use crate::gpu::{Device, multiprocessors};
use crate::model::{Attention, Model, Span};
use crate::quant::TensorType;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// CUDA context and kernels of a GPU: this, and so much for each multiprocessor. Not below any of
/// the logs, and up to a half above.
const CONTEXT: u64 = 24 * MIB;
const CONTEXT_PER_MULTIPROCESSOR: u64 = 4 * MIB;
/// Old chips with few multiprocessors take this nevertheless (170 MiB on a Tesla K80).
const LEAST_CONTEXT: u64 = 176 * MIB;
/// Where the multiprocessors are not known: this, and so much for each GiB of memory. Chips with
/// more than 36 GiB do not have more multiprocessors.
const UNKNOWN_CONTEXT: u64 = 80 * MIB;
const CONTEXT_PER_GIB: u64 = 18 * MIB;
const LARGEST_CHIP: u64 = 36 * GIB;
/// The memory of a chip of which only the free memory is known, at least.
const COMMON_CHIP: u64 = 12 * GIB;
/// The pool grows in steps of this size.
const POOL_STEP: u64 = 2 * MIB;
/// Partial tiles of matrix products: streaming multiprocessors × 128 × 128 × 4 bytes, for the
/// 188 of the largest consumer and workstation chips.
const TILE_FIXUP: u64 = 188 * 128 * 128 * 4;
/// cuBLAS workspace before and from compute capability 9.0 on.
const CUBLAS_WORKSPACE: u64 = 4 * MIB;
const CUBLAS_WORKSPACE_HOPPER: u64 = 32 * MIB;

/// The CUDA context of this GPU in bytes.
pub(super) fn context(device: &Device) -> u64 {
    if let Some(multiprocessors) = multiprocessors(&device.name) {
        let context = CONTEXT + CONTEXT_PER_MULTIPROCESSOR * u64::from(multiprocessors);
        return context.max(LEAST_CONTEXT);
    }
    let memory = device
        .total
        .unwrap_or_else(|| device.free.max(COMMON_CHIP))
        .min(LARGEST_CHIP);
    UNKNOWN_CONTEXT + memory / 1024 * (CONTEXT_PER_GIB / MIB)
}

/// The CUDA context of a GPU, and what the program leaves free of its own accord, as far as
/// `growth` does not come out of it.
pub(super) fn start(settings: &LlamaCpp, context: u64, growth: Figure) -> Figure {
    let reserve = settings.profile.reserve(settings);
    let bytes = context.saturating_add(reserve.saturating_sub(growth.bytes));
    Figure {
        bytes,
        basis: Basis::Estimate {
            below_permille: 500,
            above_permille: 100,
        },
    }
}

/// What the matrix products on one GPU need from the pool, per token of a micro-batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Products {
    /// Elements of the widest activation that meets a quantized weight, padded.
    quantized: u64,
    /// Elements in and out of the widest product with a weight in 16 bits.
    half: u64,
    /// Elements of the largest quantized weight of a layer.
    largest: u64,
    /// Elements of the output's weight, where it is quantized.
    output: u64,
}

/// What the matrix products on each GPU need.
pub(super) fn products(model: &Model, tensors: &[Located<'_>], gpus: usize) -> Vec<Products> {
    let mut products = alloc::vec![Products::default(); gpus];
    for located in tensors {
        let (tensor, block) = (located.tensor, located.block);
        let [columns, rows, experts, _] = tensor.dimensions;
        let is_table = block.is_none()
            && (located.name.starts_with("token_embd")
                || located.name.starts_with("per_layer_token_embd"));
        if rows == 1 || is_table || !located.name.ends_with(".weight") {
            continue;
        }
        let used = if experts > 1 {
            let layer = block.and_then(|block| model.layers.get(block));
            layer
                .and_then(|layer| layer.feed_forward.experts)
                .map_or(1, |experts| experts.used)
        } else {
            1
        };
        for place in located.copies.iter() {
            let Place::Gpu(gpu) = place else {
                continue;
            };
            let Some(product) = products.get_mut(gpu) else {
                continue;
            };
            if tensor.tensor_type.is_quantized() {
                let padded = columns.next_multiple_of(512).saturating_mul(used);
                product.quantized = product.quantized.max(padded);
                let elements = columns.saturating_mul(rows);
                if block.is_some() {
                    product.largest = product.largest.max(elements);
                } else {
                    product.output = product.output.max(elements);
                }
            } else {
                let elements = columns.saturating_add(rows).saturating_mul(used);
                product.half = product.half.max(elements);
            }
        }
    }
    products
}

/// What the attention of a layer converts to f16 in the pool, layers alike once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Halves {
    place: Place,
    span: Span,
    /// Elements for each cell and token or stream.
    row: u64,
}

/// What attention converts to f16 in the pool: without flash attention the scores; with it a
/// quantized cache, in the versions that do not plan that.
pub(super) fn halves(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
) -> Result<Vec<Halves>, EngineError> {
    let flash_attention = settings.uses_flash_attention();
    let mut all: Vec<Halves> = Vec::new();
    if flash_attention && settings.version.plans_conversions() {
        return Ok(all);
    }
    let converted = |tensor_type: TensorType, row: u64| {
        if matches!(tensor_type, TensorType::F16 | TensorType::F32) {
            0
        } else {
            row
        }
    };
    for (index, layer) in model.decoder_layers() {
        let heads = match layer.attention {
            Attention::Heads(heads) => heads.query_heads,
            Attention::Latent(latent) => latent.query_heads,
            Attention::None => continue,
        };
        let Some(cell) = cache::cell(model, layer)? else {
            continue;
        };
        let row = if flash_attention {
            converted(settings.cache_type_k, cell.key)
                .saturating_add(converted(settings.cache_type_v, cell.value))
        } else {
            heads
        };
        let halves = Halves {
            place: placement.layer(index),
            span: cell.span,
            row,
        };
        if !all.contains(&halves) {
            all.push(halves);
        }
    }
    Ok(all)
}

/// The pool and workspaces that a prompt filling the context makes grow on this GPU.
pub(super) fn growth(
    settings: &LlamaCpp,
    batch: &Batch,
    products: Products,
    layers: &[Halves],
    gpu: usize,
    device: &Device,
) -> Result<Figure, EngineError> {
    // Volta multiplies large batches by cuBLAS, with the weight converted first.
    let is_large = |rows| device.compute_capability == Some((7, 0)) && rows >= 64;
    let converts = is_large(batch.ubatch);
    let largest = if is_large(batch.outputs) {
        products.largest.max(products.output)
    } else {
        products.largest
    };
    let (quantized, dequantized) = if converts {
        (
            2_u64.saturating_mul(products.quantized),
            2_u64.saturating_mul(largest),
        )
    } else {
        // Activations as q8_1: 36 bytes for 32 elements.
        (products.quantized.saturating_mul(36) / 32, 0)
    };
    let half = 2_u64.saturating_mul(products.half);
    let activations = quantized.max(half).saturating_mul(batch.ubatch);
    let flash_attention = settings.uses_flash_attention();
    let mut halves: u64 = 0;
    for layer in layers.iter().filter(|layer| layer.place == Place::Gpu(gpu)) {
        let cells = cache::cells(settings, batch, layer.span)?;
        let columns = if flash_attention {
            batch.streams
        } else {
            batch.ubatch
        };
        let elements = cells.saturating_mul(columns).saturating_mul(layer.row);
        halves = halves.max(2_u64.saturating_mul(elements));
    }
    if activations == 0 && halves == 0 {
        return Ok(Figure::exact(0));
    }
    let uses_cublas = !flash_attention || products.half > 0 || converts;
    let workspace = match (uses_cublas, device.compute_capability) {
        (false, _) => 0,
        (true, Some((major, _))) if major >= 9 => CUBLAS_WORKSPACE_HOPPER,
        (true, _) => CUBLAS_WORKSPACE,
    };
    let pool = activations
        .max(halves)
        .saturating_add(dequantized)
        .saturating_add(TILE_FIXUP);
    let bytes = pool
        .checked_next_multiple_of(POOL_STEP)
        .unwrap_or(u64::MAX)
        .saturating_add(workspace);
    Ok(Figure {
        bytes,
        basis: Basis::Estimate {
            below_permille: 500,
            above_permille: 500,
        },
    })
}
