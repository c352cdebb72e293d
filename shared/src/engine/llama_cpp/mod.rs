//! llama.cpp, and the programs built on it as profiles of it.

mod addition;
mod batch;
mod cache;
mod explain;
mod flash_attention;
mod graph;
mod overhead;
mod placement;
pub mod profile;
mod refusal;
mod settings;
mod weights;

pub use addition::{Additions, Draft};
pub use settings::{FlashAttention, LlamaCpp, SplitMode, TensorOverride, Version};

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::ops::Deref;

use self::batch::{Batch, CONTEXT_STEP};
use self::graph::Fidelity;
use self::placement::Placement;
use self::weights::Bytes;
use super::{
    Basis, CacheTypes, Details, DevicePlan, Engine, EngineError, Explanation, Figure, HostPlan,
    Plan, Planner, Precision,
};
use crate::gpu::Device;
use crate::model::Model;

/// Positions are 32-bit signed integers.
const CONTEXT_LIMIT: u64 = (1 << 31) - CONTEXT_STEP;

impl Engine for LlamaCpp {
    fn name(&self) -> &'static str {
        self.profile.name()
    }

    fn version(&self) -> &'static str {
        self.profile
            .version()
            .unwrap_or_else(|| self.version.name())
    }

    fn cache_types(&self) -> CacheTypes {
        CacheTypes {
            key: self.cache_type_k.name().to_string(),
            value: self.cache_type_v.name().to_string(),
        }
    }

    fn with_precision(&self, precision: Precision) -> Box<dyn Engine> {
        Box::new(self.in_precision(precision))
    }

    fn prepare<'a>(
        &self,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Box<dyn Planner + 'a>, EngineError> {
        refusal::check_alone(model)?;
        refusal::check(self, model)?;
        let with_more = self.profile.with_additions(self, model);
        let settings = with_more.as_ref().unwrap_or(self);
        if settings.additions.is_empty() {
            return settings.profile.prepare(settings, model, devices);
        }
        let own = settings.beside_additions();
        let planner = settings.profile.prepare(&own, model, devices)?;
        addition::beside(settings, model, devices, planner)
    }

    fn launch_command(&self, model: &str, context_length: u64) -> String {
        self.profile.launch_command(self, model, context_length)
    }
}

/// A model that is borrowed, or that the settings share.
enum Held<'a> {
    Borrowed(&'a Model),
    Shared(Arc<Model>),
}

impl Deref for Held<'_> {
    type Target = Model;

    fn deref(&self) -> &Model {
        match self {
            Self::Borrowed(model) => model,
            Self::Shared(model) => model,
        }
    }
}

/// llama.cpp with a model's weights placed.
struct Prepared<'a> {
    /// Values are laid out for flash attention, which the engine may turn off afterwards.
    values_by_rows: bool,
    settings: LlamaCpp,
    model: Held<'a>,
    devices: Vec<Device>,
    placement: Placement,
    weights: Bytes,
    caches: cache::Layout,
    state: Bytes,
    blocks: graph::Blocks,
    fusions: graph::Fusions,
    output: graph::Output,
    products: Vec<overhead::Products>,
    halves: Vec<overhead::Halves>,
    /// The CUDA context of each GPU in bytes.
    contexts: Vec<u64>,
    fidelity: Fidelity,
    /// Made for the first context that takes a full micro-batch.
    every_context: OnceCell<Option<graph::EveryContext>>,
    /// The same for each guess of an architecture never seen.
    guesses: [OnceCell<Option<graph::EveryContext>>; graph::GUESSES],
}

impl<'a> Prepared<'a> {
    /// Places the weights of a model that is not refused.
    fn new(settings: &LlamaCpp, model: &'a Model, devices: &[Device]) -> Result<Self, EngineError> {
        Self::held(settings, Held::Borrowed(model), devices)
    }

