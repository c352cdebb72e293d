//! What vLLM can trade for memory.

use alloc::vec::Vec;

use super::{Change, Freedom, Tunable, Variant};
use crate::engine::vllm::Vllm;
use crate::gpu::Device;
use crate::model::Model;

/// The fewest tokens of a step that are offered: prompts get slow enough with them.
const FEWEST_BATCHED_TOKENS: u64 = 512;
/// The measures of [`Variant::costs`].
const COARSER: usize = 0;
const HALVED: usize = 1;
const SHARE: usize = 2;
const GRAPHS: usize = 3;
const GPUS: usize = 4;

impl Tunable for Vllm {
    fn in_place(&self, freedom: &Freedom, devices: &[Device]) -> Vec<Variant<Self>> {
        let as_asked = Variant {
            changes: Vec::new(),
            engine: self.clone(),
            costs: Vec::from([0, 0, 0, 0, self.ranks()]),
        };
        let mut variants = Vec::from([as_asked]);
        if freedom.tensor_parallel {
            let most = devices.len() as u64 / self.pipeline_parallel_size.max(1);
            let wider = core::iter::successors(Some(2), |gpus: &u64| gpus.checked_mul(2))
                .take_while(|&gpus| gpus <= most)
                .map(Change::TensorParallel);
            extend(&mut variants, devices, &wider.collect::<Vec<_>>());
        }
        let coarser: Vec<Variant<Self>> = variants
            .iter()
            .flat_map(|variant| {
                // The first precision is the one asked for.
                (1..)
                    .zip(freedom.precisions.iter().skip(1))
                    .map(|(place, &precision)| {
                        let mut coarser = with(variant, devices, Change::Precision(precision));
                        coarser.costs[COARSER] = place;
                        coarser
                    })
            })
            .collect();
        variants.extend(coarser);
        if freedom.batched_tokens {
            let default = devices
                .first()
                .map_or(0, |first| self.batched_tokens(first));
            let halves = core::iter::successors(Some(default / 2), |tokens| Some(tokens / 2))
                .take_while(|&tokens| tokens >= FEWEST_BATCHED_TOKENS)
                .map(Change::BatchedTokens);
            extend(&mut variants, devices, &halves.collect::<Vec<_>>());
        }
        if freedom.graphs && !self.enforce_eager {
            extend(&mut variants, devices, &[Change::NoGraphs]);
        }
        if freedom.utilization {
            let larger: Vec<Variant<Self>> = variants
                .iter()
                .filter_map(|variant| {
                    let share = variant.engine.largest_share(devices)?;
                    let default = variant.engine.version.default_utilization();
                    (share > default).then(|| with(variant, devices, Change::Utilization(share)))
                })
                .collect();
            variants.extend(larger);
        }
        variants
    }

    fn offloads(_: &Variant<Self>, _: &Freedom, _: &Model) -> Vec<Vec<Variant<Self>>> {
        Vec::new()
    }

    fn splittable(&self, _: &Model) -> Option<u64> {
        None
    }

    fn with_split(variant: &Variant<Self>, _: &[u64]) -> Variant<Self> {
        variant.clone()
    }

    fn idle_on_cpu(&self, _: &Model) -> u64 {
        0
    }
}

/// Adds every variant with each of the changes.
fn extend(variants: &mut Vec<Variant<Vllm>>, devices: &[Device], changes: &[Change]) {
    let more: Vec<Variant<Vllm>> = variants
        .iter()
        .flat_map(|variant| {
            changes
                .iter()
                .map(|change| with(variant, devices, change.clone()))
        })
        .collect();
    variants.extend(more);
}

fn with(variant: &Variant<Vllm>, devices: &[Device], change: Change) -> Variant<Vllm> {
    let mut variant = variant.clone();
    let settings = &mut variant.engine;
    match &change {
        &Change::Precision(precision) => *settings = settings.in_precision(precision),
        &Change::BatchedTokens(tokens) => {
            let default = devices
                .first()
                .map_or(0, |first| settings.batched_tokens(first));
            variant.costs[HALVED] = default / tokens.max(1);
            settings.max_num_batched_tokens = Some(tokens);
        }
        &Change::Utilization(share) => {
            variant.costs[SHARE] = 1;
            settings.gpu_memory_utilization = Some(share);
        }
        Change::NoGraphs => {
            variant.costs[GRAPHS] = 1;
            settings.enforce_eager = true;
        }
        &Change::TensorParallel(gpus) => {
            settings.tensor_parallel_size = gpus;
            variant.costs[GPUS] = settings.ranks();
        }
        // Other engines'.
        Change::MicroBatch(_)
        | Change::FlashAttention
        | Change::CpuExperts(_)
        | Change::GpuLayers(_)
        | Change::TensorSplit(_) => {}
    }
    variant.changes.push(change);
    variant
}
