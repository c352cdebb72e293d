//! vLLM: one pool of blocks for all caches, as large as the share of the device that it is given
//! leaves after weights and workspaces.
//!
//! A plan's `kv_cache` and `recurrent_state` are what one request of that length occupies, the
//! pool's null block included; the rest of the pool serves further requests and shows in
//! [`Details::Vllm`].

mod budget;
mod cache_type;
mod capacity;
mod encoder;
mod explain;
mod hardware;
mod launch;
mod overhead;
mod packed;
mod page;
mod pool;
mod refusal;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod weights;

pub use cache_type::CacheType;
pub(super) use overhead::token_elements;
pub use settings::{Drafter, StateType, Utilization, Version, Vllm};

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use self::budget::Budget;
use self::capacity::Pool;
use self::hardware::Hardware;
use self::overhead::Overhead;
use super::{
    Basis, CacheTypes, Details, DevicePlan, Engine, EngineError, Explanation, Figure, HostPlan,
    Plan, Planner, Precision, Reserve,
};
use crate::gpu::Device;
use crate::model::Model;

/// The longest context where the model does not say how long it was trained for.
const CONTEXT_LIMIT: u64 = 1 << 31;

/// The longest context that the engine takes for a model, where the model says how long.
fn longest_context(model: &Model) -> Option<u64> {
    model
        .stretched_context_length
        .or(model.trained_context_length)
}

impl Engine for Vllm {
    fn name(&self) -> &'static str {
        "vllm"
    }

    fn version(&self) -> &'static str {
        self.version.name()
    }

    fn cache_types(&self) -> CacheTypes {
        let name = self.cache_type.name();
        CacheTypes {
            key: name.to_string(),
            value: name.to_string(),
        }
    }

    fn with_precision(&self, precision: Precision) -> Box<dyn Engine> {
        Box::new(self.in_precision(precision))
    }

    fn settled(&self, _: &Model, devices: &[Device], reserve: Reserve) -> Option<Box<dyn Engine>> {
        Some(Box::new(self.on(devices, reserve)))
    }

    fn prepare<'a>(
        &self,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Box<dyn Planner + 'a>, EngineError> {
        Ok(Box::new(Prepared::new(self, model, devices)?))
    }

    fn launch_command(&self, model: &str, context_length: u64) -> String {
        launch::serve(self, model, context_length)
    }
}

impl Vllm {
    /// The same settings for these GPUs: with what must stay free beside the share, and with the
    /// share fixed to what is free of them now where that is less than the default, so that the
    /// command line says it.
    #[must_use]
    pub fn on(&self, devices: &[Device], reserve: Reserve) -> Self {
        let mut settings = Self {
            safety_margin: reserve.safety_margin,
            runtime_overhead: reserve.runtime_overhead.or(self.runtime_overhead),
            ..self.clone()
        };
        if settings.gpu_memory_utilization.is_none() {
            let least = settings.least(devices, budget::share_or_less);
            let default = settings.version.default_utilization();
            settings.gpu_memory_utilization = least.filter(|&share| share < default);
        }
        settings
    }

    /// The same settings with the KV cache's type that the checkpoint asks for, where it was left
    /// to the model.
    fn resolved(&self, model: &Model) -> Self {
        let asks_for_8_bits = model
            .quantization
            .as_ref()
            .is_some_and(|own| own.fp8_kv_cache);
        let cache_type = match self.cache_type {
            CacheType::Auto if asks_for_8_bits => CacheType::Fp8E4m3,
            asked => asked,
        };
        Self {
            cache_type,
            ..self.clone()
        }
    }

    /// Tokens of a step where `first` is the first of the GPUs.
    #[must_use]
    pub fn batched_tokens(&self, first: &Device) -> u64 {
        self.max_num_batched_tokens
            .unwrap_or(hardware::class_defaults(first).0)
    }

    /// Requests at once where `first` is the first of the GPUs.
    #[must_use]
    pub fn sequences(&self, first: &Device) -> u64 {
        self.max_num_seqs
            .unwrap_or(hardware::class_defaults(first).1)
    }

    /// The largest share of the GPUs' memory that is free and need not stay so.
    #[must_use]
    pub fn largest_share(&self, devices: &[Device]) -> Option<Utilization> {
        self.least(devices, budget::share_of_free)
    }

    /// The least that `share` gives of the GPUs in use, for each with the bytes that are taken
    /// before the engine looks.
    fn least(
        &self,
        devices: &[Device],
        share: fn(&Self, &Device, u64) -> Option<Utilization>,
    ) -> Option<Utilization> {
        let ranks = usize::try_from(self.ranks()).unwrap_or(usize::MAX);
        let devices = devices.iter().take(ranks);
        devices
            .filter_map(|device| share(self, device, overhead::before_share(self, device)))
            .min()
    }
}

