//! The bytes that the KV cache is given on a rank.
//!
//! Source: vLLM 0.33.0, `v1/worker/utils.py` (`request_memory`), `v1/worker/gpu_worker.py`
//! (`determine_available_memory`).

use super::overhead::Overhead;
use super::settings::{Utilization, Vllm};
use crate::engine::EngineError;
use crate::gpu::Device;

/// The KV cache's share on one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Bytes for the pool of blocks.
    pub(super) cache: u64,
    /// The share of the device that was counted with; `None` where the cache's size was given,
    /// and where not even a thousandth is free.
    pub(super) utilization: Option<Utilization>,
}

/// What the driver keeps of a device whatever its size, and of every so many bytes one. The total
/// that NVML tells is more than the one that CUDA does by 389 MiB on a card of 8 GB, 451 (T4), 455
/// (L4), 441 (RTX 3090), 522 (A100 40 GB), 479 (H100), 616 (H200), 613 (RTX A6000) and 696 (A100
/// 80 GB), as start-up logs show both.
const DRIVER_RESERVED: u64 = 420 * 1024 * 1024;
const DRIVER_RESERVED_OF: u64 = 512;

impl Budget {
    /// The share of the device less everything that is charged to it: not the memory of other
    /// programs, nor the CUDA context, which only have to leave the share free.
    pub(super) fn new(
        settings: &Vllm,
        device: &Device,
        weights: u64,
        overhead: &Overhead,
    ) -> Result<Self, EngineError> {
        // The share has to be free also where it does not decide the cache's size.
        let utilization = share(settings, device, overhead.before_share)?;
        if let Some(cache) = settings.kv_cache_memory_bytes {
            return Ok(Self {
                cache,
                utilization: None,
            });
        }
        let charged_start = overhead.start.bytes.saturating_sub(overhead.before_share);
        let charged = [weights, overhead.compute.bytes, charged_start]
            .into_iter()
            .try_fold(0, u64::checked_add)
            .ok_or(EngineError::TooLarge)?;
        let requested = utilization.map_or(0, |share| share.of(total(device)));
        Ok(Self {
            cache: requested.saturating_sub(charged),
            utilization,
        })
    }
}

/// Bytes of the device as CUDA counts them; an unknown total is taken to be free.
fn total(device: &Device) -> u64 {
    device.total.map_or(device.free, |total| {
        let reserved = DRIVER_RESERVED + total / DRIVER_RESERVED_OF;
        total.saturating_sub(reserved).max(device.free)
    })
}

/// The share of the device: as asked for, which must be free once the context is there, or the
/// default, or as much as is free and need not stay so where that is less.
fn share(
    settings: &Vllm,
    device: &Device,
    before_share: u64,
) -> Result<Option<Utilization>, EngineError> {
    let Some(asked) = settings.gpu_memory_utilization else {
        return Ok(share_or_less(settings, device, before_share));
    };
    let requested = asked.of(total(device));
    let free = device.free.saturating_sub(before_share);
    if requested <= free {
        Ok(Some(asked))
    } else {
        Err(EngineError::ShareNotFree {
            device: device.name.clone(),
            requested,
            free,
        })
    }
}

/// The version's default share, or as much as is free and need not stay so where that is less.
pub(super) fn share_or_less(
    settings: &Vllm,
    device: &Device,
    before_share: u64,
) -> Option<Utilization> {
    let default = settings.version.default_utilization();
    let most = share_of_free(settings, device, before_share)?;
    Some(most.min(default))
}

/// As large a share as is free once the context is there and need not stay so, in thousandths.
pub(super) fn share_of_free(
    settings: &Vllm,
    device: &Device,
    before_share: u64,
) -> Option<Utilization> {
    let free = device.free.saturating_sub(before_share);
    Utilization::of_free(free.saturating_sub(settings.safety_margin), total(device))
}
