//! The arithmetic behind a plan, with the model's numbers put in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::kernel::Kernel;
use super::settings::{AttentionImplementation, Cache};
use super::{Gpu, Prepared};
use crate::engine::{Component, Explanation, Plan};

pub(super) fn explain(prepared: &Prepared<'_>, plan: &Plan) -> Vec<Explanation> {
    let mut explanations = Vec::new();
    let Some((gpu, device)) = prepared.gpus.first().zip(plan.devices.first()) else {
        return explanations;
    };
    let tokens = plan.context_length;
    explanations.push(Explanation {
        component: Component::Weights,
        arithmetic: Vec::from([format!(
            "{} parameters, {}: {} B",
            prepared.model.parameters(),
            prepared.model.weights_format,
            device.weights.bytes
        )]),
        source: "Transformers 5.23.0 modeling_utils.py, quantizers; GPTQModel 7.7.0 qlinear",
        basis: device.weights.basis,
    });
    if device.kv_cache.bytes > 0 {
        explanations.push(Explanation {
            component: Component::KvCache,
            arithmetic: cache(prepared, gpu, tokens),
            source: "Transformers 5.23.0 cache_utils.py",
            basis: device.kv_cache.basis,
        });
    }
    if device.recurrent_state.bytes > 0 {
        explanations.push(Explanation {
            component: Component::RecurrentState,
            arithmetic: states(gpu),
            source: "Transformers 5.23.0 cache_utils.py (LinearAttentionLayer)",
            basis: device.recurrent_state.basis,
        });
    }
    explanations.push(Explanation {
        component: Component::Compute,
        arithmetic: compute(prepared, gpu, tokens),
        source: "peaks of Transformers 5.23.0, measured or counted over its classes",
        basis: device.compute.basis,
    });
    explanations.push(Explanation {
        component: Component::StartOverhead,
        arithmetic: Vec::from([String::from("CUDA context + cuBLAS workspace")]),
        source: "processes of PyTorch on users' machines, 2025–2026",
        basis: device.start_overhead.basis,
    });
    explanations.push(Explanation {
        component: Component::Growth,
        arithmetic: Vec::from([String::from("(KV cache + compute) / 16 + 2 × 20 MiB")]),
        source: "PyTorch caching allocator (free pieces); not measured",
        basis: device.growth.basis,
    });
    explanations
}

fn cache(prepared: &Prepared<'_>, gpu: &Gpu, tokens: u64) -> Vec<String> {
    let cache = prepared.settings.cache;
    let own = prepared.widths.element;
    let element = match cache {
        Cache::Dynamic | Cache::Static => format!("{own} B"),
        Cache::Int8 => format!("(1 + {}/64) B, newest 127 × {own} B", 2 * own),
        Cache::Int4 => format!("(1/2 + {}/64) B, newest 127 × {own} B", 2 * own),
    };
    let mut lines: Vec<String> = Vec::new();
    for (shape, count) in gpu.shapes.iter().filter(|(shape, _)| shape.cached > 0) {
        let kept = match (cache, shape.window()) {
            (Cache::Static, Some(window)) => tokens.min(window),
            _ => tokens,
        };
        lines.push(format!("{count} × {} × {kept} × {element}", shape.cached));
    }
    if let (Ok(now), Ok(later)) = (
        prepared.cache_bytes(gpu, tokens),
        prepared.settled_bytes(gpu, tokens),
    ) && later < now
    {
        lines.push(format!("→ {later} B"));
    }
    lines
}

fn states(gpu: &Gpu) -> Vec<String> {
    let with_state = gpu.shapes.iter().filter(|(shape, _)| shape.state > 0);
    with_state
        .map(|(shape, count)| format!("{count} × {} B", shape.state))
        .collect()
}

fn compute(prepared: &Prepared<'_>, gpu: &Gpu, tokens: u64) -> Vec<String> {
    let widths = prepared.widths;
    let element = widths.element;
    let mut lines = Vec::from([format!("{tokens} × (8 + {}) B + max:", widths.given)]);
    for (shape, _) in &gpu.shapes {
        if let Some(mask) = shape.mask {
            let (elements, square) = match prepared.attention {
                AttentionImplementation::Eager => (
                    shape.attended,
                    format!(
                        " + {tokens}² × ({} × {} B + {element} B)",
                        shape.heads, shape.score
                    ),
                ),
                AttentionImplementation::Sdpa if element > 2 && !mask.is_made(tokens) => (
                    shape.attended.saturating_add(shape.attended / 3),
                    String::new(),
                ),
                AttentionImplementation::Sdpa if mask.is_made(tokens) => {
                    let repeated = shape.attended.saturating_add(shape.attended / 3);
                    (repeated, format!(" + {tokens}² × {} B", 2 * element + 1))
                }
                _ => (shape.fused, String::new()),
            };
            lines.push(format!(
                "attention: {tokens} × (3 × {} + {elements}) × {element} B{square}",
                widths.stream
            ));
        }
        let own = shape.network.max(shape.recurrent);
        if own > 0 {
            let scores = match prepared.attention {
                AttentionImplementation::Eager if shape.heads > 0 => {
                    format!(" + {tokens}² × {} × {element} B", shape.heads)
                }
                _ => String::new(),
            };
            lines.push(format!(
                "network: {tokens} × ({} × {} × {element} B + {own} B){scores}",
                widths.network_streams, widths.stream
            ));
        }
    }
    if prepared.settings.all_logits {
        lines.push(format!(
            "logits: {tokens} × {} × {element} B",
            widths.vocabulary
        ));
    }
    if let Some(kernel) = gpu.kernel
        && gpu.scratch > 0
    {
        let rule = match kernel {
            Kernel::ExllamaV2 => "in × out × 2 + out × 2048 × 8 × 4",
            Kernel::Exllama => "in × out × 2 + rows × max(in, out) × 2",
            _ => "locks",
        };
        lines.push(format!("+ {}: {rule} = {} B", kernel.name(), gpu.scratch));
    }
    lines
}
