//! What llama.cpp can trade for memory.

use alloc::vec::Vec;

use super::{Change, Freedom, Tunable, Variant};
use crate::engine::llama_cpp::{FlashAttention, LlamaCpp, SplitMode};
use crate::gpu::Device;
use crate::model::{Model, Tensor};
use crate::quant::TensorType;

/// The smallest physical batch that is offered: prompts get slow enough with it.
const SMALLEST_MICRO_BATCH: u64 = 64;
/// The measures of [`Variant::costs`].
const COARSER: usize = 0;
const HALVED: usize = 1;
const PROJECTOR_ON_HOST: usize = 2;
const COARSER_DRAFT: usize = 3;

/// What tensors in host memory are aligned to.
const HOST_ALIGNMENT: u64 = 32;

/// The type that what drafts may cache in: nearly as good, and half of f16.
const DRAFT_TYPE: TensorType = TensorType::Q8_0;

impl Tunable for LlamaCpp {
    fn in_place(&self, freedom: &Freedom, _: &[Device]) -> Vec<Variant<Self>> {
        let as_asked = Variant {
            changes: Vec::new(),
            engine: self.clone(),
            costs: Vec::from([0; 4]),
        };
        let mut variants = Vec::from([as_asked]);
        if freedom.flash_attention && !self.uses_flash_attention() {
            let on = with(&variants[0], Change::FlashAttention);
            variants.push(on);
        }
        let coarser: Vec<Variant<Self>> = variants
            .iter()
            .flat_map(|variant| {
                // The first precision is the one asked for.
                (1..)
                    .zip(freedom.precisions.iter().skip(1))
                    .map(|(place, &precision)| {
                        let mut coarser = with(variant, Change::Precision(precision));
                        coarser.costs[COARSER] = place;
                        coarser
                    })
            })
            .collect();
        variants.extend(coarser);
        if freedom.micro_batch {
            let smaller: Vec<Variant<Self>> = variants
                .iter()
                .flat_map(|variant| {
                    halves(self.ubatch_size).map(|tokens| with(variant, Change::MicroBatch(tokens)))
                })
                .collect();
            variants.extend(smaller);
        }
        let beside = &self.additions;
        if freedom.draft_cache && beside.drafts() {
            with_each(&mut variants, |variant| {
                let keys = with(variant, setting("cache-type-k-draft", DRAFT_TYPE.name()));
                let mut coarser = with(&keys, setting("cache-type-v-draft", DRAFT_TYPE.name()));
                coarser.costs[COARSER_DRAFT] = 1;
                coarser
            });
        }
        if freedom.projector && beside.projector.is_some() && beside.projector_offload {
            with_each(&mut variants, |variant| {
                let mut on_host = with(variant, setting("no-mmproj-offload", "on"));
                on_host.costs[PROJECTOR_ON_HOST] = 1;
                on_host
            });
        }
        variants
    }

    fn offloads(
        variant: &Variant<Self>,
        freedom: &Freedom,
        model: &Model,
    ) -> Vec<Vec<Variant<Self>>> {
        let layers = model.layers.len() as u64;
        let expert_layers = model
            .layers
            .iter()
            .rposition(|layer| layer.feed_forward.experts.is_some())
            .map_or(0, |last| last as u64 + 1);
        let on_gpu = variant
            .engine
            .gpu_layers
            .unwrap_or(layers + 1)
            .min(layers + 1);
        let fewer_layers = |variant: &Variant<Self>| -> Vec<Variant<Self>> {
            (0..on_gpu)
                .rev()
                .map(|count| with(variant, Change::GpuLayers(count)))
                .collect()
        };
        let mut ladders = Vec::new();
        let more_experts = variant.engine.cpu_moe_layers + 1..=expert_layers;
        if freedom.cpu_experts && !more_experts.is_empty() {
            let ladder = more_experts.map(|count| with(variant, Change::CpuExperts(count)));
            ladders.push(ladder.collect());
            if freedom.gpu_layers {
                ladders.push(fewer_layers(&with(
                    variant,
                    Change::CpuExperts(expert_layers),
                )));
            }
        }
        if freedom.gpu_layers {
            ladders.push(fewer_layers(variant));
        }
        ladders
    }

    fn splittable(&self, model: &Model) -> Option<u64> {
        let units = model.layers.len() as u64 + 1;
        let is_open = self.split_mode == SplitMode::Layer
            && self.tensor_split.iter().all(|&share| share == 0.0);
        is_open.then(|| self.gpu_layers.unwrap_or(units).min(units))
    }