/// Bytes of the weights on each of so many ranks of one stage, by the rules of these layers, which
/// SGLang's are made of too.
pub(super) fn rank_weights(model: &Model, ranks: u64) -> Result<u64, EngineError> {
    let settings = Vllm {
        tensor_parallel_size: ranks,
        ..Vllm::default()
    };
    let stages = weights::per_stage(&settings, model)?;
    stages.first().copied().ok_or(EngineError::NoDevice)
}

/// vLLM with a model's weights placed.
struct Prepared<'a> {
    settings: Vllm,
    model: &'a Model,
    pool: Pool,
    ranks: Vec<Rank>,
    /// The least that the KV cache is given on the ranks of each stage.
    stage_bytes: Vec<u64>,
}

/// What lies on one GPU.
struct Rank {
    name: String,
    stage: usize,
    weights: Figure,
    overhead: Overhead,
    budget: Budget,
    /// What the KV cache may take; nothing where the engine could not even start.
    allowance: u64,
}

impl<'a> Prepared<'a> {
    fn new(settings: &Vllm, model: &'a Model, devices: &[Device]) -> Result<Self, EngineError> {
        let settings = &settings.resolved(model);
        refusal::check(settings, model, devices)?;
        // The engine takes its defaults from the first GPU.
        let first = devices.first().ok_or(EngineError::NoDevice)?;
        let hardware = Hardware::new(settings, model, first);
        let pool = Pool::new(settings, model, hardware)?;
        let weights = weights::per_stage(settings, model)?;
        let mut stage_bytes = Vec::new();
        let mut ranks = Vec::new();
        let mut rank_devices = devices.iter();
        for (stage, &weights) in weights.iter().enumerate() {
            let mut least = u64::MAX;
            for device in rank_devices
                .by_ref()
                .take(usize::try_from(settings.tensor_parallel_size).unwrap_or(usize::MAX))
            {
                let overhead = Overhead::new(settings, model, hardware, device)?;
                let budget = Budget::new(settings, device, weights, &overhead)?;
                let needed = [weights, overhead.compute.bytes, overhead.start.bytes]
                    .into_iter()
                    .try_fold(budget.cache, u64::checked_add)
                    .ok_or(EngineError::TooLarge)?;
                least = least.min(budget.cache);
                ranks.push(Rank {
                    name: device.name.clone(),
                    stage,
                    weights: Figure {
                        bytes: weights,
                        basis: WEIGHTS_BASIS,
                    },
                    overhead,
                    budget,
                    allowance: if needed <= device.free {
                        budget.cache
                    } else {
                        0
                    },
                });
            }
            stage_bytes.push(least);
        }
        Ok(Self {
            settings: settings.clone(),
            model,
            pool,
            ranks,
            stage_bytes,
        })
    }
}

/// Equal to the byte for the families measured, but for a few bytes of scales; others may keep
/// something apart, and kernels may repack.
const WEIGHTS_BASIS: Basis = Basis::Estimate {
    below_permille: 5,
    above_permille: 10,
};

impl Planner for Prepared<'_> {
    fn context_step(&self) -> u64 {
        1
    }

    fn context_limit(&self) -> u64 {
        let longest = longest_context(self.model).unwrap_or(CONTEXT_LIMIT);
        self.settings
            .max_model_len
            .map_or(longest, |asked| asked.min(longest))
    }

    fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let length = context_length.max(1);
        let blocks = self
            .pool
            .request_blocks(length)
            .ok_or(EngineError::TooLarge)?;
        // One block is never handed out.
        let attention = blocks
            .attention
            .checked_add(1)
            .ok_or(EngineError::TooLarge)?;
        let capacity = self
            .pool
            .capacity(&self.stage_bytes, length)
            .ok_or(EngineError::TooLarge)?;
        let devices = self
            .ranks
            .iter()
            .map(|rank| {
                let block = self.pool.block_bytes(rank.stage);
                let bytes = |blocks: u64| blocks.checked_mul(block).ok_or(EngineError::TooLarge);
                Ok(DevicePlan {
                    name: rank.name.clone(),
                    weights: rank.weights,
                    kv_cache: Figure::exact(bytes(attention)?),
                    recurrent_state: Figure::exact(bytes(blocks.state)?),
                    compute: rank.overhead.compute,
                    start_overhead: rank.overhead.start,
                    growth: rank.overhead.growth,
                    cache_allowance: Some(rank.allowance),
                })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Plan {
            context_length: length,
            cache_types: self.settings.cache_types(),
            devices,
            host: HostPlan::default(),
            details: Details::Vllm {
                block_size: self.pool.block_size(),
                num_blocks: capacity.num_blocks,
                kv_cache_tokens: capacity.tokens,
                request_blocks: capacity.request_blocks,
                share: self
                    .ranks
                    .iter()
                    .filter_map(|rank| rank.budget.utilization)
                    .min(),
            },
        })
    }

    fn explain(&self, plan: &Plan) -> Vec<Explanation> {
        explain::explain(self, plan)
    }
}
