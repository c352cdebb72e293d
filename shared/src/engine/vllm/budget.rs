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
    /// The share of the device that was counted with; `None` where the cache's size was given.
    pub(super) utilization: Option<Utilization>,
}

impl Budget {
    /// The share of the device less everything else that is charged to it. Memory of other
    /// programs is not charged, but the share must be free when the engine starts.
    pub(super) fn new(
        settings: &Vllm,
        device: &Device,
        weights: u64,
        overhead: &Overhead,
    ) -> Result<Self, EngineError> {
        let charged = weights
            .checked_add(overhead.compute.bytes)
            .and_then(|bytes| bytes.checked_add(overhead.start.bytes))
            .ok_or(EngineError::TooLarge)?;
        if let Some(cache) = settings.kv_cache_memory_bytes {
            return Ok(Self {
                cache,
                utilization: None,
            });
        }
        let utilization = share(settings, device)?;
        // An unknown total is taken to be free.
        let total = device.total.unwrap_or(device.free);
        let requested = utilization.map_or(0, |share| share.of(total));
        Ok(Self {
            cache: requested.saturating_sub(charged),
            utilization,
        })
    }
}

/// The share of the device: as asked for, which must be free, or the default, or as much as is
/// free where that is less.
pub(super) fn share(settings: &Vllm, device: &Device) -> Result<Option<Utilization>, EngineError> {
    let total = device.total.unwrap_or(device.free);
    if let Some(asked) = settings.gpu_memory_utilization {
        let requested = asked.of(total);
        return if requested <= device.free {
            Ok(Some(asked))
        } else {
            Err(EngineError::ShareNotFree {
                device: device.name.clone(),
                requested,
                free: device.free,
            })
        };
    }
    let default = settings.version.default_utilization();
    if default.of(total) <= device.free {
        Ok(Some(default))
    } else {
        Ok(Utilization::of_free(device.free, total))
    }
}
