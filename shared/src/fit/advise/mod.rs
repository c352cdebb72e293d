//! What to change so that a context fits, or to get a longer one.
//!
//! The search is exact: the settings that trade quality or speed for memory are few, so that
//! every combination is planned, with as much moved off the GPUs as it takes and no more; of
//! those that serve, only the ones that no other beats in every respect are offered. Which
//! settings there are is the engine's to know ([`Tunable`]).

mod llama_cpp;
mod sglang;
mod split;
mod transformers;
mod vllm;
mod weights;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

pub use self::llama_cpp::changed;
pub use self::split::split;
pub use self::weights::{Lighter, lighter_weights};
use super::{Budget, Fit, fits, max_context};
use crate::engine::vllm::Utilization;
use crate::engine::{Engine, EngineError, Plan, Precision};
use crate::gpu::Device;
use crate::model::Model;
use crate::quant::Packing;

/// One setting changed from what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// The KV cache in this precision.
    Precision(Precision),
    /// Tokens of a physical batch: with fewer, prompts are read more slowly.
    MicroBatch(u64),
    /// Flash attention on.
    FlashAttention,
    /// First layers whose experts stay on the CPU: slower.
    CpuExperts(u64),
    /// Layers on the GPUs, the output layer counted: the others are slower by far.
    GpuLayers(u64),
    /// Layers on each GPU, the output layer counted.
    TensorSplit(Vec<u64>),
    /// Tokens of one step: with fewer, prompts are read more slowly.
    BatchedTokens(u64),
    /// A larger share of the GPUs' memory than the default.
    Utilization(Utilization),
    /// No CUDA graphs: slower.
    NoGraphs,
    /// Layers shared out among so many GPUs.
    TensorParallel(u64),
    /// Any other option of the engine's, by its own name and value.
    Setting(&'static str, String),
}

/// What the search may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freedom {
    /// Precisions to choose from, the one asked for first; empty to leave the cache types.
    pub precisions: Vec<Precision>,
    /// Whether the physical batch may shrink.
    pub micro_batch: bool,
    /// Whether flash attention may be turned on.
    pub flash_attention: bool,
    /// Whether layers may move to the CPU.
    pub gpu_layers: bool,
    /// Whether experts may move to the CPU.
    pub cpu_experts: bool,
    /// Whether several GPUs may share the layers in another way.
    pub tensor_split: bool,
    /// Whether a step may have fewer tokens.
    pub batched_tokens: bool,
    /// Whether the share of the GPUs' memory may grow.
    pub utilization: bool,
    /// Whether CUDA graphs may be left out.
    pub graphs: bool,
    /// Whether layers may be shared out among more of the GPUs.
    pub tensor_parallel: bool,
    /// Whether fewer requests may run at once.
    pub sequences: bool,
    /// Whether encoders of images and sound may be left away.
    pub encoders: bool,
    /// Whether the whole cache may be made at the start.
    pub static_cache: bool,
    /// Whether attention may be computed in another way.
    pub attention: bool,
    /// Whether another kernel may unpack the weights.
    pub kernel: bool,
    /// Whether single precision may be loaded in 16 bits.
    pub float_type: bool,
    /// Whether the cache of what drafts may be coarser.
    pub draft_cache: bool,
    /// Whether the projector may stay in host memory.
    pub projector: bool,
}

/// An engine with some settings changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant<E> {
    /// What was changed.
    pub changes: Vec<Change>,
    /// The engine so.
    pub engine: E,
    /// What the changes cost beside memory, each in a measure of its own, where less is better.
    /// All variants of an engine have the same measures in the same order.
    pub costs: Vec<u64>,
}

/// An engine that knows which of its settings trade quality or speed for memory.
pub trait Tunable: Engine + Clone + 'static {
    /// Every combination of settings that leaves everything where it is; the first is what was
    /// asked for.
    fn in_place(&self, freedom: &Freedom, devices: &[Device]) -> Vec<Variant<Self>>;

    /// Ways to move parts of the model off the GPUs, each from the least moved to the most,
    /// with the other settings as in `variant`.
    fn offloads(
        variant: &Variant<Self>,
        freedom: &Freedom,
        model: &Model,
    ) -> Vec<Vec<Variant<Self>>>;

    /// Layers that several GPUs share, the output layer counted; `None` where how they do is
    /// fixed.
    fn splittable(&self, model: &Model) -> Option<u64>;

    /// `variant` with this many layers on each GPU.
    fn with_split(variant: &Variant<Self>, layers: &[u64]) -> Variant<Self>;

    /// Bytes of weights in host memory that no token of a sequence reads on average: experts
    /// that are not chosen, rows of the embedding table.
    fn idle_on_cpu(&self, model: &Model) -> u64;

    /// Formats of checkpoints that it loads on these GPUs in place of 16 bits, widest first.
    fn lighter_formats(&self, _devices: &[Device]) -> Vec<Packing> {
        Vec::new()
    }
}

