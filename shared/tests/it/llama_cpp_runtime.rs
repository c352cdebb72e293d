//! llama.cpp: what it takes while it runs, beyond the buffers that it plans.

use shared::engine::Engine;
use shared::engine::llama_cpp::{FlashAttention, LlamaCpp};
use shared::gpu::Device;
use shared::quant::TensorType;

use crate::data;

/// Our estimate for a full context against what a prompt that fills half of it was seen to take:
/// never less, since partial sums of real kernels come on top of what was measured.
#[test]
fn the_estimate_of_growth_covers_what_was_measured() {
    let text = std::fs::read_to_string(data::path("llama_cpp/runtime.tsv")).unwrap();
    let (mut count, mut widest) = (0, 0);
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            name,
            file_type,
            capability,
            context,
            settings,
            pool,
            workspace,
        ] = fields[..]
        else {
            panic!("{line}");
        };
        let setting = |name: &str| {
            let mut pairs = settings.split(';').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let number = |name| setting(name).map(|value| value.parse::<u64>().unwrap());
        let cache_type = |name| {
            setting(name).map_or(TensorType::F16, |value| {
                TensorType::from_name(value).unwrap()
            })
        };
        let engine = LlamaCpp {
            flash_attention: match setting("fa") {
                Some("off") => FlashAttention::Off,
                _ => FlashAttention::On,
            },
            ubatch_size: number("n_ubatch").unwrap_or(512),
            outputs_max: number("n_outputs_max"),
            cache_type_k: cache_type("type_k"),
            cache_type_v: cache_type("type_v"),
            ..LlamaCpp::default()
        };
        let capability: u32 = capability.parse().unwrap();
        let device = Device {
            compute_capability: Some((capability / 10, capability % 10)),
            ..Device::with_free("CUDA0".into(), 1 << 36)
        };
        let model = data::model(name, file_type).unwrap();
        let planner = engine.prepare(model, &[device]).unwrap();
        let plan = planner.plan(context.parse().unwrap()).unwrap();
        let ours = plan.devices[0].growth.bytes;
        let real = pool.parse::<u64>().unwrap() + workspace.parse::<u64>().unwrap();
        assert!(ours >= real, "{ours} < {real}: {line}");
        count += 1;
        widest = widest.max(ours - real);
    }
    println!("{count} runs, at most {widest} bytes over");
    assert!(count >= 60);
}
