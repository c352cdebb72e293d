//! What vLLM can trade for memory.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::{Change, Freedom, Tunable, Variant};
use crate::engine::vllm::Vllm;
use crate::gpu::Device;
use crate::model::Model;
use crate::quant::Packing;

/// The fewest tokens of a step that are offered: prompts get slow enough with them.
const FEWEST_BATCHED_TOKENS: u64 = 512;
/// The measures of [`Variant::costs`].
const COARSER: usize = 0;
const HALVED: usize = 1;
const SHARE: usize = 2;
const GRAPHS: usize = 3;
const GPUS: usize = 4;
const SEQUENCES: usize = 5;
const ENCODERS: usize = 6;
/// Requests at once that are offered in place of the default: graphs and logits of fewer take less.
const FEWER_SEQUENCES: [u64; 3] = [64, 16, 4];
/// Formats of checkpoints, widest first, with the first compute capability that has kernels
/// (vLLM 0.33.0, `get_min_capability`): NVFP4 where it is computed in, elsewhere integers take less.
const FORMATS: [(&str, (u32, u32)); 4] = [
    ("fp8", (7, 5)),
    ("nvfp4", (10, 0)),
    ("awq-int4-g128", (7, 5)),
    ("gptq-int4-g128", (6, 0)),
];

impl Tunable for Vllm {
    fn in_place(&self, freedom: &Freedom, devices: &[Device]) -> Vec<Variant<Self>> {
        let as_asked = Variant {
            changes: Vec::new(),
            engine: self.clone(),
            costs: Vec::from([0, 0, 0, 0, self.ranks(), 0, 0]),
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
        if freedom.sequences && self.max_num_seqs.is_none() {
            let default = devices.first().map_or(0, |first| self.sequences(first));
            let fewer = FEWER_SEQUENCES.into_iter().filter(|&own| own < default);
            let more: Vec<Variant<Self>> = variants
                .iter()
                .flat_map(|variant| {
                    let with_fewer = |sequences| with_sequences(variant, sequences, default);
                    fewer.clone().map(with_fewer)
                })
                .collect();
            variants.extend(more);
        }
        if freedom.encoders && !self.language_model_only {
            let without: Vec<Variant<Self>> = variants.iter().map(without_encoders).collect();
            variants.extend(without);
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

    fn lighter_formats(&self, devices: &[Device]) -> Vec<Packing> {
        let own = devices
            .iter()
            .filter_map(|device| device.compute_capability);
        // Where none is known, it is a common one.
        let own = own.min().unwrap_or((8, 9));
        let loaded = FORMATS.iter().filter(|(_, first)| own >= *first);
        // One of the two of 4-bit integers is enough.
        let mut loaded: Vec<&str> = loaded.map(|(name, _)| *name).collect();
        if loaded.contains(&"awq-int4-g128") {
            loaded.retain(|name| *name != "gptq-int4-g128");
        }
        loaded.into_iter().filter_map(Packing::from_name).collect()
    }
}

fn with_sequences(variant: &Variant<Vllm>, sequences: u64, default: u64) -> Variant<Vllm> {
    let mut variant = variant.clone();
    variant.engine.max_num_seqs = Some(sequences);
    variant.costs[SEQUENCES] = default / sequences.max(1);
    let change = Change::Setting("max-num-seqs", sequences.to_string());
    variant.changes.push(change);
    variant
}

fn without_encoders(variant: &Variant<Vllm>) -> Variant<Vllm> {
    let mut variant = variant.clone();
    variant.engine.language_model_only = true;
    variant.costs[ENCODERS] = 1;
    let change = Change::Setting("language-model-only", "on".to_string());
    variant.changes.push(change);
    variant
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
        | Change::TensorSplit(_)
        | Change::Setting(..) => {}
    }
    variant.changes.push(change);
    variant
}
