//! Embeddings of each token for every layer (Gemma 3n, the E models of Gemma 4).
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/gemma3n.cpp` and `models/gemma4.cpp`.

use super::super::placement::Place;
use super::block::Part;
use super::decoder::Decoder;
use super::node::Id;

/// The tensors that make every layer's embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct PerLayerTensors {
    /// Where the table is, whose rows hold a token's embeddings for all layers.
    pub(super) table: Place,
    /// From the residual stream to embeddings for all layers.
    pub(super) projection: Part,
    pub(super) norm: Part,
}

/// How a block adds its embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct PerLayerBlock {
    pub(super) gate: Part,
    pub(super) projection: Part,
    pub(super) norm: Option<Part>,
}

impl Decoder<'_> {
    /// The embeddings for all layers: those of the tokens, and those of the residual stream.
    pub(super) fn per_layer_embeddings(
        &mut self,
        tensors: PerLayerTensors,
        tokens_in: Id,
        embedded: Id,
    ) -> Id {
        let (width, rows, tokens) = (tensors.norm.columns, tensors.projection.rows, self.tokens);
        let layers = rows.checked_div(width).unwrap_or(0);
        let table = Part {
            place: tensors.table,
            bytes: 0,
            ..tensors.projection
        };
        let of_tokens = self.graph.lookup(table, [rows, tokens, 1, 1], &[tokens_in]);
        let of_tokens = self.graph.view(of_tokens, [width, layers, tokens, 1]);
        let of_tokens = self.graph.map(&[of_tokens]);
        self.graph.expand(of_tokens);
        let projected = self.graph.matrix(tensors.projection, embedded);
        let projected = self.graph.map(&[projected]);
        let projected = self.graph.view(projected, [width, layers, tokens, 1]);
        let projected = self.norm(projected, Some(tensors.norm), None);
        let sum = self.graph.map(&[projected, of_tokens]);
        let sum = self.graph.map(&[sum]);
        self.graph.own([width, tokens, layers, 1], &[sum])
    }

    /// The block's own embeddings, gated by `from`.
    pub(super) fn per_layer_part(&mut self, tensors: PerLayerBlock, from: Id) -> Option<Id> {
        let embeddings = self.per_layer?;
        let gate = self.graph.matrix(tensors.gate, from);
        let gate = self.graph.map(&[gate]);
        let shape = self.graph.shape(gate);
        let own = self.graph.view(embeddings, shape);
        let gated = self.graph.map(&[gate, own]);
        let projected = self.graph.matrix(tensors.projection, gated);
        Some(self.norm(projected, tensors.norm, None))
    }
}
