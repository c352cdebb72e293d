//! SGLang: pools of tokens and of recurrent states, as large as a share of the memory that was free
//! at the start leaves after the weights.
//!
//! The share is all that keeps room for graphs and activations: nothing is measured. A plan's
//! `kv_cache` and `recurrent_state` are what one request of that length occupies; the rest of the
//! pools serves further requests and shows in [`Details::Sglang`].

mod cell;
mod explain;
mod fraction;
mod hardware;
mod launch;
mod layers;
mod overhead;
mod pool;
mod refusal;
mod settings;
mod state;
#[cfg(test)]
mod tests;

pub use settings::{CacheType, Ratio, Sglang, StaticShare};

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use self::hardware::Hardware;
use self::overhead::{Overhead, ROUGH};
use self::pool::{Cut, Free, Pools};
use super::vllm;
use super::{
    Basis, CacheTypes, Details, DevicePlan, Engine, EngineError, Explanation, Figure, HostPlan,
    Plan, Planner, Precision, Reserve,
};
use crate::gpu::Device;
use crate::model::{Attention, Model};

/// The longest context where the model does not say how long it was trained for.
const CONTEXT_LIMIT: u64 = 1 << 31;

impl Engine for Sglang {
    fn name(&self) -> &'static str {
        "sglang"
    }

    fn version(&self) -> &'static str {
        Self::VERSION
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

    fn settled(
        &self,
        model: &Model,
        devices: &[Device],
        reserve: Reserve,
    ) -> Option<Box<dyn Engine>> {
        let mut settings = Self {
            runtime_overhead: reserve.runtime_overhead.or(self.runtime_overhead),
            safety_margin: reserve.safety_margin,
            ..self.clone()
        };
        if settings.mem_fraction_static == StaticShare::Largest
            && let Ok(prepared) = Prepared::new(&settings, model, devices)
            && let Some(share) = prepared.largest_share()
        {
            settings.mem_fraction_static = StaticShare::Given(share);
        }
        Some(Box::new(settings))
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

/// SGLang with a model's weights placed.
struct Prepared<'a> {
    settings: Sglang,
    model: &'a Model,
    cut: Cut,
    ranks: Vec<Rank>,
    /// The memory that pools are cut from, with the share that they are counted with.
    free: Free,
    /// Empty where the engine does not start.
    pools: Pools,
    /// Bytes of the pools, those of padding included.
    pool_bytes: u64,
}

/// One GPU's part.
struct Rank {
    name: String,
    free: u64,
    weights: Figure,
    overhead: Overhead,
}

/// Layers are those of vLLM's first releases; what kernels repack is not counted.
const WEIGHTS_BASIS: Basis = Basis::Estimate {
    below_permille: 10,
    above_permille: 20,
};

impl<'a> Prepared<'a> {
    fn new(settings: &Sglang, model: &'a Model, devices: &[Device]) -> Result<Self, EngineError> {
        refusal::check(settings, model, devices.len())?;
        let count = usize::try_from(settings.tensor_parallel_size).unwrap_or(usize::MAX);
        let devices = devices.get(..count).ok_or(EngineError::NoDevice)?;
        // The engine looks for the smallest GPU.
        let least = devices.iter().min_by_key(|device| device.total);
        let hardware = Hardware::new(settings, model, least.ok_or(EngineError::NoDevice)?);
        let cut = Cut {
            cell: cell::cell(settings, model, hardware)?,
            state_bytes: state::bytes(settings, model)?,
            slots: state::slots(settings, model),
            page: hardware.page_size,
            chunk: hardware.chunked_prefill_size,
        };
        let weights = vllm::rank_weights(model, settings.tensor_parallel_size)?
            .checked_add(absorbed(settings, model).ok_or(EngineError::TooLarge)?)
            .ok_or(EngineError::TooLarge)?;
        let mut ranks = Vec::new();
        let (mut before, mut after) = (u64::MAX, u64::MAX);
        for device in devices {
            let overhead =
                Overhead::new(settings, model, hardware, device).ok_or(EngineError::TooLarge)?;
            let taken = weights.saturating_add(overhead.start.bytes);
            before = before.min(device.free.saturating_sub(overhead.before));
            after = after.min(device.free.saturating_sub(taken));
            ranks.push(Rank {
                name: device.name.clone(),
                free: device.free,
                weights: Figure {
                    bytes: weights,
                    basis: WEIGHTS_BASIS,
                },
                overhead,
            });
        }
        let mut prepared = Self {
            settings: settings.clone(),
            model,
            cut,
            ranks,
            free: Free {
                before,
                after,
                fraction: 0.0,
                for_images: hardware.for_images(settings, model),
            },
            pools: Pools::default(),
            pool_bytes: 0,
        };
        let default = || fraction::default_fraction(settings, model, hardware);
        let fraction = match settings.mem_fraction_static {
            StaticShare::Given(share) => share.as_f64(),
            StaticShare::Default => default(),
            StaticShare::Largest => prepared.largest_share().map_or_else(default, Ratio::as_f64),
        };
        prepared.free.fraction = fraction;
        prepared.pools = cut.pools(settings, prepared.free).unwrap_or_default();
        let bytes = cut.pool_bytes(prepared.pools);
        prepared.pool_bytes = bytes.ok_or(EngineError::TooLarge)?;
        Ok(prepared)
    }

