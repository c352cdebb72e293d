//! Gemma 3n: several residual streams, of which each layer computes one and predicts the others
//! (`AltUp`), a low-rank path beside attention (`Laurel`), and sparse activations.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/gemma3n.cpp`.

use super::block::{Block, Part};
use super::decoder::Decoder;
use super::node::Id;
use crate::engine::EngineError;
use crate::model::Layer;

/// First layers whose activations are made sparse: a constant of the engine.
pub(super) const SPARSE_LAYERS: usize = 10;

/// Between one residual stream and several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct AltupTensors {
    /// From the embeddings to the further streams.
    pub(super) projection: Part,
    /// From the further streams back.
    pub(super) unprojection: Part,
}

/// A block's tensors for its streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct AltupBlock {
    pub(super) router: Part,
    pub(super) router_norm: Option<Part>,
    pub(super) predict: Part,
    pub(super) correct: Part,
    pub(super) correct_scale: Option<Part>,
    pub(super) laurel_left: Part,
    pub(super) laurel_right: Part,
    pub(super) laurel_norm: Option<Part>,
    pub(super) sparse: bool,
}

/// What a router computes from its weights, and its result.
#[derive(Clone, Copy)]
struct Router {
    normalized: Id,
    routed: Id,
    result: Id,
}

impl AltupBlock {
    /// The block's tensors, where it has them all.
    pub(super) fn new(index: usize, get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        Some(Self {
            router: get("altup_router.weight")?,
            router_norm: get("altup_router_norm.weight"),
            predict: get("altup_predict_coef.weight")?,
            correct: get("altup_correct_coef.weight")?,
            correct_scale: get("altup_correct_scale.weight"),
            laurel_left: get("laurel_l.weight")?,
            laurel_right: get("laurel_r.weight")?,
            laurel_norm: get("laurel_post_norm.weight"),
            sparse: index < SPARSE_LAYERS,
        })
    }

    fn streams(&self) -> u64 {
        self.router.rows
    }
}