    /// The same of a model that may be shared.
    fn held(settings: &LlamaCpp, held: Held<'a>, devices: &[Device]) -> Result<Self, EngineError> {
        let model: &Model = &held;
        let placement = Placement::new(settings, model, devices)?;
        let automatic = flash_attention::is_automatic(settings, model);
        let values_by_rows = flash_attention::lays_values_by_rows(settings, model);
        let decided = flash_attention::decided(settings, model, &placement);
        let tensors = placement.locate(model);
        let weights = weights::weights(&tensors, devices.len())?;
        let state = cache::recurrent_state(&decided, model, &placement, devices.len())?;
        let blocks = graph::blocks(model, &placement, &tensors, &decided);
        let output = graph::output(model, &placement, &tensors);
        // Weights, caches and states elsewhere draw attention to where they are.
        let apart = !settings.kv_offload || !placement.is_all_on_gpus(model);
        let parts = graph::Parts {
            settings: &decided,
            model,
            placement: &placement,
            blocks: &blocks,
            output: &output,
            gpus: devices.len(),
            values_by_rows,
            guess: None,
            fusions: graph::Fusions::ALL,
        };
        let tries = automatic && decided.uses_flash_attention() && apart;
        let mut settings = decided.clone();
        if tries && !parts.attention_is_with_layers()? {
            settings.flash_attention = FlashAttention::Off;
        }
        let fusions = if apart {
            let settings = &settings;
            graph::Parts { settings, ..parts }.fusions_with_layers()?
        } else {
            graph::Fusions::ALL
        };
        let products = overhead::products(model, &tensors, devices.len());
        let caches = cache::layout(&settings, model, &placement, values_by_rows)?;
        let halves = overhead::halves(&settings, model, &placement)?;
        let fidelity = graph::fidelity(model, settings.version);
        Ok(Self {
            caches,
            halves,
            fidelity,
            values_by_rows,
            settings,
            model: held,
            devices: devices.to_vec(),
            placement,
            weights,
            state,
            blocks,
            fusions,
            output,
            products,
            contexts: devices.iter().map(overhead::context).collect(),
            every_context: OnceCell::new(),
            guesses: [const { OnceCell::new() }; graph::GUESSES],
        })
    }
}

impl Planner for Prepared<'_> {
    fn context_step(&self) -> u64 {
        self.settings.context_step()
    }

    fn context_limit(&self) -> u64 {
        self.settings
            .profile
            .context_limit(&self.settings, &self.model)
    }

    fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let gpus = self.devices.len();
        let batch = Batch::new(&self.settings, context_length)?;
        let caches = self.caches.caches(&self.settings, &batch, gpus)?;
        let (compute, basis) = self.compute(&batch)?;
        let devices = self
            .devices
            .iter()
            .enumerate()
            .map(|(gpu, device)| {
                let bytes = |bytes: &Bytes| bytes.gpus.get(gpu).copied().unwrap_or(0);
                let context = self.contexts.get(gpu).copied().unwrap_or(0);
                let growth = overhead::growth(
                    &self.settings,
                    &batch,
                    self.products.get(gpu).copied().unwrap_or_default(),
                    &self.halves,
                    gpu,
                    device,
                )?;
                Ok(DevicePlan {
                    name: device.name.clone(),
                    weights: Figure::exact(bytes(&self.weights)),
                    kv_cache: Figure::exact(bytes(&caches.kv)),
                    recurrent_state: Figure::exact(bytes(&self.state)),
                    compute: Figure {
                        bytes: bytes(&compute),
                        basis,
                    },
                    start_overhead: overhead::start(&self.settings, context, growth),
                    growth,
                    cache_allowance: None,
                })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        Ok(Plan {
            context_length: batch
                .context
                .saturating_sub(self.settings.profile.extra_context())
                .min(self.context_limit()),
            cache_types: self.settings.cache_types(),
            devices,
            host: HostPlan {
                weights: self.weights.host,
                kv_cache: caches.kv.host,
                recurrent_state: self.state.host,
                compute: compute.host,
                output: output_buffer(&self.model, &batch)?,
            },
            details: Details::LlamaCpp {
                n_ctx: batch.context,
                kv_cells: caches.cells,
                swa_cells: caches.window_cells,
                streams: batch.streams,
            },
        })
    }

    fn explain(&self, plan: &Plan) -> Vec<Explanation> {
        explain::explain(&self.settings, &self.model, plan)
    }
}

