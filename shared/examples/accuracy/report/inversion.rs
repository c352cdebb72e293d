//! The longest context: ours and the engine's own choice beside the true one.

use std::fs;

use shared::engine::Engine;
use shared::engine::llama_cpp::LlamaCpp;
use shared::fit::{Answer, Budget, max_context};
use shared::gpu::Device;
use shared::quant::TensorType;

use super::spread::error;
use crate::data;

/// One case, in tokens.
pub struct Inversion {
    /// The longest context that the engine takes with all layers on the GPU, by bisection.
    pub real: u64,
    /// Ours.
    pub ours: u64,
    /// What the engine's own fit chooses; `None` where it moves layers to the CPU instead.
    pub fitted: Option<u64>,
}

impl Inversion {
    /// How far the engine's own fit is off, in hundredths of a percent.
    pub fn fit_error(&self) -> Option<i64> {
        self.fitted.map(|fitted| error(fitted, self.real))
    }
}

fn engine(configuration: &str) -> LlamaCpp {
    let library = LlamaCpp {
        outputs_max: Some(0),
        ..LlamaCpp::default()
    };
    match configuration {
        "q8_0" => LlamaCpp {
            cache_type_k: TensorType::Q8_0,
            cache_type_v: TensorType::Q8_0,
            ..library
        },
        "server" => LlamaCpp {
            parallel: 4,
            kv_unified: true,
            ..LlamaCpp::default()
        },
        _ => library,
    }
}

/// Every measured one.
pub fn inversions() -> Vec<Inversion> {
    let read = |name: &str| fs::read_to_string(data::path(name)).unwrap();
    let (cases, fits) = (
        read("llama_cpp/autofit.tsv"),
        read("llama_cpp/autofit_own.tsv"),
    );
    let lines: Vec<(&str, &str)> = cases.lines().zip(fits.lines()).collect();
    lines
        .into_iter()
        .map(|(case, fit)| inversion(case, fit))
        .collect()
}

fn inversion(case: &str, fit: &str) -> Inversion {
    let fields: Vec<&str> = case.split('\t').collect();
    let [name, file_type, configuration, numbers @ ..] = &fields[..] else {
        panic!("{case}");
    };
    let numbers: Vec<u64> = numbers
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    let [free, safety_margin, trained, real] = numbers[..] else {
        panic!("{case}");
    };
    let model = data::model(name, file_type).unwrap();
    let devices = [Device::with_free("CUDA0".into(), free)];
    let planner = engine(configuration).prepare(model, &devices).unwrap();
    let budget = Budget {
        safety_margin,
        runtime_overhead: Some(0),
        answer: Answer::Planned,
    };
    let ours = max_context(&*planner, &devices, &budget, Some(trained)).unwrap();
    Inversion {
        real,
        ours: ours.usable_context_length,
        fitted: fit.parse().ok(),
    }
}