/// Settings, and what becomes of them.
pub struct Advice {
    /// What to change; nothing where what was asked for serves.
    pub changes: Vec<Change>,
    /// The engine so.
    pub engine: Box<dyn Engine>,
    /// The plan for the context that was wanted.
    pub plan: Plan,
    /// The longest context with these settings.
    pub fit: Fit,
    /// What they cost: bytes that the CPU reads for each token, then the engine's own measures.
    costs: Vec<u64>,
}

impl Advice {
    /// Bytes of weights and cache in host memory that each token reads.
    #[must_use]
    pub fn read_on_cpu(&self) -> u64 {
        self.costs.first().copied().unwrap_or(0)
    }
}

/// What came of a search.
pub struct Advised {
    /// What was asked for, as it is.
    pub as_asked: Advice,
    /// Whether the context wanted fits so.
    pub fits: bool,
    /// Settings that make the wanted context fit, or where it does already, those that make
    /// longer ones fit: none of them beaten by another in every respect, the gentlest first.
    pub options: Vec<Advice>,
}

/// Searches for settings under which `wanted` tokens of context fit; where they do already,
/// for settings under which more do.
///
/// # Errors
/// What the engine refuses with the settings asked for.
pub fn advise<E: Tunable>(
    engine: &E,
    freedom: &Freedom,
    model: &Model,
    devices: &[Device],
    budget: &Budget,
    wanted: u64,
) -> Result<Option<Advised>, EngineError> {
    let search = Search {
        model,
        devices,
        budget,
        wanted,
    };
    let variants = engine.in_place(freedom, devices);
    let Some(first) = variants.first() else {
        return Ok(None);
    };
    let as_asked = search.fitted(search.planned(first.clone())?)?;
    let already = fits(&as_asked.plan, devices, budget);
    let mut options = if already {
        search.longer(variants, freedom, &as_asked)
    } else {
        search.serving(variants, freedom)
    };
    options.sort_by(|left, right| left.costs.cmp(&right.costs));
    Ok(Some(Advised {
        as_asked,
        fits: already,
        options,
    }))
}

struct Search<'a> {
    model: &'a Model,
    devices: &'a [Device],
    budget: &'a Budget,
    wanted: u64,
}

/// A variant with its plan.
struct Planned {
    changes: Vec<Change>,
    engine: Box<dyn Engine>,
    plan: Plan,
    costs: Vec<u64>,
}

// What the engine refuses in one combination, it may take in another: refusals are left out.
impl Search<'_> {
    /// Settings under which the context wanted fits.
    fn serving<E: Tunable>(&self, variants: Vec<Variant<E>>, freedom: &Freedom) -> Vec<Advice> {
        let mut options = Vec::new();
        for variant in variants {
            if self.serves(&variant.engine) {
                options.extend(self.advice(variant));
                continue;
            }
            let split = freedom.tensor_split.then(|| self.split(&variant)).flatten();
            if split.is_some() {
                options.extend(split);
                continue;
            }
            // Where the engine refuses the variant, it refuses what is moved from it too.
            let ladders = E::offloads(&variant, freedom, self.model).into_iter();
            options.extend(ladders.filter_map(|ladder| self.offloaded(ladder, freedom)));
        }
        unbeaten(options, |one, other| no_dearer(&one.costs, &other.costs))
    }

    /// Settings under which more fits than with those asked for.
    fn longer<E: Tunable>(
        &self,
        variants: Vec<Variant<E>>,
        freedom: &Freedom,
        as_asked: &Advice,
    ) -> Vec<Advice> {
        let mut options = Vec::new();
        for variant in variants {
            let split = freedom.tensor_split.then(|| self.split(&variant)).flatten();
            options.extend(self.advice(variant));
            options.extend(split);
        }
        options.retain(|advice| advice.fit.usable_context_length > worthwhile(as_asked));
        unbeaten(options, |one, other| {
            no_dearer(&one.costs, &other.costs)
                && worthwhile(one) >= other.fit.usable_context_length
        })
    }

    /// The variant with its plan and its longest context, unless the engine refuses it.
    fn advice<E: Tunable>(&self, variant: Variant<E>) -> Option<Advice> {
        self.fitted(self.planned(variant).ok()?).ok()
    }

    fn serves(&self, engine: &impl Engine) -> bool {
        let settled = engine.settled(self.model, self.devices, self.budget.reserve());
        let engine = settled.as_deref().unwrap_or(engine);
        let planner = engine.prepare(self.model, self.devices);
        planner
            .and_then(|planner| planner.plan(self.wanted))
            .is_ok_and(|plan| fits(&plan, self.devices, self.budget))
    }

    /// The rung that serves while the one before it does not: what is moved off the GPUs takes
    /// more there than moving it costs.
    fn offloaded<E: Tunable>(
        &self,
        mut ladder: Vec<Variant<E>>,
        freedom: &Freedom,
    ) -> Option<Advice> {
        let splits =
            |rung: &Variant<E>| freedom.tensor_split && self.split_for(rung, self.wanted).is_some();
        let serves = |rung: &Variant<E>| self.serves(&rung.engine) || splits(rung);
        if !serves(ladder.last()?) {
            return None;
        }
        let first = ladder.partition_point(|rung| !serves(rung));
        let rung = ladder.swap_remove(first.min(ladder.len() - 1));
        if self.serves(&rung.engine) {
            self.advice(rung)
        } else {
            self.split(&rung)
        }
    }

    fn planned<E: Tunable>(&self, variant: Variant<E>) -> Result<Planned, EngineError> {
        let idle = variant.engine.idle_on_cpu(self.model);
        let settled = variant
            .engine
            .settled(self.model, self.devices, self.budget.reserve());
        let engine = settled.unwrap_or_else(|| Box::new(variant.engine));
        let planner = engine.prepare(self.model, self.devices)?;
        let plan = planner.plan(self.wanted)?;
        drop(planner);
        // What lies in host memory is slow by the bytes that each token reads there.
        let held = plan.host.weights.saturating_add(plan.host.kv_cache);
        let mut costs = Vec::from([held.saturating_sub(idle)]);
        costs.extend(variant.costs);
        Ok(Planned {
            changes: variant.changes,
            engine,
            plan,
            costs,
        })
    }

    fn fitted(&self, planned: Planned) -> Result<Advice, EngineError> {
        let planner = planned.engine.prepare(self.model, self.devices)?;
        let trained = self.model.trained_context_length;
        let fit = max_context(planner.as_ref(), self.devices, self.budget, trained)?;
        drop(planner);
        Ok(Advice {
            changes: planned.changes,
            engine: planned.engine,
            plan: planned.plan,
            fit,
            costs: planned.costs,
        })
    }
}

