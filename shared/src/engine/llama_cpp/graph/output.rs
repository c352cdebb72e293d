//! The tensors before the first block and after the last.

use alloc::vec::Vec;

use super::super::placement::{Located, Place, Placement};
use super::altup::AltupTensors;
use super::block::{Part, part};
use super::hyper::Connection;
use super::per_layer::PerLayerTensors;
use super::prediction::PredictionTensors;
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
    /// What the fast stack of HRM starts from.
    pub(super) first_state: Option<Part>,
    pub(super) per_layer: Option<PerLayerTensors>,
    pub(super) altup: Option<AltupTensors>,
    /// By what the streams put aside are mixed after the last block.
    pub(super) residual_score: Option<Part>,
    /// From several residual streams to one.
    pub(super) connection: Option<Connection>,
    /// Of a model that is prediction layers alone.
    pub(super) prediction: Option<PredictionTensors>,
}

impl Output {
    /// Whether the model is prediction layers alone.
    pub(in super::super) fn predicts(&self) -> bool {
        self.prediction.is_some()
    }
}

/// The model's output tensors where they have been placed.
pub(in super::super) fn output(
    model: &Model,
    placement: &Placement,
    tensors: &[Located<'_>],
) -> Output {
    // Nearly all are of later blocks.
    let outer: Vec<&Located<'_>> = tensors
        .iter()
        .filter(|located| located.block.is_none_or(|block| block == 0))
        .collect();
    let find = |name: &str| outer.iter().find(|located| located.tensor.name == name);
    let get = |name: &str| {
        let located = find(name)?;
        Some(part(located.tensor, located.copies.last()?))
    };
    let table = |name: &str| find(name)?.copies.first();
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
    // The layers of a model of prediction layers alone may have tables of their own.
    let prediction = get("blk.0.nextn.eh_proj.weight").map(|projection| PredictionTensors {
        embedding_norm: get("blk.0.nextn.enorm.weight"),
        state_norm: get("blk.0.nextn.hnorm.weight"),
        projection,
    });
    let own = |name| prediction.and_then(|_| get(name));
    let own_table = prediction.and_then(|_| table("blk.0.nextn.embed_tokens.weight"));
    // LFM2 files call their output norm so.
    let of_embeddings = |name| get("output_norm.weight").and_then(|_| get(name));
    // Tied models multiply with the output's copy of the embeddings.
    let logits = own("blk.0.nextn.shared_head_head.weight");
    let logits = logits
        .or_else(|| get("output.weight"))
        .or_else(|| get("token_embd.weight"));
    Output {
        embedding_norm: of_embeddings("token_embd_norm.weight"),
        embedding_norm_bias: of_embeddings("token_embd_norm.bias"),
        embeddings: own_table
            .or_else(|| table("token_embd.weight"))
            .unwrap_or(Place::Host),
        positions: table("position_embd.weight"),
        norm: own("blk.0.nextn.shared_head_norm.weight")
            .or_else(|| get("output_norm.weight"))
            .or_else(|| get("token_embd_norm.weight")),
        norm_bias: get("output_norm.bias"),
        logits: logits.unwrap_or(Part {
            columns: model.embedding_length,
            rows: model.vocabulary_size,
            place: placement.output(),
            bytes: 0,
        }),
        logits_bias: get("output.bias"),
        first_state: get("hrm.z_l_init").or_else(|| get("hrm.z_l_init.weight")),
        residual_score: get("output_res_score.weight"),
        per_layer: per_layer(),
        altup: altup(),
        connection: Connection::named("output_hc", get),
        prediction,
    }
}