    fn with_split(variant: &Variant<Self>, layers: &[u64]) -> Variant<Self> {
        with(variant, Change::TensorSplit(layers.into()))
    }

    fn idle_on_cpu(&self, model: &Model) -> u64 {
        let layers = model.layers.len() as u64;
        let on_gpu = self.gpu_layers.unwrap_or(layers + 1).min(layers + 1);
        let on_cpu = (layers + 1 - on_gpu).max(self.cpu_moe_layers);
        let tied = model.tensor("output.weight").is_none() && on_gpu == 0;
        let idle = |tensor: &Tensor| {
            let Some(block) = tensor.block() else {
                // Of a table a token reads one row, unless it makes the logits too.
                let is_table = matches!(
                    tensor.name.as_str(),
                    "token_embd.weight" | "per_layer_token_embd.weight" | "position_embd.weight"
                );
                return (is_table && !tied).then(|| tensor.bytes());
            };
            let experts = model.layers.get(block)?.feed_forward.experts?;
            let of_experts = tensor.name.contains("_exps.") && (block as u64) < on_cpu;
            let one = tensor.bytes().checked_div(experts.count)?;
            of_experts.then(|| one.saturating_mul(experts.count.saturating_sub(experts.used)))
        };
        let own = model.tensors.iter().filter_map(idle);
        let beside = &self.additions;
        let draft = beside.draft.as_ref().map(|draft| {
            let settings = Self {
                gpu_layers: draft.gpu_layers,
                ..Self::default()
            };
            settings.idle_on_cpu(&draft.model)
        });
        // Images and sound are read before the tokens are.
        let on_host = beside
            .projector
            .iter()
            .filter(|_| !beside.projector_offload);
        let held = |tensor: &Tensor| tensor.bytes().checked_next_multiple_of(HOST_ALIGNMENT);
        let projector = on_host.flat_map(|(_, own)| own.tensors.iter().filter_map(held));
        own.chain(draft)
            .chain(projector)
            .fold(0, u64::saturating_add)
    }
}

/// Half of it, a quarter, and so on.
fn halves(tokens: u64) -> impl Iterator<Item = u64> {
    core::iter::successors(Some(tokens / 2), |tokens| Some(tokens / 2))
        .take_while(|&tokens| tokens >= SMALLEST_MICRO_BATCH)
}

/// The settings with these changes.
#[must_use]
pub fn changed(settings: &LlamaCpp, changes: &[Change]) -> LlamaCpp {
    let variant = Variant {
        changes: Vec::new(),
        engine: settings.clone(),
        costs: Vec::from([0; 4]),
    };
    let changed = changes
        .iter()
        .fold(variant, |variant, change| with(&variant, change.clone()));
    changed.engine
}

/// An option by its name.
fn setting(name: &'static str, value: &str) -> Change {
    Change::Setting(name, value.into())
}

/// Adds one more variant for each.
fn with_each(
    variants: &mut Vec<Variant<LlamaCpp>>,
    more: impl Fn(&Variant<LlamaCpp>) -> Variant<LlamaCpp>,
) {
    let added: Vec<_> = variants.iter().map(more).collect();
    variants.extend(added);
}

fn with(variant: &Variant<LlamaCpp>, change: Change) -> Variant<LlamaCpp> {
    let mut variant = variant.clone();
    let settings = &mut variant.engine;
    match &change {
        &Change::Precision(precision) => *settings = settings.in_precision(precision),
        &Change::MicroBatch(tokens) => {
            variant.costs[HALVED] = settings.ubatch_size / tokens.max(1);
            *settings = settings.with_micro_batch(tokens);
        }
        Change::FlashAttention => settings.flash_attention = FlashAttention::On,
        &Change::CpuExperts(layers) => settings.cpu_moe_layers = layers,
        &Change::GpuLayers(layers) => settings.gpu_layers = Some(layers),
        Change::TensorSplit(layers) => {
            // The engine compares shares in f32, which holds these exactly.
            #[allow(clippy::cast_precision_loss)]
            let share = |&layers: &u64| layers as f32;
            settings.tensor_split = layers.iter().map(share).collect();
        }
        Change::Setting("cache-type-k-draft", _) => settings.additions.cache_type_k = DRAFT_TYPE,
        Change::Setting("cache-type-v-draft", _) => settings.additions.cache_type_v = DRAFT_TYPE,
        Change::Setting("no-mmproj-offload", _) => settings.additions.projector_offload = false,
        // Other engines'.
        Change::BatchedTokens(_)
        | Change::Utilization(_)
        | Change::NoGraphs
        | Change::TensorParallel(_)
        | Change::Setting(..) => {}
    }
    variant.changes.push(change);
    variant
}
