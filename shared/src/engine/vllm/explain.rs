//! The arithmetic behind a plan of vLLM, with the model's numbers put in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Prepared;
use super::page::{Kind, Shape};
use crate::engine::{Basis, Component, Explanation, Plan};

pub(super) fn explain(prepared: &Prepared<'_>, plan: &Plan) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    let Some((rank, device)) = prepared.ranks.first().zip(plan.devices.first()) else {
        return explanations;
    };
    explanations.push(Explanation {
        component: Component::Weights,
        arithmetic: Vec::from([format!(
            "{} parameters, {}, tp = {}, pp = {}: {} B",
            prepared.model.parameters(),
            prepared.model.weights_format,
            prepared.settings.tensor_parallel_size,
            prepared.settings.pipeline_parallel_size,
            device.weights.bytes
        )]),
        source: "vLLM 0.33.0 layers/linear.py, layers/vocab_parallel_embedding.py",
        basis: device.weights.basis,
    });
    let (attention, state) = groups(prepared, plan.context_length);
    let block = prepared.pool.block_bytes(rank.stage);
    if !attention.is_empty() {
        let mut arithmetic = attention;
        arithmetic.push(format!("+ 1 null block; {block} B per block"));
        arithmetic.push(match rank.budget.utilization {
            Some(share) => format!("pool: {share} of the GPU − rest = {} B", rank.budget.cache),
            None => format!("pool: {} B", rank.budget.cache),
        });
        explanations.push(Explanation {
            component: Component::KvCache,
            arithmetic,
            source: "vLLM 0.33.0 v1/kv_cache_interface.py, v1/core/kv_cache_planning.py",
            basis: Basis::Exact,
        });
    }
    if !state.is_empty() {
        let mut arithmetic = state;
        arithmetic.push(format!("{block} B per block"));
        explanations.push(Explanation {
            component: Component::RecurrentState,
            arithmetic,
            source: "vLLM 0.33.0 layers/mamba/mamba_utils.py, platforms/interface.py",
            basis: Basis::Exact,
        });
    }
    explanations.push(Explanation {
        component: Component::Compute,
        arithmetic: Vec::from([String::from(
            "max(activations, logits) + RoPE tables + CUDA graphs",
        )]),
        source: "vLLM 0.33.0 v1/worker/gpu/model_runner.py (profile_run)",
        basis: device.compute.basis,
    });
    explanations.push(Explanation {
        component: Component::StartOverhead,
        arithmetic: Vec::from([String::from("CUDA context + NCCL + workspaces")]),
        source: "start-up logs of users' machines, 2025–2026",
        basis: device.start_overhead.basis,
    });
    explanations
}

/// One line for each kind of group: those of keys and values, and those of states.
fn groups(prepared: &Prepared<'_>, length: u64) -> (Vec<String>, Vec<String>) {
    let mut lines: Vec<(bool, String, u64)> = Vec::new();
    for group in prepared.pool.groups() {
        let page = &group.page;
        let Some(blocks) = prepared.pool.group_blocks(group, length) else {
            continue;
        };
        let what = match page.shape {
            Shape::Heads { heads, key, value } => format!("{heads} × ({key} + {value})"),
            Shape::Latent { elements } => format!("latent {elements}"),
            Shape::Index { key } => format!("index {key}"),
            Shape::State(_) => String::from("state"),
        };
        let kind = match page.kind {
            Kind::Full => format!("⌈{length} / {}⌉", page.block_size),
            Kind::Sliding { window } => format!("window {window}, block {}", page.block_size),
            Kind::Chunked { chunk } => format!("chunk {chunk}, block {}", page.block_size),
            Kind::State { .. } => format!("block {}", page.block_size),
        };
        let term = format!(
            "{what} {}: {kind} = {blocks} blocks",
            prepared.settings.cache_type.name()
        );
        let is_state = matches!(page.kind, Kind::State { .. });
        match lines.iter_mut().find(|(_, line, _)| *line == term) {
            Some((_, _, count)) => *count += 1,
            None => lines.push((is_state, term, 1)),
        }
    }
    let of = |state: bool| {
        lines
            .iter()
            .filter(|(is_state, ..)| *is_state == state)
            .map(|(_, term, count)| match count {
                1 => term.clone(),
                _ => format!("{count} groups of {term}"),
            })
            .collect()
    };
    (of(false), of(true))
}
