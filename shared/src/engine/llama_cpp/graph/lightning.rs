//! MiniMax-01: lightning attention, whose state is a square for each head, in most layers, and a
//! stream that is added after it has been normalised.
//!
//! Source: llama.cpp 0.6.0, `models/minimax-01.cpp`.

use super::block::{Block, RecurrentBlock};
use super::decoder::Decoder;
use super::node::{Graph, Id};
use crate::engine::EngineError;
use crate::model::{Layer, RecurrentState};

/// How fast each head forgets: per head, for queries and keys at each place, and between places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decays {
    slopes: Id,
    query: Id,
    key: Id,
    diagonal: Id,
}

impl Decays {
    /// The inputs for so many heads and for the tokens of each of the sequences.
    pub(super) fn new(graph: &mut Graph, heads: u64, [tokens, sequences]: [u64; 2]) -> Self {
        Self {
            slopes: graph.input([heads, 1, 1, 1], 4),
            query: graph.input([1, heads, tokens, sequences], 4),
            key: graph.input([1, heads, tokens, sequences], 4),
            diagonal: graph.input([tokens, tokens, heads, sequences], 4),
        }
    }
}

impl Decoder<'_> {
    /// One layer: from the residual stream to the next.
    pub(super) fn lightning_layer(
        &mut self,
        layer: &Layer,
        block: &Block,
        residual: Id,
        last: bool,
    ) -> Result<Id, EngineError> {
        let normalized = self.norm(residual, block.attention_norm, None);
        let mut attended = match (&block.recurrent, self.decays) {
            (Some(recurrent), Some(decays)) => self.lightning(block, recurrent, decays, normalized),
            _ => self.attention(layer, block, normalized)?,
        };
        let mut stream = normalized;
        if last {
            attended = self.selected(attended);
            stream = self.selected(stream);
        }
        let stream = self.graph.map(&[stream]);
        let middle = self.graph.map(&[attended, stream]);
        let stream = self.norm(middle, block.feed_forward_norm, None);
        let fed = self.feed_forward(block, stream);
        let stream = self.graph.map(&[stream]);
        Ok(self.graph.map(&[fed, stream]))
    }

    fn lightning(
        &mut self,
        block: &Block,
        recurrent: &RecurrentBlock,
        decays: Decays,
        from: Id,
    ) -> Id {
        let RecurrentState::Lightning { heads, head_dim } = recurrent.state else {
            return from;
        };
        let [tokens, sequences] = self.sequences();
        let width = head_dim * heads;
        let empty = self.state_rows(block, recurrent.state.conv_elements());
        self.graph.expand(empty);
        let slope = self.graph.map(&[decays.slopes]);
        let fused = self.projected(recurrent.part("attn_qkv.weight"), None, from);
        let fused = self.graph.map(&[fused]);
        let headed = [head_dim, heads, tokens, sequences];
        let part = |decoder: &mut Self| decoder.graph.slice(fused, headed, head_dim, 3 * head_dim);
        let (query, key, value) = (part(self), part(self), part(self));
        let square = [head_dim, head_dim, heads, sequences];
        let states = self.state_rows(block, recurrent.state.state_elements());
        let old = self.graph.view(states, square);
        let decay = |decoder: &mut Self, input| {
            let scaled = decoder.graph.map(&[input]);
            decoder.graph.map(&[scaled])
        };
        let query_decay = decay(self, decays.query);
        let key_decay = decay(self, decays.key);
        let diagonal = decay(self, decays.diagonal);
        let decayed = self.graph.map(&[query, query_decay]);
        let by_token = [head_dim, tokens, heads, sequences];
        let decayed = self.graph.view(decayed, by_token);
        let before = self.graph.own(by_token, &[old, decayed]);
        let scores = [tokens, tokens, heads, sequences];
        let scores = self.graph.own(scores, &[key, query]);
        let scores = self.graph.map(&[scores, diagonal]);
        let transposed = [tokens, head_dim, heads, sequences];
        let value = self.graph.own(transposed, &[value]);
        let within = self.graph.own(by_token, &[value, scores]);
        let result = self.graph.map(&[before, within]);
        self.graph.expand(result);
        let slope = self.graph.map(&[slope]);
        let slope = self.graph.map(&[slope]);
        let slope = self.graph.view(slope, [1, 1, heads, 1]);
        let old = self.graph.map(&[old, slope]);
        let key = self.graph.map(&[key, key_decay]);
        let key = self.graph.own(transposed, &[key]);
        let new = self.graph.own(square, &[key, value]);
        let new = self.graph.map(&[old, new]);
        self.graph.store(self.state_place(block), &[new]);
        let result = self.graph.own(headed, &[result]);
        let result = self.graph.view(result, [width, tokens, sequences, 1]);
        let result = self.norm(result, block.attention_norm_2, None);
        let gate = self.projected(recurrent.part("attn_gate.weight"), None, from);
        let gate = self.graph.view(gate, [width, tokens, sequences, 1]);
        let gate = self.graph.map(&[gate]);
        let gated = self.graph.map(&[gate, result]);
        let output = self.projected(block.output, None, gated);
        self.in_one_row(output)
    }
}
