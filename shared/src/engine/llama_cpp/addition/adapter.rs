//! LoRA adapters: tensors beside those of the model that they change, and their products.

use alloc::format;

use super::{Fixed, first_place};
use crate::engine::llama_cpp::placement::{Place, Placement};
use crate::engine::llama_cpp::settings::LlamaCpp;
use crate::engine::llama_cpp::weights::{Bytes, allocated_bytes};
use crate::engine::{Basis, EngineError};
use crate::model::{Model, Tensor};

/// What an adapter takes: each tensor where the one that it changes lies.
pub(super) fn fixed(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    name: &str,
    tensors: &[Tensor],
    gpus: usize,
) -> Result<Fixed, EngineError> {
    let mut weights = Bytes::zero(gpus);
    let mut compute = Bytes::zero(gpus);
    for tensor in tensors {
        let base = ["a", "b"].iter().find_map(|side| {
            let base = tensor.name.strip_suffix(&format!(".lora_{side}"))?;
            model.tensor(base)
        });
        let Some(base) = base else {
            return Err(EngineError::AdapterOfOtherModel {
                tensor: tensor.name.clone(),
            });
        };
        // Of the embedding table the sides are swapped.
        let is_table = base.name.starts_with("token_embd");
        let matches = match tensor.name.ends_with(".lora_a") {
            true => tensor.dimensions[0] == base.dimensions[usize::from(is_table)],
            false => tensor.dimensions[1] == base.dimensions[usize::from(!is_table)],
        };
        if !matches {
            return Err(EngineError::AdapterOfOtherModel {
                tensor: tensor.name.clone(),
            });
        }
        let place = first_place(placement, model, base);
        weights.add(place, allocated_bytes(tensor, place))?;
        // A second result beside the model's own, and what lies between the two factors.
        let result = tensor.dimensions[1]
            .saturating_mul(4)
            .saturating_mul(settings.ubatch_size);
        if tensor.name.ends_with(".lora_b") {
            let rank = tensor.dimensions[0]
                .saturating_mul(4)
                .saturating_mul(settings.ubatch_size);
            let most = match place {
                Place::Gpu(gpu) => compute.gpus.get_mut(gpu),
                Place::Host => Some(&mut compute.host),
            };
            if let Some(most) = most {
                *most = (*most).max(result.saturating_add(rank));
            }
        }
    }
    Ok(Fixed {
        name: format!("--lora {name}"),
        weights,
        weights_basis: Basis::Exact,
        compute,
        basis: Basis::Estimate {
            below_permille: 1_000,
            above_permille: 500,
        },
        source: "llama.cpp llama-adapter.cpp, llama-graph.cpp (build_lora_mm)",
    })
}
