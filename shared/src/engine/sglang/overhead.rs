//! What SGLang takes besides weights and pools: estimated, but for the table of requests.
//!
//! Source: SGLang 0.5.23, `mem_cache/memory_pool.py` (`ReqToTokenPool`), `mem_cache/
//! allocation_sizing.py`, `mem_cache/allocator`. Sizes were read off start-up logs of users' machines
//! (2025–2026): free before the weights, 0.5 GiB less than there is with four GPUs of 24 GB, 3 GiB
//! less with eight H200; weights 0.04 to 0.2 GiB larger than their tensors; 0.44 GiB for the
//! attention backend, 0.03 to 1.3 GiB for graphs.

use super::fraction;
use super::hardware::Hardware;
use super::settings::Sglang;
use crate::engine::vllm;
use crate::engine::{Basis, Figure};
use crate::gpu::Device;
use crate::model::Model;

const MIB: u64 = 1024 * 1024;
/// CUDA context and loaded kernels on small and on large GPUs.
const CONTEXT: u64 = 350 * MIB;
const CONTEXT_LARGE: u64 = 600 * MIB;
/// Buffers of NCCL and of the own all-reduce, where several GPUs work together.
const COLLECTIVES: u64 = 264 * MIB;
const COLLECTIVES_LARGE: u64 = 1_900 * MIB;
/// What is large.
const LARGE: u64 = 40 << 30;
/// What loading leaves beside the tensors.
const RESIDUE: u64 = 150 * MIB;
/// The attention backend's workspaces.
const WORKSPACE: u64 = 512 * MIB;
/// Bytes of a place in the table of requests, and places of a request beyond its context.
const PLACE: u64 = 4;
const FURTHER_PLACES: u64 = 4;
/// Bytes of a token in the allocators' lists.
const LISTED: u64 = 8;
/// Bytes of a logit while it is sampled from: in 16 bits and twice in single precision.
const LOGIT: u64 = 2 + 2 * 4;

/// What stands beside weights and pools on a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overhead {
    /// CUDA context, collectives, residue of loading.
    pub(super) start: Figure,
    /// What of that is there before the engine looks how much is free, in bytes.
    pub(super) before: u64,
    /// Graphs, workspaces and the peak of a forward pass, in bytes.
    pub(super) compute: u64,
}

/// Half as much either way.
pub(super) const ROUGH: Basis = Basis::Estimate {
    below_permille: 500,
    above_permille: 500,
};

impl Overhead {
    pub(super) fn new(
        settings: &Sglang,
        model: &Model,
        hardware: Hardware,
        device: &Device,
    ) -> Option<Self> {
        let (start, before) = match settings.runtime_overhead {
            Some(bytes) => (Figure::exact(bytes), bytes),
            None => {
                let is_large = device.total.unwrap_or(device.free) >= LARGE;
                let (context, collectives) = if is_large {
                    (CONTEXT_LARGE, COLLECTIVES_LARGE)
                } else {
                    (CONTEXT, COLLECTIVES)
                };
                let several = settings.tensor_parallel_size > 1;
                let before = context + if several { collectives } else { 0 };
                let figure = Figure {
                    bytes: before + RESIDUE,
                    basis: ROUGH,
                };
                (figure, before)
            }
        };
        let activations = vllm::token_elements(model, settings.tensor_parallel_size)?
            .checked_mul(2)?
            .checked_mul(hardware.chunked_prefill_size)?;
        let logits = model
            .vocabulary_size
            .checked_mul(hardware.decode_max_bs)?
            .checked_mul(LOGIT)?;
        let graphs = fraction::graphs_mib(settings, model, hardware).checked_mul(MIB)?;
        let compute = activations
            .max(logits)
            .checked_add(graphs)?
            .checked_add(WORKSPACE)?;
        Some(Self {
            start,
            before,
            compute,
        })
    }
}

/// Bytes of the table that holds a place for each token of each request, and of the lists of
/// tokens.
pub(super) fn tables(requests: u64, length: u64, tokens: u64) -> Option<u64> {
    let row = length.checked_add(FURTHER_PLACES)?.checked_mul(PLACE)?;
    requests
        .checked_add(1)?
        .checked_mul(row)?
        .checked_add(tokens.checked_mul(LISTED)?)
}
