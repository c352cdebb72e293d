//! What a plan, an inversion and a header cost. The budgets stand in `docs/performance.md`.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark fails where it cannot run"
)]

#[path = "../tests/it/gguf_bytes.rs"]
#[allow(dead_code)]
mod gguf_bytes;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shared::catalogue;
use shared::engine::llama_cpp::{FlashAttention, LlamaCpp};
use shared::engine::vllm::Vllm;
use shared::engine::{Engine, Precision};
use shared::fit::{Budget, max_context};
use shared::gpu::Device;
use shared::model::Model;
use shared::quant::{FileType, quantize};
use shared::source::gguf::HeaderReader;
use shared::source::hf::read_config;

const GIB: u64 = 1 << 30;

/// A dense model, a mixture of experts, sliding windows, latent attention, a hybrid, a large one.
const MODELS: [(&str, u64); 6] = [
    ("llama3.1:8b", 16),
    ("qwen3:30b", 24),
    ("gemma3:27b", 24),
    ("deepseek-v2-lite", 16),
    ("qwen3.5:35b", 32),
    ("llama3.3:70b", 48),
];

/// By name, or, where the file of that name is from before its latent could be cached, as it is
/// made today.
fn model(tag: &str) -> Model {
    if tag == "deepseek-v2-lite" {
        let config = include_bytes!("../src/catalogue/configs/deepseek-v2-lite.json");
        let model = read_config(config, tag).unwrap();
        return quantize(&model, FileType::Q4KM).unwrap();
    }
    catalogue::find(tag).unwrap().model(None).unwrap()
}

fn devices(gib: u64) -> Vec<Device> {
    vec![Device::with_free("GPU 0".into(), gib * GIB)]
}

fn llama_cpp(criterion: &mut Criterion) {
    let engine = LlamaCpp::default();
    let budget = Budget::default();
    for (tag, gib) in MODELS {
        let (model, devices) = (model(tag), devices(gib));
        let trained = model.trained_context_length;
        let planner = engine.prepare(&model, &devices).unwrap();
        let mut group = criterion.benchmark_group("llama.cpp");
        group.bench_function(BenchmarkId::new("prepare", tag), |bencher| {
            bencher.iter(|| engine.prepare(&model, &devices).is_ok());
        });
        group.bench_function(BenchmarkId::new("plan", tag), |bencher| {
            bencher.iter(|| planner.plan(black_box(32_768)).unwrap());
        });
        group.bench_function(BenchmarkId::new("first inversion", tag), |bencher| {
            bencher.iter(|| first_inversion(&engine, &model, &devices));
        });
        for precision in [Precision::Fp16, Precision::Int8] {
            let engine = engine.in_precision(precision);
            let planner = engine.prepare(&model, &devices).unwrap();
            let name = format!("inversion {}", precision.name());
            group.bench_function(BenchmarkId::new(name, tag), |bencher| {
                bencher.iter(|| max_context(&*planner, &devices, black_box(&budget), trained));
            });
        }
        let without = LlamaCpp {
            flash_attention: FlashAttention::Off,
            ..engine.clone()
        };
        let planner = without.prepare(&model, &devices).unwrap();
        group.bench_function(
            BenchmarkId::new("inversion without flash attention", tag),
            |bencher| {
                bencher.iter(|| max_context(&*planner, &devices, black_box(&budget), trained));
            },
        );
        group.finish();
    }
}

/// The weights placed, and the graph built and allocated for the first time.
fn first_inversion(engine: &LlamaCpp, model: &Model, devices: &[Device]) -> u64 {
    let planner = engine.prepare(model, devices).unwrap();
    let trained = model.trained_context_length;
    let fit = max_context(&*planner, devices, black_box(&Budget::default()), trained).unwrap();
    fit.max_context_length
}

