//! The tensors before the first block and after the last.

use super::super::placement::{Place, Placement};
use super::altup::AltupTensors;
use super::block::{Part, part};
use super::per_layer::PerLayerTensors;
use crate::model::Model;

/// The tensors before the first block and after the last, as the graph needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Output {
    /// Where embeddings are looked up.
    pub(super) embeddings: Place,
    /// Where positions are looked up, where they are learned.
    pub(super) positions: Option<Place>,
    pub(super) norm: Option<Part>,
    pub(super) norm_bias: Option<Part>,
    pub(super) logits: Part,
    /// A norm of the embeddings (RWKV).
    pub(super) embedding_norm: Option<Part>,
    pub(super) embedding_norm_bias: Option<Part>,
    pub(super) logits_bias: Option<Part>,
    pub(super) per_layer: Option<PerLayerTensors>,
    pub(super) altup: Option<AltupTensors>,
}

/// The model's output tensors where they have been placed.
pub(in super::super) fn output(model: &Model, placement: &Placement) -> Output {
    let get = |name: &str| {
        let tensor = model.tensor(name)?;
        let place = placement.copies(model, tensor).last().copied()?;
        Some(part(tensor, place))
    };
    let table = |name: &str| {
        let tensor = model.tensor(name)?;
        placement.copies(model, tensor).first().copied()
    };
    let per_layer = || {
        Some(PerLayerTensors {
            table: table("per_layer_token_embd.weight")?,
            projection: get("per_layer_model_proj.weight")?,
            norm: get("per_layer_proj_norm.weight")?,
        })
    };
    let altup = || {
        Some(AltupTensors {
            projection: get("altup_proj.weight")?,
            unprojection: get("altup_unembd_proj.weight")?,
        })
    };
    // LFM2 files call their output norm so.
    let of_embeddings = |name| get("output_norm.weight").and_then(|_| get(name));
    // Tied models multiply with the output's copy of the embeddings.
    let logits = get("output.weight").or_else(|| get("token_embd.weight"));
    Output {
        embedding_norm: of_embeddings("token_embd_norm.weight"),
        embedding_norm_bias: of_embeddings("token_embd_norm.bias"),
        embeddings: table("token_embd.weight").unwrap_or(Place::Host),
        positions: table("position_embd.weight"),
        norm: get("output_norm.weight").or_else(|| get("token_embd_norm.weight")),
        norm_bias: get("output_norm.bias"),
        logits: logits.unwrap_or(Part {
            columns: model.embedding_length,
            rows: model.vocabulary_size,
            place: placement.output(),
            bytes: 0,
        }),
        logits_bias: get("output.bias"),
        per_layer: per_layer(),
        altup: altup(),
    }
}
