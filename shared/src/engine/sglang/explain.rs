//! The arithmetic behind a plan of SGLang, with the model's numbers put in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Prepared;
use crate::engine::{Component, Explanation, Plan};

pub(super) fn explain(prepared: &Prepared<'_>, plan: &Plan) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    let Some(device) = plan.devices.first() else {
        return explanations;
    };
    let cut = &prepared.cut;
    let ratio = prepared.settings.swa_full_tokens_ratio;
    explanations.push(Explanation {
        component: Component::Weights,
        arithmetic: Vec::from([format!(
            "{} parameters, {}, tp = {}: {} B",
            prepared.model.parameters(),
            prepared.model.weights_format,
            prepared.settings.tensor_parallel_size,
            device.weights.bytes
        )]),
        source: "SGLang 0.5.23 layers/linear.py, layers/vocab_parallel_embedding.py",
        basis: device.weights.basis,
    });
    let cell = match cut.cell.windowed {
        0 => format!("{} B", cut.cell.full),
        windowed => format!("({} + {ratio} × {windowed}) B", cut.cell.full),
    };
    explanations.push(Explanation {
        component: Component::KvCache,
        arithmetic: Vec::from([
            format!("{} tokens × {cell}", plan.context_length),
            format!(
                "pool: {} tokens of {} B",
                prepared.pools.tokens, prepared.pool_bytes
            ),
        ]),
        source: "SGLang 0.5.23 model_executor/pool_configurator.py",
        basis: device.kv_cache.basis,
    });
    if cut.state_bytes > 0 {
        explanations.push(Explanation {
            component: Component::RecurrentState,
            arithmetic: Vec::from([format!(
                "{} states × {} B; pool: {}",
                cut.slots, cut.state_bytes, prepared.pools.states
            )]),
            source: "SGLang 0.5.23 configs/mamba_utils.py, mem_cache/kv_cache_configurator.py",
            basis: device.recurrent_state.basis,
        });
    }
    explanations.push(Explanation {
        component: Component::Compute,
        arithmetic: Vec::from([format!(
            "workspaces + CUDA graphs + max(activations, logits) + 4 B × (requests + 1) × ({} + 4)",
            plan.context_length
        )]),
        source: "SGLang 0.5.23 arg_groups/memory_hook.py, mem_cache/memory_pool.py",
        basis: device.compute.basis,
    });
    explanations.push(Explanation {
        component: Component::StartOverhead,
        arithmetic: Vec::from([String::from("CUDA context + NCCL + rest of loading")]),
        source: "start-up logs of users' machines, 2025–2026",
        basis: device.start_overhead.basis,
    });
    explanations
}
