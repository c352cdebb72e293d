//! The tensors before the first block and after the last.

use super::super::placement::{Place, Placement};
use super::block::{Part, part};
use crate::model::Model;

/// The tensors before the first block and after the last, as the graph needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Output {
    /// Where embeddings are looked up.
    pub(super) embeddings: Place,
    pub(super) norm: Option<Part>,
    pub(super) norm_bias: Option<Part>,
    pub(super) logits: Part,
    pub(super) logits_bias: Option<Part>,
}

/// The model's output tensors where they have been placed.
pub(in super::super) fn output(model: &Model, placement: &Placement) -> Output {
    let get = |name: &str| {
        let tensor = model.tensor(name)?;
        let place = placement.copies(model, tensor).last().copied()?;
        Some(part(tensor, place))
    };
    let embeddings = model
        .tensor("token_embd.weight")
        .and_then(|tensor| placement.copies(model, tensor).first().copied())
        .unwrap_or(Place::Host);
    // Tied models multiply with the output's copy of the embeddings.
    let logits = get("output.weight").or_else(|| get("token_embd.weight"));
    Output {
        embeddings,
        norm: get("output_norm.weight").or_else(|| get("token_embd_norm.weight")),
        norm_bias: get("output_norm.bias"),
        logits: logits.unwrap_or(Part {
            columns: model.embedding_length,
            rows: model.vocabulary_size,
            place: placement.output(),
            bytes: 0,
        }),
        logits_bias: get("output.bias"),
    }
}
