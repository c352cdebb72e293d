//! `quantization_config`, and ModelOpt's file beside the configuration: which matrices of a
//! checkpoint are packed, and how.
//!
//! Source: Transformers 5.23.0 (`utils/quantization_config.py`, `quantizers/`), vLLM 0.33.0
//! (`model_executor/layers/quantization`), and the configurations that publishers ship.

mod methods;
mod modules;
mod pattern;
mod rules;

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::model::{Method, Model, Quantization, Tensor};
use crate::quant::{Linear, Packing};
use rules::Rules;

/// Packs the matrices of `model`, a checkpoint in 16 bits, as the configuration says.
pub(super) fn apply(config: &Map<String, Value>, model: &mut Model) {
    let Some(method) = methods::method(config) else {
        return;
    };
    let rules = methods::rules(&method, config);
    let mut sums: Vec<(Packing, u64)> = Vec::new();
    if let Some(rules) = &rules {
        for tensor in &mut model.tensors {
            let packing = packing(rules, tensor);
            tensor.packing = packing;
            // The output matrix may have bits of its own.
            if let Some(packing) = packing.filter(|_| tensor.block().is_some()) {
                let bytes = tensor.bytes();
                match sums.iter_mut().find(|(known, _)| *known == packing) {
                    Some((_, sum)) => *sum = sum.saturating_add(bytes),
                    None => sums.push((packing, bytes)),
                }
            }
        }
    }
    let most = sums.iter().max_by_key(|(_, bytes)| *bytes);
    let packing = most.map(|(packing, _)| *packing);
    match (&packing, &method) {
        (Some(packing), _) => model.weights_format = packing.name(),
        (None, Method::Other(name)) => model.weights_format.clone_from(name),
        (None, _) => {}
    }
    model.quantization = Some(Quantization {
        packing,
        fp8_kv_cache: methods::has_fp8_cache(config),
        method,
    });
}

fn packing(rules: &Rules<'_>, tensor: &Tensor) -> Option<Packing> {
    if tensor.name == "output.weight" {
        return rules.head_packing(&modules::names(&tensor.name));
    }
    Linear::of_block(tensor)?;
    rules.of(&modules::names(&tensor.name))
}