impl Prepared<'_> {
    /// The compute buffers: simulated, and with more on top where the simulation has not been
    /// equal to the engine's wherever it was measured.
    fn compute(&self, batch: &Batch) -> Result<(Bytes, Basis), EngineError> {
        let gpus = self.devices.len();
        let (settings, model): (_, &Model) = (&self.settings, &self.model);
        let fidelity = self.fidelity;
        // Shorter contexts have batches of their own.
        let full = settings.batch_size.max(settings.ubatch_size) <= batch.context_per_stream;
        let simulated = |guess, every_context: &OnceCell<Option<graph::EveryContext>>| {
            let parts = graph::Parts {
                settings,
                model,
                placement: &self.placement,
                blocks: &self.blocks,
                output: &self.output,
                gpus,
                values_by_rows: self.values_by_rows,
                guess,
                fusions: self.fusions,
            };
            let shared = full.then(|| {
                let graph = every_context.get_or_init(|| parts.every_context(batch));
                graph.as_ref()?.compute(batch, gpus)
            });
            match shared.flatten() {
                Some(bytes) => Ok(bytes),
                None => parts.compute(batch),
            }
        };
        let mut bytes = simulated(None, &self.every_context)?;
        if fidelity == Fidelity::Unknown {
            for (guess, every_context) in self.guesses.iter().enumerate() {
                bytes = bytes.at_least(&simulated(Some(guess), every_context)?);
            }
        }
        // The engine measures without some of the assignments to devices that it makes when it
        // runs: it then takes less on further GPUs, and moves scores to the host with the cache.
        let scores_follow_cache = !settings.kv_offload && !settings.uses_flash_attention();
        let all_on_gpus = settings.kv_offload && self.placement.is_all_on_gpus(model);
        let basis = match fidelity {
            _ if self.output.predicts() => {
                if all_on_gpus && graph::is_prediction_measured(model) {
                    Basis::Exact
                } else {
                    estimate(500, 500)
                }
            }
            Fidelity::Equal if scores_follow_cache => estimate(550, 0),
            Fidelity::Equal if gpus > 1 => estimate(120, 0),
            Fidelity::Equal => Basis::Exact,
            Fidelity::EqualOnOneGpu { .. } if gpus == 1 && all_on_gpus => Basis::Exact,
            Fidelity::EqualOnOneGpu { adds } => {
                if adds {
                    bytes = bytes.with_part(16);
                }
                estimate(150, 90)
            }
            Fidelity::Close => {
                // What differs is mostly copied from the host.
                if !all_on_gpus {
                    bytes = bytes.with_part(16);
                }
                estimate(150, 350)
            }
            Fidelity::Unknown => {
                // What no guess has takes more where weights or states are copied.
                let part = if gpus == 1 && all_on_gpus { 16 } else { 5 };
                bytes = bytes.with_part(part);
                estimate(350, 1700)
            }
        };
        // Programs carry builds of their own, of which each followed one release or the other;
        // builds before the releases were held against load logs, not against each graph.
        let is_measured = settings.profile.is_measured() && settings.version.is_measured();
        let basis = match basis {
            Basis::Exact if !is_measured => estimate(50, 150),
            basis => basis,
        };
        Ok((bytes, basis))
    }
}

/// An estimate from which the engine has been seen to differ by these parts per thousand, over
/// all measured cases of its kind.
const fn estimate(below_permille: u32, above_permille: u32) -> Basis {
    Basis::Estimate {
        below_permille,
        above_permille,
    }
}

/// Logits handed to the caller: one `f32` row per sequence, in pinned host memory
/// (`llama-context.cpp`, `output_reserve`).
fn output_buffer(model: &Model, batch: &Batch) -> Result<u64, EngineError> {
    model
        .vocabulary_size
        .checked_mul(4)
        .and_then(|row| row.checked_mul(batch.sequences))
        .ok_or(EngineError::TooLarge)
}
