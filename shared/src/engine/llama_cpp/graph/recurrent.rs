//! Recurrent layers: state-space models, gated delta nets, short convolutions.
//!
//! Source: llama.cpp 0.6.0, `models/mamba-base.cpp`, `models/delta-net-base.cpp`,
//! `models/lfm2.cpp` and `llama-graph.cpp` (`build_rs`).

use super::block::{Block, Part, RecurrentBlock};
use super::decoder::Decoder;
use super::node::Id;
use crate::engine::EngineError;
use crate::model::{Attention, Layer, RecurrentState};

impl Decoder<'_> {
    /// The recurrent part of a block, and its attention beside it where it has both.
    pub(super) fn recurrent(
        &mut self,
        layer: &Layer,
        block: &Block,
        recurrent: &RecurrentBlock,
        residual: Id,
        normalized: Id,
    ) -> Result<Id, EngineError> {
        let mut from = normalized;
        let attended = match layer.attention {
            Attention::None => None,
            _ => {
                let attended = self.attention(layer, block, normalized)?;
                // Falcon-H1 normalises once more for its second half.
                from = self.norm(Some(block), residual, block.attention_norm, None);
                Some(attended)
            }
        };
        let mixed = match recurrent.state {
            RecurrentState::Mamba { .. } => self.mamba(block, recurrent, from),
            RecurrentState::Mamba2 { .. } => self.mamba2(block, recurrent, from),
            RecurrentState::GatedDeltaNet { .. } => self.gated_delta_net(block, recurrent, from),
            RecurrentState::ShortConvolution { .. } => {
                self.short_convolution(block, recurrent, from)
            }
            _ => from,
        };
        Ok(match attended {
            Some(attended) => self.graph.map(&[attended, mixed]),
            None => mixed,
        })
    }

    /// The convolution's state of every sequence, looked up in the cache.
    fn convolution_state(&mut self, recurrent: &RecurrentBlock) -> Id {
        let elements = recurrent.state.conv_elements().unwrap_or(0);
        let rows = self.state_rows(elements);
        self.graph.expand(rows);
        rows
    }

    fn state_rows(&mut self, elements: u64) -> Id {
        let copies = self
            .state_copies
            .map_or(self.output_rows, |copies| copies.all);
        self.graph
            .own([elements, self.batch.sequences, 1, 1], &[copies])
    }

    /// The state's rows before the new columns, and the last rows stored for the next batch.
    fn convolution_input(
        &mut self,
        block: &Block,
        state: Id,
        kernel: u64,
        new: Id,
        channels: u64,
    ) -> Id {
        let sequences = self.batch.sequences;
        let per_sequence = self.tokens / sequences;
        let state = self.graph.view(state, [kernel - 1, channels, sequences, 1]);
        let shape = [kernel - 1 + per_sequence, channels, sequences, 1];
        let input = self.graph.own(shape, &[state, new]);
        let last = self.graph.view(input, [kernel - 1, channels, sequences, 1]);
        self.graph.store(self.state_place(block), &[last]);
        input
    }

    fn state_place(&self, block: &Block) -> super::super::placement::Place {
        if self.settings.kv_offload {
            block.place
        } else {
            super::super::placement::Place::Host
        }
    }

    fn convolved(&mut self, recurrent: &RecurrentBlock, input: Id, channels: u64) -> Id {
        let sequences = self.batch.sequences;
        let shape = [channels, self.tokens / sequences, sequences, 1];
        let weight = recurrent
            .part("ssm_conv1d.weight")
            .or(recurrent.part("shortconv.conv.weight"));
        let convolved = self.graph.own_weighted(weight, shape, &[input]);
        self.graph
            .weigh(convolved, recurrent.part("ssm_conv1d.bias"))
    }

    /// Mamba 2: one projection for gate, input, B, C and step size.
    fn mamba2(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::Mamba2 {
            inner,
            state,
            groups,
            heads,
            conv_kernel,
        } = recurrent.state
        else {
            return from;
        };
        let channels = inner + 2 * groups * state;
        let tokens = self.tokens;
        let convolution = self.convolution_state(recurrent);
        let projected = self.projected(recurrent.part("ssm_in.weight"), None, from);
        let gate = self
            .graph
            .view(projected, [inner / heads, heads, tokens, 1]);
        let new = self.graph.view(projected, [channels, tokens, 1, 1]);
        let step = self.graph.view(projected, [heads, tokens, 1, 1]);
        let input = self.convolution_input(block, convolution, conv_kernel, new, channels);
        let convolved = self.convolved(recurrent, input, channels);
        let activated = self.graph.map(&[convolved]);
        let x = self
            .graph
            .view(activated, [inner / heads, heads, tokens, 1]);
        let step = self.graph.own([heads, tokens, 1, 1], &[step]);
        let step = self.graph.weigh(step, recurrent.part("ssm_dt.bias"));
        let scanned = self.scan(block, recurrent, x, step, inner, inner * state);
        let y = self.graph.view(scanned, [inner / heads, heads, tokens, 1]);
        let gate = self.graph.own([inner / heads, heads, tokens, 1], &[gate]);
        let skip = self.graph.weigh(x, recurrent.part("ssm_d"));
        let y = self.graph.map(&[y, skip]);
        let mut gated = self
            .graph
            .own([inner / heads, heads, tokens, 1], &[gate, y]);
        if let Some(norm) = recurrent.part("ssm_norm.weight") {
            let grouped = self.graph.view(gated, [inner / groups, groups, tokens, 1]);
            gated = self.norm(None, grouped, Some(norm), None);
        }
        let flat = self.graph.view(gated, [inner, tokens, 1, 1]);
        self.projected(recurrent.part("ssm_out.weight"), None, flat)
    }

    /// Mamba 1: step size, B and C are projected from the convolved input.
    fn mamba(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::Mamba {
            inner,
            state,
            conv_kernel,
        } = recurrent.state
        else {
            return from;
        };
        let tokens = self.tokens;
        let convolution = self.convolution_state(recurrent);
        let projected = self.projected(recurrent.part("ssm_in.weight"), None, from);
        let x = self.graph.view(projected, [inner, tokens, 1, 1]);
        let gate = self.graph.view(projected, [inner, tokens, 1, 1]);
        let input = self.convolution_input(block, convolution, conv_kernel, x, inner);
        let convolved = self.convolved(recurrent, input, inner);
        let x = self.graph.map(&[convolved]);
        let small = self.projected(recurrent.part("ssm_x.weight"), None, x);
        let rank = recurrent
            .part("ssm_dt.weight")
            .map_or(0, |step| step.columns);
        let mut step = self.graph.view(small, [rank, tokens, 1, 1]);
        let mut b = self.graph.view(small, [state, tokens, 1, 1]);
        let mut c = self.graph.view(small, [state, tokens, 1, 1]);
        if let Some(norm) = recurrent.part("ssm_dt_norm.weight") {
            step = self.norm(None, step, Some(norm), None);
            b = self.norm(None, b, recurrent.part("ssm_b_norm.weight"), None);
            c = self.norm(None, c, recurrent.part("ssm_c_norm.weight"), None);
        } else {
            step = self.graph.own([rank, tokens, 1, 1], &[step]);
        }
        let step = self.projected(
            recurrent.part("ssm_dt.weight"),
            recurrent.part("ssm_dt.bias"),
            step,
        );
        let copies = self.main_copies();
        let shape = [
            inner * tokens + inner * state * self.batch.sequences,
            1,
            1,
            1,
        ];
        let scanned = self.graph.own(shape, &[x, step, b, c, copies]);
        self.stored(block, recurrent, scanned);
        let y = self.graph.view(scanned, [inner, tokens, 1, 1]);
        let gate = self.graph.own([inner, tokens, 1, 1], &[gate]);
        let skip = self.graph.weigh(x, recurrent.part("ssm_d"));
        let y = self.graph.map(&[y, skip]);
        let gated = self.graph.own([inner, tokens, 1, 1], &[gate, y]);
        let output = self.projected(recurrent.part("ssm_out.weight"), None, gated);
        let shape = self.graph.shape(output);
        self.graph.view(output, shape)
    }

    fn scan(
        &mut self,
        block: &Block,
        recurrent: &RecurrentBlock,
        x: Id,
        step: Id,
        inner: u64,
        state: u64,
    ) -> Id {
        let copies = self.main_copies();
        let shape = [inner * self.tokens + state * self.batch.sequences, 1, 1, 1];
        let scanned = self.graph.own(shape, &[x, step, copies]);
        self.stored(block, recurrent, scanned);
        scanned
    }

    fn main_copies(&self) -> Id {
        self.state_copies
            .map_or(self.output_rows, |copies| copies.main)
    }

    /// The states of sequences that are not in the batch are looked up too: none here.
    fn stored(&mut self, block: &Block, recurrent: &RecurrentBlock, scanned: Id) {
        self.graph.expand(scanned);
        let others = self
            .state_copies
            .map_or(self.output_rows, |copies| copies.others);
        let elements = recurrent.state.state_elements().unwrap_or(0);
        let rows = self
            .graph
            .own([elements, self.batch.sequences - 1, 1, 1], &[others]);
        let place = self.state_place(block);
        self.graph.store(place, &[rows]);
        let last = self
            .graph
            .view(scanned, [elements, self.batch.sequences, 1, 1]);
        self.graph.store(place, &[last]);
    }

    /// Gated delta net: queries and keys of few heads, values and states of many.
    fn gated_delta_net(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::GatedDeltaNet {
            key_heads,
            key_dim,
            value_heads,
            value_dim,
            conv_kernel,
        } = recurrent.state
        else {
            return from;
        };
        let tokens = self.tokens;
        self.graph.expand(from);
        let channels = 2 * key_heads * key_dim + value_heads * value_dim;
        let convolution = self.convolution_state(recurrent);
        let projected = self.projected(recurrent.part("attn_qkv.weight"), None, from);
        let input = self.convolution_input(block, convolution, conv_kernel, projected, channels);
        let elements = recurrent.state.state_elements().unwrap_or(0);
        let states = self.state_rows(elements);
        self.graph.expand(states);
        let convolved = self.convolved(recurrent, input, channels);
        let activated = self.graph.map(&[convolved]);
        let query = self.delta_head(recurrent, activated, key_dim, key_heads, value_heads);
        let key = self.delta_head(recurrent, activated, key_dim, key_heads, value_heads);
        let value = self
            .graph
            .view(activated, [value_dim, value_heads, tokens, 1]);
        let (decay, beta) = self.delta_gates(recurrent, from, value_heads);
        let rows = tokens + key_dim * self.batch.sequences;
        let shape = [value_dim * value_heads, rows, 1, 1];
        let result = self
            .graph
            .own(shape, &[query, key, value, decay, beta, states]);
        self.graph.expand(result);
        let last = self
            .graph
            .view(result, [elements, self.batch.sequences, 1, 1]);
        self.graph.store(self.state_place(block), &[last]);
        let output = self.graph.view(result, [value_dim, value_heads, tokens, 1]);
        let normalized = self.norm(None, output, recurrent.part("ssm_norm.weight"), None);
        let gate = self.projected(recurrent.part("attn_gate.weight"), None, from);
        let gate = self.graph.view(gate, [value_dim, value_heads, tokens, 1]);
        let gate = self.graph.map(&[gate]);
        let gated = self.graph.map(&[normalized, gate]);
        let flat = self
            .graph
            .view(gated, [value_dim * value_heads, tokens, 1, 1]);
        let output = self.projected(recurrent.part("ssm_out.weight"), None, flat);
        let shape = self.graph.shape(output);
        self.graph.view(output, shape)
    }

    /// Queries or keys: normalised, scaled, and repeated to as many heads as the values have
    /// where the projections of decay and step size are one matrix.
    fn delta_head(
        &mut self,
        recurrent: &RecurrentBlock,
        from: Id,
        dim: u64,
        heads: u64,
        value_heads: u64,
    ) -> Id {
        let view = self.graph.view(from, [dim, heads, self.tokens, 1]);
        let normalized = self.graph.map(&[view]);
        let scaled = self.graph.map(&[normalized]);
        if recurrent.part("ssm_ba.weight").is_none() || heads == value_heads {
            return scaled;
        }
        self.graph
            .own([dim, value_heads / heads, heads, self.tokens], &[scaled])
    }

    /// Decay and step size of every head.
    fn delta_gates(&mut self, recurrent: &RecurrentBlock, from: Id, heads: u64) -> (Id, Id) {
        let tokens = self.tokens;
        let (alpha, beta) = match recurrent.part("ssm_ba.weight") {
            Some(both) => {
                let both = self.graph.matrix(both, from);
                let half = self.graph.view(both, [heads, tokens, 1, 1]);
                let alpha = self.graph.own([heads, tokens, 1, 1], &[half]);
                let half = self.graph.view(both, [heads, tokens, 1, 1]);
                (alpha, self.graph.own([heads, tokens, 1, 1], &[half]))
            }
            None => (
                self.projected(recurrent.part("ssm_alpha.weight"), None, from),
                self.projected(recurrent.part("ssm_beta.weight"), None, from),
            ),
        };
        let alpha = self.graph.weigh(alpha, recurrent.part("ssm_dt.bias"));
        let alpha = self.graph.map(&[alpha]);
        let decay = self.graph.weigh(alpha, recurrent.part("ssm_a"));
        let beta = self.graph.map(&[beta]);
        (decay, beta)
    }

    /// A gated convolution over few tokens.
    fn short_convolution(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::ShortConvolution { width, conv_kernel } = recurrent.state else {
            return from;
        };
        let tokens = self.tokens;
        let projected = self.projected(recurrent.part("shortconv.in_proj.weight"), None, from);
        let part = |decoder: &mut Self| decoder.graph.view(projected, [width, tokens, 1, 1]);
        let (b, c, x) = (part(self), part(self), part(self));
        let product = self.graph.map(&[b, x]);
        let state = self.convolution_state(recurrent);
        let sequences = self.batch.sequences;
        let state = self
            .graph
            .view(state, [conv_kernel - 1, width, sequences, 1]);
        let shape = [conv_kernel - 1 + tokens / sequences, width, sequences, 1];
        let input = self.graph.own(shape, &[state, product]);
        let last = self
            .graph
            .view(input, [conv_kernel - 1, width, sequences, 1]);
        self.graph.store(self.state_place(block), &[last]);
        let convolved = self.convolved(recurrent, input, width);
        let gated = self.graph.map(&[c, convolved]);
        self.projected(recurrent.part("shortconv.out_proj.weight"), None, gated)
    }
}

impl RecurrentBlock {
    fn part(&self, name: &str) -> Option<Part> {
        self.parts.get(name).copied()
    }
}
