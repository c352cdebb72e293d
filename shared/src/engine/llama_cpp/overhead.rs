//! What llama.cpp takes on a GPU beyond the buffers that it plans: estimated.
//!
//! The CUDA context was read off load logs of users' machines (2025–2026): 140 MiB on a laptop's
//! 8 GB card, 264 MiB on an RTX 5070 Ti, 305 MiB on Linux over three loads, 700 to 750 MiB
//! unaccounted on an RTX PRO 6000, and 104 MiB on each further GPU. The pool was measured with
//! the host code of ggml 0.26.0's own CUDA backend (`ggml-cuda.cu`, `mmq.cu`).

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

/// The CUDA context of each GPU.
pub(super) fn start(gpu: usize) -> Figure {
    let bytes = if gpu == 0 {
        FIRST_CONTEXT
    } else {
        FURTHER_CONTEXT
    };
    Figure {
        bytes,
        basis: Basis::Estimate {
            below_permille: 550,
            above_permille: 1_500,
        },
    }
}

/// The pool and workspaces that a prompt filling the context makes grow on this GPU.
pub(super) fn growth(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    batch: &Batch,
    gpu: usize,
    device: &Device,
) -> Result<Figure, EngineError> {
    let place = Place::Gpu(gpu);
    let mut activations: u64 = 0;
    let mut dequantized: u64 = 0;
    let mut uses_cublas = !settings.uses_flash_attention();
    let volta = device.compute_capability == Some((7, 0));
    for tensor in &model.tensors {
        let matrix = tensor.dimensions[1] > 1
            && tensor.name.ends_with(".weight")
            && !tensor.name.starts_with("token_embd")
            && !tensor.name.starts_with("per_layer_token_embd");
        if !matrix || !placement.copies(model, tensor).contains(&place) {
            continue;
        }
        let [columns, rows, ..] = tensor.dimensions;
        let experts_used = if tensor.dimensions[2] > 1 {
            tensor
                .block()
                .and_then(|block| model.layers.get(block))
                .and_then(|layer| layer.feed_forward.experts)
                .map_or(1, |experts| experts.used)
        } else {
            1
        };
        let tokens = batch.ubatch.saturating_mul(experts_used);
        let needed = if tensor.tensor_type.is_quantized() && !(volta && batch.ubatch >= 64) {
            // Activations as q8_1: 36 bytes for 32 elements.
            columns.next_multiple_of(512).saturating_mul(tokens) / 32 * 36
        } else {
            uses_cublas = true;
            if tensor.tensor_type.is_quantized() {
                dequantized = dequantized.max(2_u64.saturating_mul(columns).saturating_mul(rows));
            }
            2_u64
                .saturating_mul(columns.saturating_add(rows))
                .saturating_mul(tokens)
        };
        activations = activations.max(needed);
    }
    let mut scores: u64 = 0;
    for (index, layer) in model.decoder_layers() {
        let (Some(cell), true) = (cache::cell(model, layer)?, placement.layer(index) == place)
        else {
            continue;
        };
        let heads = match layer.attention {
            Attention::None => 0,
            Attention::Heads(heads) => heads.query_heads,
            Attention::Latent(latent) => latent.query_heads,
        };
        if !settings.uses_flash_attention() {
            // The softmax result is converted to f16 outside the planned buffers.
            let cells = cache::cells(settings, batch, cell.span)?;
            let product = 2_u64
                .saturating_mul(cells)
                .saturating_mul(batch.ubatch)
                .saturating_mul(heads);
            scores = scores.max(product);
        }
    }
    if activations == 0 && scores == 0 {
        return Ok(Figure::exact(0));
    }
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
