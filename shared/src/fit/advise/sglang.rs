//! What SGLang can trade for memory.

use alloc::vec::Vec;

use super::{Change, Freedom, Tunable, Variant};
use crate::engine::sglang::{Sglang, StaticShare};
use crate::gpu::Device;
use crate::model::Model;

/// The options that say how much weights and caches may take, and that nothing is captured.
const SHARE_SETTING: &str = "mem-fraction-static";
const GRAPHS_SETTING: &str = "disable-cuda-graph";
/// The measures of [`Variant::costs`].
const COARSER: usize = 0;
const SHARE: usize = 1;
const GRAPHS: usize = 2;
const GPUS: usize = 3;

impl Tunable for Sglang {
    fn in_place(&self, freedom: &Freedom, devices: &[Device]) -> Vec<Variant<Self>> {
        let as_asked = Variant {
            changes: Vec::new(),
            engine: self.clone(),
            costs: Vec::from([0, 0, 0, self.tensor_parallel_size]),
        };
        let mut variants = Vec::from([as_asked]);
        if freedom.tensor_parallel {
            let most = devices.len() as u64;
            let wider = core::iter::successors(Some(2), |gpus: &u64| gpus.checked_mul(2))
                .take_while(|&gpus| gpus <= most)
                .map(Change::TensorParallel);
            extend(&mut variants, &wider.collect::<Vec<_>>());
        }
        // The first precision is the one asked for.
        let coarser = freedom.precisions.iter().skip(1).copied();
        let coarser: Vec<Change> = coarser.map(Change::Precision).collect();
        extend(&mut variants, &coarser);
        if freedom.utilization {
            let largest = Change::Setting(SHARE_SETTING, "auto".into());
            extend(&mut variants, &[largest]);
        }
        if freedom.graphs && self.cuda_graphs {
            let none = Change::Setting(GRAPHS_SETTING, "on".into());
            extend(&mut variants, &[none]);
        }
        for variant in &mut variants {
            let place = variant.changes.iter().find_map(|change| match change {
                Change::Precision(own) => freedom.precisions.iter().position(|one| one == own),
                _ => None,
            });
            variant.costs[COARSER] = place.unwrap_or(0) as u64;
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
fn extend(variants: &mut Vec<Variant<Sglang>>, changes: &[Change]) {
    let more: Vec<Variant<Sglang>> = variants
        .iter()
        .flat_map(|variant| changes.iter().map(|change| with(variant, change.clone())))
        .collect();
    variants.extend(more);
}

fn with(variant: &Variant<Sglang>, change: Change) -> Variant<Sglang> {
    let mut variant = variant.clone();
    let settings = &mut variant.engine;
    match &change {
        &Change::Precision(precision) => *settings = settings.in_precision(precision),
        Change::Setting(name, _) if *name == SHARE_SETTING => {
            variant.costs[SHARE] = 1;
            settings.mem_fraction_static = StaticShare::Largest;
        }
        Change::Setting(name, _) if *name == GRAPHS_SETTING => {
            variant.costs[GRAPHS] = 1;
            settings.cuda_graphs = false;
        }
        &Change::TensorParallel(gpus) => {
            settings.tensor_parallel_size = gpus;
            variant.costs[GPUS] = gpus;
        }
        // Other engines'.
        Change::MicroBatch(_)
        | Change::FlashAttention
        | Change::BatchedTokens(_)
        | Change::Utilization(_)
        | Change::CpuExperts(_)
        | Change::GpuLayers(_)
        | Change::NoGraphs
        | Change::Setting(..)
        | Change::TensorSplit(_) => {}
    }
    variant.changes.push(change);
    variant
}