    /// The largest share, in thousandths, that leaves room for everything else and the margin where
    /// requests are as long as the pool allows; `None` where none does.
    fn largest_share(&self) -> Option<Ratio> {
        let starts = |share: Ratio| {
            let fraction = share.as_f64();
            let free = Free {
                fraction,
                ..self.free
            };
            let pools = self.cut.pools(&self.settings, free)?;
            let length = self.context_limit().min(pools.tokens);
            let requests = self.cut.requests(&self.settings, pools, length);
            let tables = overhead::tables(requests, length, pools.tokens)?;
            let pool = self.cut.pool_bytes(pools)?;
            let more = tables.checked_add(self.settings.safety_margin)?;
            let fits = |rank: &Rank| {
                let rest = rank.needed(pool, more);
                rest.is_some_and(|needed| needed <= rank.free)
            };
            (requests > 0 && self.ranks.iter().all(fits)).then_some(share)
        };
        (1..1_000).rev().map(Ratio::thousandths).find_map(starts)
    }
}

impl Rank {
    /// Bytes that are needed in all, with so many for the pools, and so many more.
    fn needed(&self, pools: u64, more: u64) -> Option<u64> {
        self.weights
            .bytes
            .checked_add(self.overhead.start.bytes)?
            .checked_add(self.overhead.compute)?
            .checked_add(pools)?
            .checked_add(more)
    }
}

/// Copies of the matrices that decompress latents, which attention multiplies by in its own order.
fn absorbed(settings: &Sglang, model: &Model) -> Option<u64> {
    let mut elements: u64 = 0;
    for (_, layer) in model.decoder_layers() {
        if let Attention::Latent(latent) = layer.attention {
            let head = latent
                .key_dim
                .saturating_sub(latent.rope_dim)
                .checked_add(latent.value_dim)?;
            let heads = latent.query_heads / settings.tensor_parallel_size.max(1);
            elements = head
                .checked_mul(heads)?
                .checked_mul(latent.latent_dim)?
                .checked_add(elements)?;
        }
    }
    elements.checked_mul(2)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1; negative ones become 0"
)]
fn millionths(fraction: f64) -> u64 {
    (fraction * 1_000_000.0 + 0.5) as u64
}

impl Planner for Prepared<'_> {
    fn context_step(&self) -> u64 {
        1
    }

    fn context_limit(&self) -> u64 {
        let longest = self
            .model
            .stretched_context_length
            .or(self.model.trained_context_length)
            .unwrap_or(CONTEXT_LIMIT);
        self.settings
            .context_length
            .map_or(longest, |asked| asked.min(longest))
    }

    fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let length = context_length.max(1);
        let bytes = |tokens| {
            self.cut
                .bytes(&self.settings, tokens)
                .ok_or(EngineError::TooLarge)
        };
        let states = match self.cut.state_bytes {
            0 => 0,
            state => state
                .checked_mul(self.cut.slots)
                .ok_or(EngineError::TooLarge)?,
        };
        let requests = self.cut.requests(&self.settings, self.pools, length);
        let tables =
            overhead::tables(requests, length, self.pools.tokens).ok_or(EngineError::TooLarge)?;
        let served = bytes(self.pools.tokens)?
            .checked_add(states)
            .ok_or(EngineError::TooLarge)?;
        let kv_cache = bytes(length)?;
        let devices = self
            .ranks
            .iter()
            .map(|rank| {
                let compute = rank
                    .overhead
                    .compute
                    .checked_add(tables)
                    .ok_or(EngineError::TooLarge)?;
                let needed = rank
                    .needed(self.pool_bytes, tables)
                    .ok_or(EngineError::TooLarge)?;
                let starts = requests > 0 && needed <= rank.free;
                Ok(DevicePlan {
                    name: rank.name.clone(),
                    weights: rank.weights,
                    kv_cache: Figure::exact(kv_cache),
                    recurrent_state: Figure::exact(states),
                    compute: Figure {
                        bytes: compute,
                        basis: ROUGH,
                    },
                    start_overhead: rank.overhead.start,
                    growth: Figure::exact(0),
                    cache_allowance: Some(if starts { served } else { 0 }),
                })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Plan {
            context_length: length,
            cache_types: self.settings.cache_types(),
            devices,
            host: HostPlan::default(),
            details: Details::Sglang {
                page_size: self.cut.page,
                max_total_num_tokens: self.pools.tokens,
                window_tokens: self.pools.window_tokens,
                recurrent_states: self.pools.states,
                max_running_requests: requests,
                mem_fraction_static: millionths(self.free.fraction),
            },
        })
    }

    fn explain(&self, plan: &Plan) -> Vec<Explanation> {
        explain::explain(self, plan)
    }
}
