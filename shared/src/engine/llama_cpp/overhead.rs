//! What llama.cpp takes on a GPU beyond the buffers that it plans: estimated.
//!
//! The CUDA context was read off load logs of users' machines (2025–2026): 140 MiB on a laptop's
//! 8 GB card, 264 MiB on an RTX 5070 Ti, 305 MiB on Linux over three loads, 700 to 750 MiB
//! unaccounted on an RTX PRO 6000, and 104 MiB on each further GPU. The pool was measured with
//! the host code of ggml 0.26.0's own CUDA backend (`ggml-cuda.cu`, `mmq.cu`).

use alloc::vec::Vec;

use super::batch::Batch;
use super::cache;
use super::placement::{Place, Placement};
use super::settings::LlamaCpp;
use crate::engine::{Basis, EngineError, Figure};
use crate::gpu::Device;
use crate::model::{Attention, Model};

const MIB: u64 = 1024 * 1024;
/// CUDA context and kernels on the first GPU.
const FIRST_CONTEXT: u64 = 300 * MIB;
/// CUDA context on each further GPU.
const FURTHER_CONTEXT: u64 = 110 * MIB;
/// The pool grows in steps of this size.
const POOL_STEP: u64 = 2 * MIB;
/// Partial tiles of matrix products: streaming multiprocessors × 128 × 128 × 4 bytes, for the
/// 188 of the largest consumer and workstation chips.
const TILE_FIXUP: u64 = 188 * 128 * 128 * 4;
/// cuBLAS workspace before and from compute capability 9.0 on.
const CUBLAS_WORKSPACE: u64 = 4 * MIB;
const CUBLAS_WORKSPACE_HOPPER: u64 = 32 * MIB;

/// The CUDA context of each GPU, and what the program leaves free of its own accord, as far as
/// `growth` does not come out of it.
pub(super) fn start(settings: &LlamaCpp, gpu: usize, growth: Figure) -> Figure {
    let context = if gpu == 0 {
        FIRST_CONTEXT
    } else {
        FURTHER_CONTEXT
    };
    let reserve = settings.profile.reserve(settings);
    let bytes = context.saturating_add(reserve.saturating_sub(growth.bytes));
    Figure {
        bytes,
        basis: Basis::Estimate {
            below_permille: 550,
            above_permille: 1_500,
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
pub(super) fn products(model: &Model, placement: &Placement, gpus: usize) -> Vec<Products> {
    let mut products = alloc::vec![Products::default(); gpus];
    for tensor in &model.tensors {
        let [columns, rows, experts, _] = tensor.dimensions;
        let is_table = tensor.name.starts_with("token_embd")
            || tensor.name.starts_with("per_layer_token_embd");
        if rows == 1 || is_table || !tensor.name.ends_with(".weight") {
            continue;
        }
        let used = if experts > 1 {
            let layer = tensor.block().and_then(|block| model.layers.get(block));
            layer
                .and_then(|layer| layer.feed_forward.experts)
                .map_or(1, |experts| experts.used)
        } else {
            1
        };
        placement.for_each_copy(model, tensor, |place| {
            let Place::Gpu(gpu) = place else {
                return;
            };
            let Some(product) = products.get_mut(gpu) else {
                return;
            };
            if tensor.tensor_type.is_quantized() {
                let padded = columns.next_multiple_of(512).saturating_mul(used);
                product.quantized = product.quantized.max(padded);
                let elements = columns.saturating_mul(rows);
                if tensor.block().is_some() {
                    product.largest = product.largest.max(elements);
                } else {
                    product.output = product.output.max(elements);
                }
            } else {
                let elements = columns.saturating_add(rows).saturating_mul(used);
                product.half = product.half.max(elements);
            }
        });
    }
    products
}

/// The pool and workspaces that a prompt filling the context makes grow on this GPU.
pub(super) fn growth(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    batch: &Batch,
    products: Products,
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
    let mut scores: u64 = 0;
    if !flash_attention {
        for (index, layer) in model.decoder_layers() {
            let heads = match layer.attention {
                Attention::Heads(heads) => heads.query_heads,
                Attention::Latent(latent) => latent.query_heads,
                Attention::None => continue,
            };
            let Some(cell) = cache::cell(model, layer)? else {
                continue;
            };
            if placement.layer(index) == Place::Gpu(gpu) {
                // The softmax result is converted to f16 outside the planned buffers.
                let cells = cache::cells(settings, batch, cell.span)?;
                let elements = cells.saturating_mul(batch.ubatch).saturating_mul(heads);
                scores = scores.max(2_u64.saturating_mul(elements));
            }
        }
    }
    if activations == 0 && scores == 0 {
        return Ok(Figure::exact(0));
    }
    let uses_cublas = !flash_attention || products.half > 0 || converts;
    let workspace = match (uses_cublas, device.compute_capability) {
        (false, _) => 0,
        (true, Some((major, _))) if major >= 9 => CUBLAS_WORKSPACE_HOPPER,
        (true, _) => CUBLAS_WORKSPACE,
    };
    let pool = activations
        .max(scores)
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
