//! Our plan beside the engine's, for every measured case.

use shared::engine::Engine;
use shared::engine::llama_cpp::Version;
use shared::gpu::Device;
use shared::model::Attention;
use shared::quant::TensorType;

use super::rules::RULES;
use super::spread::error;
use crate::data;
use crate::llama_cpp_cases::{self, Case, Outcome, Planned};

/// Errors of one case, in hundredths of a percent.
pub struct Sample {
    /// The model's architecture.
    pub architecture: &'static str,
    /// What the case is about: `main`, `ngl`, `dual`, …
    pub part: String,
    /// The release.
    pub version: Version,
    /// For each GPU: weights, caches and state, compute buffer, all together.
    pub devices: Vec<[i64; 4]>,
    /// Compute buffer in host memory.
    pub host: i64,
    /// The rules of thumb, where they are about such a case.
    pub rules: Option<[i64; RULES.len()]>,
}

/// Every case on CUDA whose model's header is kept.
pub fn samples() -> Vec<Sample> {
    let cases = llama_cpp_cases::all();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let each = cases.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = cases
            .chunks(each)
            .map(|cases| scope.spawn(|| cases.iter().filter_map(sample).collect::<Vec<_>>()))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap())
            .collect()
    })
}

fn sample(case: &Case) -> Option<Sample> {
    let Outcome::Planned(planned) = &case.outcome else {
        return None;
    };
    if case.backend != "cuda" {
        return None;
    }
    let model = data::model(&case.model, &case.file_type)?;
    let context = match case.context {
        0 => model.trained_context_length?,
        context => context,
    };
    let devices: Vec<Device> = (0..case.gpus())
        .map(|gpu| Device::with_free(format!("CUDA{gpu}"), 24 << 30))
        .collect();
    let settings = case.engine(model);
    let plan = settings
        .prepare(model, &devices)
        .unwrap()
        .plan(context)
        .unwrap();
    let of_device = |(gpu, device): (usize, &shared::engine::DevicePlan)| {
        let real = planned.gpu(gpu);
        let total = real.weights + real.context + real.compute;
        [
            error(device.weights.bytes, real.weights),
            error(device.caches(), real.context),
            error(device.compute.bytes, real.compute),
            error(device.planned(), total),
        ]
    };
    // A model with attention, everything on one GPU, one sequence, an f16 cache, flash attention as it comes.
    let attends = model
        .layers
        .iter()
        .any(|layer| layer.attention != Attention::None);
    let plain = attends
        && case.part == "main"
        && settings.parallel == 1
        && settings.cache_type_k == TensorType::F16
        && settings.cache_type_v == TensorType::F16
        && settings.uses_flash_attention()
        && settings.kv_offload
        && settings.ubatch_size == 512;
    Some(Sample {
        architecture: &model.architecture,
        part: case.part.clone(),
        version: case.version,
        devices: plan.devices.iter().enumerate().map(of_device).collect(),
        host: error(plan.host.compute, planned.host().compute),
        rules: plain.then(|| RULES.map(|rule| error((rule.bytes)(model, context), total(planned)))),
    })
}

fn total(planned: &Planned) -> u64 {
    let real = planned.gpu(0);
    real.weights + real.context + real.compute
}
