//! A `config.json`, with rules for its family and without, and the plan that follows from it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::engine::Engine;
use shared::engine::llama_cpp::LlamaCpp;
use shared::engine::vllm::Vllm;
use shared::fit::{Budget, max_context};
use shared::gpu::Device;
use shared::source::hf::{read_config, read_config_conservative};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_config_conservative(bytes, "fuzzed");
    let Ok(model) = read_config(bytes, "fuzzed") else {
        return;
    };
    let devices = [Device::with_free("GPU".into(), 24 << 30)];
    let trained = model.trained_context_length;
    let engines: [&dyn Engine; 2] = [&LlamaCpp::default(), &Vllm::default()];
    for engine in engines {
        if let Ok(planner) = engine.prepare(&model, &devices) {
            let _ = max_context(&*planner, &devices, &Budget::default(), trained);
        }
    }
});