impl Decoder<'_> {
    /// The embeddings as the first of several streams.
    pub(super) fn stacked(&mut self, tensors: AltupTensors, streams: u64, embedded: Id) -> Id {
        let [width, tokens, ..] = self.graph.shape(embedded);
        let further = [width, tokens, streams.saturating_sub(1), 1];
        let repeated = self.graph.own(further, &[embedded]);
        let added = self.graph.matrix(tensors.projection, repeated);
        let target = self.magnitude(embedded);
        let added = self.rescaled(added, target);
        self.graph
            .own([width, tokens, streams, 1], &[embedded, added])
    }

    /// The mean of all streams.
    pub(super) fn merged(&mut self, tensors: AltupTensors, stacked: Id) -> Id {
        let [width, tokens, streams, _] = self.graph.shape(stacked);
        let further = [width, tokens, streams.saturating_sub(1), 1];
        let further = self.graph.view(stacked, further);
        let further = self.graph.matrix(tensors.unprojection, further);
        let active = self.graph.view(stacked, [width, tokens, 1, 1]);
        let target = self.magnitude(active);
        let further = self.rescaled(further, target);
        let mut sum = self.graph.view(stacked, [width, tokens, 1, 1]);
        for _ in 1..streams {
            let stream = self.graph.view(further, [width, tokens, 1, 1]);
            sum = self.graph.map(&[sum, stream]);
        }
        self.graph.map(&[sum])
    }

    fn magnitude(&mut self, of: Id) -> Id {
        let [_, tokens, streams, _] = self.graph.shape(of);
        let square = self.graph.map(&[of]);
        let sum = self.graph.own([1, tokens, streams, 1], &[square]);
        self.graph.map(&[sum])
    }

    fn rescaled(&mut self, from: Id, target: Id) -> Id {
        let scaled = self.graph.map(&[from, target]);
        let magnitude = self.magnitude(from);
        self.graph.map(&[scaled, magnitude])
    }

    /// One layer: from all streams to the next.
    pub(super) fn altup_layer(
        &mut self,
        layer: &Layer,
        block: &Block,
        altup: &AltupBlock,
        stacked: Id,
    ) -> Result<Id, EngineError> {
        let [width, tokens, ..] = self.graph.shape(stacked);
        let stream = [width, tokens, 1, 1];
        let (predictions, router) = self.predicted(altup, stacked);
        let active = self.graph.view(predictions, stream);
        let normalized = self.norm(active, block.attention_norm, None);
        let laurel = self.graph.matrix(altup.laurel_left, normalized);
        let laurel = self.graph.matrix(altup.laurel_right, laurel);
        let laurel = self.norm(laurel, altup.laurel_norm, None);
        let laurel = self.graph.map(&[laurel, normalized]);
        let attended = self.attention(layer, block, normalized)?;
        let attended = self.norm(attended, block.post_attention_norm, None);
        let sum = self.graph.map(&[attended, active]);
        let sum = self.graph.map(&[sum, laurel]);
        let middle = self.graph.map(&[sum]);
        let normalized = self.norm(middle, block.feed_forward_norm, None);
        let fed = self.sparse_network(block, altup, normalized);
        let fed = self.norm(fed, block.post_feed_forward_norm, None);
        let activated = self.graph.map(&[fed, middle]);
        let corrected = self.corrected(altup, router, predictions, activated);
        let first = self.graph.view(corrected, stream);
        let first = self.graph.weigh(first, altup.correct_scale);
        let added = match block.per_layer {
            Some(tensors) => self.per_layer_part(tensors, first),
            None => None,
        };
        let kept = self.graph.view(corrected, stream);
        let streams = altup.streams();
        let further = [width, tokens, streams.saturating_sub(1), 1];
        let further = self.graph.view(corrected, further);
        let further = self.graph.map(&[further, added.unwrap_or(first)]);
        Ok(self
            .graph
            .own([width, tokens, streams, 1], &[kept, further]))
    }

    fn router(&mut self, altup: &AltupBlock, from: Id) -> Router {
        let normalized = self.norm(from, altup.router_norm, None);
        let scaled = self.graph.map(&[normalized]);
        let routed = self.graph.matrix(altup.router, scaled);
        Router {
            normalized,
            routed,
            result: self.graph.map(&[routed]),
        }
    }

    /// The router once more, by the same weights.
    fn router_again(&mut self, router: Router, from: Id) -> Id {
        let normalized = self.graph.map(&[from]);
        let normalized = self.graph.weigh_like(normalized, router.normalized);
        let scaled = self.graph.map(&[normalized]);
        let routed = self.graph.matrix_like(scaled, router.routed);
        self.graph.map(&[routed])
    }

    /// What the streams are likely to become, and the router that says so.
    fn predicted(&mut self, altup: &AltupBlock, stacked: Id) -> (Id, Router) {
        let [width, tokens, streams, _] = self.graph.shape(stacked);
        let permuted = self.graph.own([streams, width, tokens, 1], &[stacked]);
        let active = self.graph.view(stacked, [width, tokens, 1, 1]);
        let router = self.router(altup, active);
        let coefficients = self.graph.matrix(altup.predict, router.result);
        let coefficients = self.graph.view(coefficients, [streams, streams, tokens, 1]);
        let mixed = self
            .graph
            .own([width, streams, tokens, 1], &[permuted, coefficients]);
        let mixed = self.graph.own([width, tokens, streams, 1], &[mixed]);
        (self.graph.map(&[mixed, stacked]), router)
    }

    fn corrected(
        &mut self,
        altup: &AltupBlock,
        router: Router,
        predictions: Id,
        activated: Id,
    ) -> Id {
        let shape = self.graph.shape(predictions);
        let [width, tokens, streams, _] = shape;
        let active = self.graph.view(predictions, [width, tokens, 1, 1]);
        let innovation = self.graph.map(&[activated, active]);
        let innovation = self.graph.own(shape, &[innovation]);
        let routed = self.router_again(router, activated);
        let coefficients = self.graph.matrix(altup.correct, routed);
        let coefficients = self.graph.map(&[coefficients]);
        let coefficients = self.graph.own([1, tokens, streams, 1], &[coefficients]);
        let corrected = self.graph.map(&[innovation, coefficients]);
        self.graph.map(&[corrected, predictions])
    }

    /// A network whose gate keeps only what exceeds the others by far, in the first layers.
    fn sparse_network(&mut self, block: &Block, altup: &AltupBlock, from: Id) -> Id {
        let network = &block.feed_forward;
        let up = self.projected(network.up, None, from);
        let mut gate = self.projected(network.gate, None, from);
        if altup.sparse {
            let [_, tokens, ..] = self.graph.shape(gate);
            let mean = self.graph.own([1, tokens, 1, 1], &[gate]);
            let deviation = self.graph.map(&[gate, mean]);
            let square = self.graph.map(&[deviation]);
            let mut deviation = self.graph.own([1, tokens, 1, 1], &[square]);
            for _ in 0..3 {
                deviation = self.graph.map(&[deviation]);
            }
            let limit = self.graph.map(&[mean, deviation]);
            gate = self.graph.map(&[gate, limit]);
            gate = self.graph.map(&[gate]);
        }
        let gate = self.graph.map(&[gate]);
        let activated = self.graph.map(&[up, gate]);
        self.projected(network.down, None, activated)
    }
}
