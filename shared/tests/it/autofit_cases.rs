//! The cases in which llama.cpp's longest context was found by bisection, and ours for them.

use shared::engine::Engine;
use shared::engine::llama_cpp::LlamaCpp;
use shared::fit::{Answer, Budget, max_context};
use shared::gpu::Device;
use shared::quant::TensorType;

use crate::data;

/// One case.
pub struct AutofitCase {
    /// Model, file type, settings and free bytes, as a message names them.
    pub name: String,
    /// The longest context that the engine takes with all layers on the GPU, in tokens.
    pub real: u64,
    /// Ours.
    pub ours: u64,
}

/// Every case, in the order of its file.
pub fn autofit_cases() -> Vec<AutofitCase> {
    let text = std::fs::read_to_string(data::path("llama_cpp/autofit.tsv")).unwrap();
    text.lines().map(case).collect()
}

fn engine(configuration: &str) -> LlamaCpp {
    let library = LlamaCpp {
        outputs_max: Some(0),
        ..LlamaCpp::default()
    };
    match configuration {
        "f16" => library,
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
        other => panic!("{other}"),
    }
}

fn case(line: &str) -> AutofitCase {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, file_type, configuration, numbers @ ..] = &fields[..] else {
        panic!("{line}");
    };
    let numbers: Vec<u64> = numbers
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    let [free, safety_margin, trained, real] = numbers[..] else {
        panic!("{line}");
    };
    let model = data::model(name, file_type).unwrap();
    assert_eq!(model.trained_context_length, Some(trained));
    let devices = [Device::with_free("CUDA0".into(), free)];
    let planner = engine(configuration).prepare(model, &devices).unwrap();
    let budget = Budget {
        safety_margin,
        runtime_overhead: Some(0),
        answer: Answer::Planned,
    };
    let fit = max_context(&*planner, &devices, &budget, Some(trained)).unwrap();
    AutofitCase {
        name: format!("{name} {file_type} {configuration} {free}"),
        real,
        ours: fit.usable_context_length,
    }
}
