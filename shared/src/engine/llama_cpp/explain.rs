//! The arithmetic behind a llama.cpp plan, with the model's numbers put in.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::batch::Batch;
use super::cache;
use super::settings::LlamaCpp;
use crate::engine::{Basis, Component, Explanation, Plan};
use crate::model::Model;
use crate::quant::TensorType;

pub(super) fn explain(settings: &LlamaCpp, model: &Model, plan: &Plan) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    let device = plan.devices.first();
    explanations.push(Explanation {
        component: Component::Weights,
        arithmetic: weights(model),
        source: "llama.cpp llama-model.cpp (load_tensors), ggml-cuda.cu (get_alloc_size)",
        basis: Basis::Exact,
    });
    if let Some(arithmetic) = kv_cache(settings, model, plan).filter(|lines| !lines.is_empty()) {
        explanations.push(Explanation {
            component: Component::KvCache,
            arithmetic,
            source: "llama.cpp llama-kv-cache.cpp, llama-kv-cache-iswa.cpp",
            basis: Basis::Exact,
        });
    }
    let recurrent = recurrent_state(settings, model);
    if !recurrent.is_empty() {
        explanations.push(Explanation {
            component: Component::RecurrentState,
            arithmetic: recurrent,
            source: "llama.cpp llama-memory-recurrent.cpp",
            basis: Basis::Exact,
        });
    }
    if let Some(device) = device {
        explanations.push(Explanation {
            component: Component::Compute,
            arithmetic: compute(settings, model, plan),
            source: "llama.cpp llama-graph.cpp, ggml-alloc.c",
            basis: device.compute.basis,
        });
        explanations.push(Explanation {
            component: Component::StartOverhead,
            arithmetic: start(settings),
            source: "load logs of users' machines, 2025–2026: 140 to 750 MiB",
            basis: device.start_overhead.basis,
        });
        explanations.push(Explanation {
            component: Component::Growth,
            arithmetic: Vec::from([String::from("CUDA pool + cuBLAS workspace")]),
            source: "ggml-cuda.cu (pool), mmq.cu; measured with the backend's own host code",
            basis: device.growth.basis,
        });
    }
    explanations
}

fn start(settings: &LlamaCpp) -> Vec<String> {
    let mut lines = Vec::from([String::from("CUDA context + kernels")]);
    let reserve = settings.profile.reserve(settings);
    if reserve > 0 {
        let program = settings.profile.label();
        lines.push(format!(
            "{reserve} B left free by {program}, less the growth"
        ));
    }
    lines
}

/// One line for each tensor type.
fn weights(model: &Model) -> Vec<String> {
    TensorType::ALL
        .iter()
        .filter_map(|tensor_type| {
            let (mut count, mut bytes) = (0_u64, 0_u64);
            for tensor in &model.tensors {
                if tensor.tensor_type == *tensor_type {
                    count += 1;
                    bytes = bytes.saturating_add(tensor.bytes());
                }
            }
            (count > 0).then(|| format!("{tensor_type}: {count} tensors, {bytes} B"))
        })
        .collect()
}

/// One line for each kind of layer.
fn kv_cache(settings: &LlamaCpp, model: &Model, plan: &Plan) -> Option<Vec<String>> {
    let batch = Batch::new(settings, plan.context_length).ok()?;
    let mut kinds: Vec<(String, u64)> = Vec::new();
    for (_, layer) in model.decoder_layers() {
        let Some(cell) = cache::cell(model, layer).ok()? else {
            continue;
        };
        let cells = cache::cells(settings, &batch, cell.span).ok()?;
        let key = settings.cache_type_k.row_bytes(cell.key)?;
        let value = settings.cache_type_v.row_bytes(cell.value)?;
        let term = format!(
            "{cells} cells × {} streams × (K {} × {} = {key} B + V {} × {} = {value} B)",
            batch.streams, cell.key, settings.cache_type_k, cell.value, settings.cache_type_v,
        );
        match kinds.iter_mut().find(|(kind, _)| *kind == term) {
            Some((_, count)) => *count += 1,
            None => kinds.push((term, 1)),
        }
    }
    Some(
        kinds
            .into_iter()
            .map(|(term, count)| format!("{count} layers × {term}"))
            .collect(),
    )
}

fn recurrent_state(settings: &LlamaCpp, model: &Model) -> Vec<String> {
    let mut kinds: Vec<(String, u64)> = Vec::new();
    for (_, layer) in model.decoder_layers() {
        let Some(state) = layer.recurrent else {
            continue;
        };
        let (Some(conv), Some(elements)) = (state.conv_elements(), state.state_elements()) else {
            continue;
        };
        let term = format!(
            "({conv} + {elements}) × 4 B × {} sequences",
            settings.parallel.max(1)
        );
        match kinds.iter_mut().find(|(kind, _)| *kind == term) {
            Some((_, count)) => *count += 1,
            None => kinds.push((term, 1)),
        }
    }
    kinds
        .into_iter()
        .map(|(term, count)| format!("{count} layers × {term}"))
        .collect()
}

/// The largest tensors of the graph, and what the allocator makes of all.
fn compute(settings: &LlamaCpp, model: &Model, plan: &Plan) -> Vec<String> {
    let Ok(batch) = Batch::new(settings, plan.context_length) else {
        return Vec::new();
    };
    let ubatch = batch.ubatch;
    let cells = batch.context_per_stream.saturating_mul(batch.streams);
    let mut lines = Vec::from([format!(
        "ubatch = {ubatch} tokens, logits of {} rows",
        batch.outputs
    )]);
    let mut line = |name: &str, factors: &[u64]| {
        let product = factors
            .iter()
            .fold(1, |product: u64, &factor| product.saturating_mul(factor));
        let factors: Vec<String> = factors.iter().map(u64::to_string).collect();
        if product > 0 {
            lines.push(format!("{name}: {} = {product} B", factors.join(" × ")));
        }
    };
    let mask = if settings.uses_flash_attention() {
        2
    } else {
        4
    };
    line("KQ mask", &[mask, batch.context_per_stream, ubatch]);
    let mut widest = (0, 0);
    for (_, layer) in model.decoder_layers() {
        if let Ok(Some(cell)) = cache::cell(model, layer) {
            widest = (widest.0.max(cell.key), widest.1.max(cell.value));
        }
    }
    if settings.uses_flash_attention() {
        if settings.cache_type_k != TensorType::F16 {
            line("K as f16, one layer", &[2, cells, widest.0]);
        }
        if settings.cache_type_v != TensorType::F16 {
            line("V as f16, one layer", &[2, cells, widest.1]);
        }
    }
    let networks: Vec<_> = model
        .decoder_layers()
        .map(|(_, layer)| layer.feed_forward)
        .collect();
    let lengths = networks.iter().map(|network| network.length);
    let dense = lengths.max().unwrap_or(0);
    line("gate + up + activation", &[3, 4, dense, ubatch]);
    let experts = networks.iter().find_map(|network| network.experts);
    if let Some(experts) = experts {
        line(
            "experts' results",
            &[2, 4, model.embedding_length, experts.used, ubatch],
        );
    }
    line("logits", &[4, model.vocabulary_size, batch.outputs]);
    if let Some(device) = plan.devices.first() {
        lines.push(format!(
            "peak of the graph allocator: {} B",
            device.compute.bytes
        ));
    }
    lines
}
