//! Kimi K3: from time to time the residual stream is put aside and begun anew, and what a part
//! reads is mixed of the stream and all that were put aside, by a score for each.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/kimi-k3.cpp` (`res_push`, `res_mix`).

use super::block::{Block, Part};
use super::decoder::Decoder;
use super::node::Id;
use crate::engine::EngineError;
use crate::model::{Layer, Model};

/// What a block's parts score the streams by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct ResidualBlock {
    pub(super) attention_score: Part,
    pub(super) network_score: Part,
}

impl ResidualBlock {
    /// The block's scores, where it has them.
    pub(super) fn new(get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        Some(Self {
            attention_score: get("attn_res_score.weight")?,
            network_score: get("ffn_res_score.weight")?,
        })
    }
}

/// The streams put aside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Residuals {
    /// All of them beside each other.
    stack: Option<Id>,
}

impl Residuals {
    /// None put aside so far, for architectures that are built so.
    pub(super) fn new(model: &Model) -> Option<Self> {
        (model.architecture == "kimi-k3").then_some(Self { stack: None })
    }
}

impl Decoder<'_> {
    /// One layer: from the residual stream to the next.
    pub(super) fn residual_layer(
        &mut self,
        layer: &Layer,
        block: &Block,
        residual: Id,
    ) -> Result<Id, EngineError> {
        let scores = block.residual;
        let mixed = self.mixed(residual, scores.map(|scores| scores.attention_score));
        let begins = block.puts_aside;
        if begins {
            self.put_aside(residual);
        }
        let normalized = self.norm(mixed, block.attention_norm, None);
        self.graph.expand(normalized);
        let attended = match &block.recurrent {
            Some(recurrent) => self.kimi_delta(block, recurrent, normalized),
            None => self.attention(layer, block, normalized)?,
        };
        let stream = if begins {
            attended
        } else {
            self.graph.map(&[residual, attended])
        };
        let mixed = self.mixed(stream, scores.map(|scores| scores.network_score));
        let normalized = self.norm(mixed, block.feed_forward_norm, None);
        let fed = self.feed_forward(block, normalized);
        Ok(self.graph.map(&[stream, fed]))
    }

    fn put_aside(&mut self, stream: Id) {
        let [width, tokens, ..] = self.graph.shape(stream);
        let one = self.graph.view(stream, [width, 1, tokens, 1]);
        let Some(residuals) = &mut self.residuals else {
            return;
        };
        let stack = match residuals.stack {
            Some(stack) => {
                let count = self.graph.shape(stack)[1] + 1;
                self.graph.own([width, count, tokens, 1], &[stack, one])
            }
            None => one,
        };
        residuals.stack = Some(stack);
    }

    /// The stream and those put aside, each by its share.
    pub(super) fn mixed(&mut self, stream: Id, score: Option<Part>) -> Id {
        let Some(stack) = self.residuals.and_then(|residuals| residuals.stack) else {
            return stream;
        };
        let [width, count, tokens, _] = self.graph.shape(stack);
        let weighted = self.norm(stack, score, None);
        let of_stack = self.graph.own([1, count, tokens, 1], &[weighted]);
        let of_stack = self.graph.view(of_stack, [count, tokens, 1, 1]);
        let normalized = self.graph.map(&[stream]);
        let normalized = self.graph.weigh_like(normalized, weighted);
        let of_stream = self.graph.own([1, tokens, 1, 1], &[normalized]);
        let scores = [count + 1, tokens, 1, 1];
        let scores = self.graph.own(scores, &[of_stack, of_stream]);
        let shares = self.graph.map(&[scores]);
        let of_stack = self.graph.view(shares, [count, tokens, 1, 1]);
        let of_stack = self.graph.own([count, tokens, 1, 1], &[of_stack]);
        let of_stream = self.graph.view(shares, [1, tokens, 1, 1]);
        let of_stream = self.graph.own([1, tokens, 1, 1], &[of_stream]);
        let mixed = self.graph.own([width, tokens, 1, 1], &[stack, of_stack]);
        let stream = self.graph.map(&[stream, of_stream]);
        self.graph.map(&[mixed, stream])
    }
}
