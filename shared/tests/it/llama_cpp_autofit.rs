//! llama.cpp: our longest context against the one that the engine itself finds to fit.

use shared::engine::Engine;
use shared::engine::llama_cpp::LlamaCpp;
use shared::fit::{Answer, Budget, max_context};
use shared::gpu::Device;
use shared::quant::TensorType;

use crate::data;

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

#[test]
fn the_longest_context_is_the_engines_own() {
    let text = std::fs::read_to_string(data::path("llama_cpp/autofit.tsv")).unwrap();
    let (mut equal, mut total) = (0, 0);
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, file_type, configuration, numbers @ ..] = &fields[..] else {
            panic!("{line}");
        };
        let numbers: Vec<u64> = numbers
            .iter()
            .map(|number| number.parse().unwrap())
            .collect();
        let [free, safety_margin, trained, longest] = numbers[..] else {
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
        total += 1;
        equal += usize::from(fit.usable_context_length == longest);
        if fit.usable_context_length != longest {
            let ours = fit.usable_context_length;
            println!("{name} {file_type} {configuration} {free}: {ours} for {longest}");
        }
    }
    println!("{equal} of {total} longest contexts are the engine's own");
    assert_eq!((equal, total), (399, 399));
}