/// Several cards; layers, experts or caches on the host.
fn beyond_one_card(criterion: &mut Criterion) {
    let plain = LlamaCpp::default();
    let layers = LlamaCpp {
        gpu_layers: Some(40),
        ..plain.clone()
    };
    let experts = LlamaCpp {
        cpu_moe_layers: 24,
        ..plain.clone()
    };
    let caches = LlamaCpp {
        kv_offload: false,
        ..plain.clone()
    };
    let mut group = criterion.benchmark_group("llama.cpp beyond one card");
    for (tag, gib, cards, engine) in [
        ("llama3.3:70b", 24, 2, &plain),
        ("gemma3:27b", 16, 2, &plain),
        ("llama3.3:70b", 24, 1, &layers),
        ("gemma3:27b", 16, 1, &layers),
        ("qwen3:30b", 16, 1, &experts),
        ("qwen3.5:35b", 16, 1, &experts),
        ("llama3.1:8b", 16, 1, &caches),
    ] {
        let model = model(tag);
        let devices: Vec<Device> = (0..cards).flat_map(|_| devices(gib)).collect();
        let name = format!("first inversion, cards: {cards}");
        group.bench_function(BenchmarkId::new(name, tag), |bencher| {
            bencher.iter(|| first_inversion(engine, &model, &devices));
        });
    }
    group.finish();
}

fn vllm(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("vLLM");
    let (model, devices) = (model("llama3.1:8b"), devices(24));
    let mut model = model;
    for tensor in &mut model.tensors {
        tensor.tensor_type = shared::quant::TensorType::Bf16;
    }
    let engine = Vllm::default();
    let planner = engine.prepare(&model, &devices).unwrap();
    let budget = Budget::default();
    group.bench_function("plan", |bencher| {
        bencher.iter(|| planner.plan(black_box(8_192)).unwrap());
    });
    group.bench_function("inversion", |bencher| {
        bencher.iter(|| max_context(&*planner, &devices, black_box(&budget), Some(131_072)));
    });
    group.finish();
}

/// What the page computes for one model: every precision of every weights format.
fn matrix(criterion: &mut Criterion) {
    let formats = [
        FileType::Q4KM,
        FileType::Q5KM,
        FileType::Q6K,
        FileType::Q8_0,
        FileType::Q3KM,
        FileType::Q4_0,
        FileType::Iq4Xs,
        FileType::F16,
    ];
    let mut group = criterion.benchmark_group("matrix of 8 formats and 3 precisions");
    for (tag, gib) in [("llama3.1:8b", 16), ("gemma3:27b", 24)] {
        let entry = catalogue::find(tag).unwrap();
        let (devices, budget) = (devices(gib), Budget::default());
        group.bench_function(tag, |bencher| {
            bencher.iter(|| {
                for format in formats {
                    let model = entry.model(Some(format)).unwrap();
                    for precision in Precision::ALL {
                        let engine = LlamaCpp::default().in_precision(precision);
                        let planner = engine.prepare(&model, &devices).unwrap();
                        let trained = model.trained_context_length;
                        black_box(max_context(&*planner, &devices, &budget, trained)).unwrap();
                    }
                }
            });
        });
    }
    group.finish();
}

fn header(criterion: &mut Criterion) {
    // Vocabularies of published files; the last makes a header of about 100 MB.
    let mut group = criterion.benchmark_group("GGUF header");
    group.measurement_time(Duration::from_secs(4));
    for tokens in [128_256, 2_000_000] {
        let bytes = gguf_bytes::with_vocabulary(tokens);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        for piece in [64 << 10, bytes.len()] {
            let name = if piece == bytes.len() {
                "at once"
            } else {
                "in pieces of 64 KiB"
            };
            group.bench_function(BenchmarkId::new(name, bytes.len()), |bencher| {
                bencher.iter(|| {
                    let mut reader = HeaderReader::new();
                    for piece in bytes.chunks(piece) {
                        reader.feed(black_box(piece)).unwrap();
                    }
                    reader.finish().unwrap()
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = llama_cpp, beyond_one_card, vllm, matrix, header
}
criterion_main!(benches);
