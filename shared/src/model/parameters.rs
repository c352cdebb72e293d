//! Numbers of parameters, as Transformers' classes have them.
//!
//! Source: the classes of Transformers 5.23.0, counted for the configurations of 134 models:
//! tied tensors once; no layers that predict further tokens; no buffers (tables, the biases that
//! only choose experts, the scales of layers).

use super::{Attention, Model, Tensor};

/// Numbers of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// All of them, what looks at images or listens included.
    pub total: u64,
    /// The token embedding's.
    pub embedding: u64,
    /// The output matrix's, its bias included; 0 where it is the embedding.
    pub output: u64,
    /// The language model's without the experts that a token does not use.
    pub active: u64,
}

impl Parameters {
    /// The numbers of `model`; saturating.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let mut parameters = Self {
            total: model.vision.map_or(0, |vision| vision.parameters()),
            embedding: 0,
            output: 0,
            active: 0,
        };
        for tensor in &model.tensors {
            let elements = counted(model, tensor);
            let active = elements.saturating_sub(idle(model, tensor));
            parameters.total = parameters.total.saturating_add(elements);
            parameters.active = parameters.active.saturating_add(active);
            match tensor.name.as_str() {
                "token_embd.weight" => parameters.embedding = elements,
                "output.weight" | "output.bias" => {
                    parameters.output = parameters.output.saturating_add(elements);
                }
                _ => {}
            }
        }
        let derived = activations(model);
        parameters.total = parameters.total.saturating_add(derived);
        parameters.active = parameters.active.saturating_add(derived);
        parameters
    }
}

/// Families whose biases that only choose experts are parameters, if ones that are not trained by
/// gradients.
const CHOICES: [&str; 3] = ["ernie", "afmoe", "laguna"];

/// Parameters that a tensor holds.
fn counted(model: &Model, tensor: &Tensor) -> u64 {
    let name = tensor.name.as_str();
    let block = tensor.block().and_then(|block| model.layers.get(block));
    let is_prediction = block.is_some_and(|layer| layer.next_token_prediction);
    let is_choice = name.ends_with("exp_probs_b.bias")
        && !CHOICES
            .iter()
            .any(|family| model.architecture.starts_with(family));
    // Falcon's files hold the embedding twice.
    let is_twice = name == "output.weight" && model.architecture == "falcon";
    // The classes do not create what the file has for layers that read another's cache.
    let is_unused = model.architecture == "muse-glimmer"
        && (name.ends_with("attn_q_norm.weight") || name.ends_with("attn_k_norm.weight"))
        || model.architecture == "gemma3n"
            && block.is_some_and(|layer| match layer.attention {
                Attention::Heads(heads) => heads.shares_cache,
                _ => false,
            })
            && ["attn_k.weight", "attn_v.weight", "attn_k_norm.weight"]
                .iter()
                .any(|unused| name.ends_with(unused));
    let is_buffer = tensor.is_rope_table()
        || name.ends_with("layer_output_scale.weight")
        || name.ends_with("ffn_gate_tid2eid.weight");
    if is_prediction || is_choice || is_twice || is_unused || is_buffer {
        0
    } else {
        tensor.elements()
    }
}

/// Parameters of a tensor's experts that a token does not use.
fn idle(model: &Model, tensor: &Tensor) -> u64 {
    // A scale for each expert counts whole.
    if !tensor.name.contains("_exps.") || tensor.name.ends_with(".scale") {
        return 0;
    }
    let layer = tensor.block().and_then(|block| model.layers.get(block));
    let Some(experts) = layer.and_then(|layer| layer.feed_forward.experts) else {
        return 0;
    };
    if layer.is_some_and(|layer| layer.next_token_prediction) {
        return 0;
    }
    let each = tensor.elements().checked_div(experts.count).unwrap_or(0);
    each.saturating_mul(experts.count.saturating_sub(experts.used))
}

/// Parameters that files hold as numbers of their metadata: the two slopes of Apertus's
/// activation in each layer.
fn activations(model: &Model) -> u64 {
    if model.architecture == "apertus" {
        2_u64.saturating_mul(model.decoder_layers().count() as u64)
    } else {
        0
    }
}