/// Those that no other beats; of two that beat each other, the first stays.
fn unbeaten<T>(options: Vec<T>, beats: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let kept: Vec<bool> = options
        .iter()
        .enumerate()
        .map(|(own_index, own)| {
            !options.iter().enumerate().any(|(index, other)| {
                index != own_index && beats(other, own) && (index < own_index || !beats(own, other))
            })
        })
        .collect();
    options
        .into_iter()
        .zip(kept)
        .filter_map(|(option, kept)| kept.then_some(option))
        .collect()
}

/// Whether `one` costs no more than `other` in any measure.
fn no_dearer(one: &[u64], other: &[u64]) -> bool {
    one.iter().zip(other).all(|(one, other)| one <= other)
}

/// The context that a dearer setting has to exceed to be worth it: a sixteenth more.
fn worthwhile(advice: &Advice) -> u64 {
    let context = advice.fit.usable_context_length;
    context.saturating_add(context / 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::engine::llama_cpp::{Additions, Draft, LlamaCpp};
    use crate::model::Vision;
    use alloc::sync::Arc;

    const MIB: u64 = 1024 * 1024;

    fn everything() -> Freedom {
        Freedom {
            precisions: Precision::ALL.to_vec(),
            micro_batch: true,
            flash_attention: true,
            gpu_layers: true,
            cpu_experts: true,
            tensor_split: true,
            ..Freedom::default()
        }
    }

    fn search(name: &str, free: u64, wanted: u64, freedom: &Freedom) -> (Advised, Vec<Device>) {
        let model = catalogue::find(name).unwrap().model(None).unwrap();
        let devices = Vec::from([Device::with_free("GPU 0".into(), free * MIB)]);
        let engine = LlamaCpp::default();
        let budget = Budget::default();
        let advised = advise(&engine, freedom, &model, &devices, &budget, wanted).unwrap();
        (advised.unwrap(), devices)
    }

    #[test]
    fn every_option_fits_and_none_beats_another() {
        let only_precisions = Freedom {
            micro_batch: false,
            ..everything()
        };
        for (name, free, wanted, freedom) in [
            ("qwen3:8b", 6_000, 32_768, everything()),
            ("qwen3-coder:30b", 12_000, 65_536, only_precisions),
        ] {
            let (advised, devices) = search(name, free, wanted, &freedom);
            assert!(!advised.fits && !advised.options.is_empty(), "{name}");
            for option in &advised.options {
                assert!(fits(&option.plan, &devices, &Budget::default()));
                assert_eq!(option.plan.context_length, wanted);
                assert!(option.fit.max_context_length >= wanted);
                let beaten = advised.options.iter().any(|other| {
                    other.costs != option.costs
                        && other.costs.iter().zip(&option.costs).all(|(a, b)| a <= b)
                });
                assert!(!beaten, "{:?}", option.changes);
            }
        }
    }

    /// One layer more on the GPU, or the experts of one layer fewer on the CPU, does not fit.
    #[test]
    fn no_more_is_moved_than_has_to_be() {
        let only_layers = Freedom {
            gpu_layers: true,
            ..Freedom::default()
        };
        let only_experts = Freedom {
            gpu_layers: false,
            cpu_experts: true,
            ..only_layers.clone()
        };
        let name = "qwen3-coder:30b";
        let model = catalogue::find(name).unwrap().model(None).unwrap();
        for freedom in [only_layers, only_experts] {
            let (advised, devices) = search(name, 12_000, 32_768, &freedom);
            let [option] = advised.options.as_slice() else {
                panic!("{} options", advised.options.len());
            };
            let one_less = match option.changes.as_slice() {
                [Change::GpuLayers(layers)] => LlamaCpp {
                    gpu_layers: Some(layers + 1),
                    ..LlamaCpp::default()
                },
                [Change::CpuExperts(layers)] => LlamaCpp {
                    cpu_moe_layers: layers - 1,
                    ..LlamaCpp::default()
                },
                changes => panic!("{changes:?}"),
            };
            let plan = one_less.prepare(&model, &devices).unwrap().plan(32_768);
            assert!(!fits(&plan.unwrap(), &devices, &Budget::default()));
        }
    }

    /// A draft model's cache and the projector make room before layers have to move.
    #[test]
    fn what_runs_beside_makes_room() {
        let model = catalogue::find("gemma3:12b").unwrap().model(None).unwrap();
        let draft = catalogue::find("qwen3:0.6b").unwrap().model(None).unwrap();
        let projector = model.vision.as_ref().and_then(Vision::projector).unwrap();
        let mut engine = LlamaCpp::default();
        let beside = &mut engine.additions;
        beside.projector = Some((Additions::OWN_PROJECTOR.into(), Arc::new(projector)));
        beside.draft = Some(Draft {
            file: "draft.gguf".into(),
            model: Arc::new(draft),
            gpu_layers: None,
        });
        let devices = Vec::from([Device::with_free("GPU 0".into(), 13_000 * MIB)]);
        let budget = Budget::default();
        let freedom = Freedom {
            draft_cache: true,
            projector: true,
            ..Freedom::default()
        };
        let search = |freedom, wanted| {
            let advised = advise(&engine, freedom, &model, &devices, &budget, wanted);
            advised.unwrap().unwrap()
        };
        let advised = search(&freedom, 1);
        let mut costs = Vec::new();
        for option in &advised.options {
            let same = changed(&engine, &option.changes);
            let planner = same.prepare(&model, &devices).unwrap();
            assert_eq!(planner.plan(1).unwrap(), option.plan);
            // Neither the tables of embeddings nor the projector are read for each token.
            assert_eq!(option.read_on_cpu(), 0);
            costs.push(option.changes.len());
        }
        // The draft's keys and values; the projector; all three.
        assert_eq!(costs, [2, 1, 3]);
        let longest = |advice: &Advice| advice.fit.usable_context_length;
        let best = advised.options.iter().map(longest).max().unwrap();
        assert!(best > longest(&advised.as_asked));
        let nothing = Freedom::default();
        let fixed = search(&nothing, best);
        assert!(!fixed.fits && fixed.options.is_empty());
        let served = search(&freedom, best);
        assert!(!served.fits && served.options.len() == 1);
    }

    /// As many bytes on the CPU either way, but of experts few are read.
    #[test]
    fn experts_go_to_the_cpu_before_layers_do() {
        let (advised, _) = search("gpt-oss:120b", 31_000, 32_768, &everything());
        let gentlest = &advised.options.first().unwrap().changes;
        assert!(
            matches!(gentlest.as_slice(), [.., Change::CpuExperts(_)]),
            "{gentlest:?}"
        );
    }

    #[test]
    fn what_fits_can_be_made_longer() {
        let (advised, _) = search("qwen3:8b", 8_000, 8_192, &everything());
        assert!(advised.fits && advised.as_asked.changes.is_empty());
        let contexts: Vec<u64> = advised
            .options
            .iter()
            .map(|option| option.fit.usable_context_length)
            .collect();
        assert!(!contexts.is_empty());
        assert!(
            contexts
                .iter()
                .all(|&context| context > advised.as_asked.fit.usable_context_length)
        );
    }

    #[test]
    fn nothing_helps_where_there_is_next_to_no_memory() {
        let (advised, _) = search("qwen3:8b", 100, 4_096, &everything());
        assert!(!advised.fits && advised.options.is_empty());
        let (advised, _) = search("qwen3:8b", 20_000, 4_096, &everything());
        assert!(advised.fits && advised.options.is_empty());
    }
}
