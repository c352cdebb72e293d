//! Recurrent layers: state-space models, gated delta nets, short convolutions.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/mamba-base.cpp`, `models/delta-net-base.cpp`,
//! `models/qwen3next.cpp`, `models/qwen35.cpp` and `models/lfm2.cpp`.

use super::super::placement::Place;
use super::block::{Block, Part, RecurrentBlock};
use super::decoder::Decoder;
use super::node::Id;
use crate::engine::EngineError;
use crate::model::{Attention, Layer, RecurrentState};

/// Channels that CUDA's convolution computes at once: it takes only multiples.
pub(super) const CONVOLUTION_CHANNELS: u64 = 128;

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
                let again = self.graph.map(&[residual]);
                from = self.graph.weigh_like(again, normalized);
                Some(attended)
            }
        };
        let mixed = match recurrent.state {
            // A norm of the step size of many heads.
            RecurrentState::Mamba { .. } if recurrent.has_heads() => {
                self.plamo2(block, recurrent, from)
            }
            RecurrentState::Mamba { .. } => self.mamba(block, recurrent, from),
            RecurrentState::Mamba2 { .. } => self.mamba2(block, recurrent, from),
            RecurrentState::GatedDeltaNet { .. } => self.gated_delta_net(block, recurrent, from),
            RecurrentState::ShortConvolution { .. } => {
                self.short_convolution(block, recurrent, from)
            }
            RecurrentState::KimiDelta { .. } => self.kimi_delta(block, recurrent, from),
            RecurrentState::Rwkv { .. }
            | RecurrentState::Lightning { .. }
            | RecurrentState::Compressor { .. } => from,
        };
        Ok(match attended {
            Some(attended) => self.graph.map(&[attended, mixed]),
            None => mixed,
        })
    }

    /// Tokens of each sequence, and sequences.
    pub(super) fn sequences(&self) -> [u64; 2] {
        let sequences = self.batch.sequences;
        [self.tokens / sequences, sequences]
    }

    pub(super) fn state_place(&self, block: &Block) -> Place {
        if self.settings.kv_offload {
            block.place
        } else {
            Place::Host
        }
    }

    /// The state's rows before the new columns, and the last rows stored for the next batch.
    pub(super) fn convolution_input(
        &mut self,
        block: &Block,
        state: Id,
        kernel: u64,
        new: Id,
        channels: u64,
    ) -> Id {
        let [tokens, sequences] = self.sequences();
        let state = self.graph.view(state, [kernel - 1, channels, sequences, 1]);
        let new = self.graph.view(new, [tokens, channels, sequences, 1]);
        let rows = kernel - 1 + tokens;
        let input = self
            .graph
            .own([rows, channels, sequences, 1], &[state, new]);
        let last = [kernel - 1, channels, sequences, 1];
        for _ in 0..self.kept_states {
            let last = self.graph.slice(input, last, kernel - 1, rows);
            self.graph.store(self.state_place(block), &[last]);
        }
        input
    }

    pub(super) fn convolved(&mut self, weight: Option<Part>, input: Id, channels: u64) -> Id {
        let [tokens, sequences] = self.sequences();
        let shape = [channels, tokens, sequences, 1];
        let on_gpu = channels.is_multiple_of(CONVOLUTION_CHANNELS);
        let rows = tokens.saturating_mul(sequences);
        self.graph
            .own_weighted(weight, rows, on_gpu, shape, &[input], &[])
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
        let dim = inner / heads;
        let [tokens, sequences] = self.sequences();
        let headed = [dim, heads, tokens, sequences];
        let convolution = self.state_rows(block, recurrent.state.conv_elements());
        let projected = self.projected(recurrent.part("ssm_in.weight"), None, from);
        let row = self.graph.shape(projected)[0];
        let gate = self.graph.slice(projected, headed, inner, row);
        let new = [channels, tokens, sequences, 1];
        let new = self.graph.slice(projected, new, channels, row);
        let step = [heads, tokens, sequences, 1];
        let step = self.graph.slice(projected, step, heads, row);
        let input = self.convolution_input(block, convolution, conv_kernel, new, channels);
        let convolved = self.convolved(recurrent.part("ssm_conv1d.weight"), input, channels);
        let convolved = self
            .graph
            .weigh(convolved, recurrent.part("ssm_conv1d.bias"));
        let activated = self.graph.map(&[convolved]);
        let x = self.graph.slice(activated, headed, inner, channels);
        let part = [state, groups, tokens, sequences];
        let b = self.graph.slice(activated, part, state * groups, channels);
        let c = self.graph.slice(activated, part, state * groups, channels);
        let step = self.graph.own([heads, tokens, sequences, 1], &[step]);
        let step = self.graph.weigh(step, recurrent.part("ssm_dt.bias"));
        let on_gpu = matches!(state, 96 | 128 | 256) && dim.is_multiple_of(16);
        let scanned = self.scanned(block, recurrent, [x, step, b, c], on_gpu, false);
        let y = self.graph.view(scanned, headed);
        let skip = self.graph.weigh(x, recurrent.part("ssm_d"));
        let y = self.graph.map(&[y, skip]);
        let gate = self.graph.own(headed, &[gate]);
        let mut gated = self.graph.own(headed, &[gate, y]);
        if let Some(norm) = recurrent.part("ssm_norm.weight") {
            let grouped = [inner / groups, groups, tokens, sequences];
            let grouped = self.graph.view(gated, grouped);
            gated = self.norm(grouped, Some(norm), None);
        }
        let flat = self.graph.view(gated, [inner, self.tokens, 1, 1]);
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
        let [tokens, sequences] = self.sequences();
        let wide = [inner, tokens, sequences, 1];
        let convolution = self.state_rows(block, recurrent.state.conv_elements());
        let from = self.in_sequences(from);
        let projected = self.projected(recurrent.part("ssm_in.weight"), None, from);
        let x = self.graph.slice(projected, wide, inner, 2 * inner);
        let gate = self.graph.slice(projected, wide, inner, 2 * inner);
        let input = self.convolution_input(block, convolution, conv_kernel, x, inner);
        let convolved = self.convolved(recurrent.part("ssm_conv1d.weight"), input, inner);
        let convolved = self
            .graph
            .weigh(convolved, recurrent.part("ssm_conv1d.bias"));
        let x = self.graph.map(&[convolved]);
        let small = self.projected(recurrent.part("ssm_x.weight"), None, x);
        let row = self.graph.shape(small)[0];
        let rank = row.saturating_sub(2 * state);
        let mut step = self
            .graph
            .slice(small, [rank, tokens, sequences, 1], rank, row);
        let part = [state, 1, tokens, sequences];
        let mut b = self.graph.slice(small, part, state, row);
        let mut c = self.graph.slice(small, part, state, row);
        if let Some(norm) = recurrent.part("ssm_dt_norm.weight") {
            step = self.norm(step, Some(norm), None);
            b = self.norm(b, recurrent.part("ssm_b_norm.weight"), None);
            c = self.norm(c, recurrent.part("ssm_c_norm.weight"), None);
        } else {
            step = self.graph.own([rank, tokens, sequences, 1], &[step]);
        }
        let step = self.projected(
            recurrent.part("ssm_dt.weight"),
            recurrent.part("ssm_dt.bias"),
            step,
        );
        let headed = self.graph.view(x, [1, inner, tokens, sequences]);
        let on_gpu = state == 16 && inner.is_multiple_of(128);
        let scanned = self.scanned(block, recurrent, [headed, step, b, c], on_gpu, false);
        let y = self.graph.view(scanned, wide);
        let skip = self.graph.weigh(x, recurrent.part("ssm_d"));
        let y = self.graph.map(&[y, skip]);
        let gate = self.graph.own(wide, &[gate]);
        let gated = self.graph.own(wide, &[gate, y]);
        let output = self.projected(recurrent.part("ssm_out.weight"), None, gated);
        self.in_one_row(output)
    }

    /// A view with the sequences apart.
    pub(super) fn in_sequences(&mut self, from: Id) -> Id {
        let [tokens, sequences] = self.sequences();
        let width = self.graph.shape(from)[0];
        self.graph.view(from, [width, tokens, sequences, 1])
    }

    /// A view with the sequences one after the other.
    pub(super) fn in_one_row(&mut self, from: Id) -> Id {
        let width = self.graph.shape(from)[0];
        self.graph.view(from, [width, self.tokens, 1, 1])
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
        let [tokens, sequences] = self.sequences();
        let headed = [value_dim, value_heads, tokens, sequences];
        self.graph.expand(from);
        let channels = 2 * key_heads * key_dim + value_heads * value_dim;
        let projected = self.projected(recurrent.part("attn_qkv.weight"), None, from);
        let convolution = self.state_rows(block, recurrent.state.conv_elements());
        let input = self.convolution_input(block, convolution, conv_kernel, projected, channels);
        let elements = recurrent.state.state_elements();
        let rows = self.state_rows(block, elements);
        let convolved = self.convolved(recurrent.part("ssm_conv1d.weight"), input, channels);
        let activated = self.graph.map(&[convolved]);
        let heads = [key_dim, key_heads, tokens, sequences];
        let query = self.delta_head(recurrent, activated, heads, value_heads);
        let key = self.delta_head(recurrent, activated, heads, value_heads);
        let value = self
            .graph
            .slice(activated, headed, value_dim * value_heads, channels);
        let (decay, beta) = self.delta_gates(recurrent, from, key_heads, value_heads);
        let states = [value_dim, key_dim, value_heads, sequences];
        let states = self.graph.view(rows, states);
        let results = self.tokens + key_dim * sequences * self.kept_states;
        let shape = [value_dim * value_heads, results, 1, 1];
        let result = self
            .graph
            .own(shape, &[query, key, value, decay, beta, states]);
        let last = [elements.unwrap_or(0), sequences, self.kept_states, 1];
        let last = self.graph.view(result, last);
        self.graph.store(self.state_place(block), &[last]);
        let output = self.graph.view(result, headed);
        let norm = recurrent.part("ssm_norm.weight");
        let normalized = self.norm(output, norm, None);
        let gate = self.projected(recurrent.part("attn_gate.weight"), None, from);
        let gate = self.graph.view(gate, headed);
        let gate = self.graph.map(&[gate]);
        let gated = self.graph.map(&[normalized, gate]);
        let flat = [value_dim * value_heads, tokens, sequences, 1];
        let flat = self.graph.view(gated, flat);
        let output = self.projected(recurrent.part("ssm_out.weight"), None, flat);
        self.in_one_row(output)
    }

    /// Queries or keys: normalised, scaled, and repeated to as many heads as the values have
    /// where the projections of decay and step size are one matrix.
    fn delta_head(
        &mut self,
        recurrent: &RecurrentBlock,
        from: Id,
        shape: [u64; 4],
        value_heads: u64,
    ) -> Id {
        let row = self.graph.shape(from)[0];
        let view = self.graph.slice(from, shape, shape[0] * shape[1], row);
        let normalized = self.graph.map(&[view]);
        let scaled = self.graph.map(&[normalized]);
        let [dim, heads, ..] = shape;
        if recurrent.part("ssm_ba.weight").is_none() || heads == value_heads {
            return scaled;
        }
        let scaled = self.graph.view(scaled, [dim, 1, heads, self.tokens]);
        let repeated = [dim, value_heads / heads, heads, self.tokens];
        let repeated = self.graph.own(repeated, &[scaled]);
        let [tokens, sequences] = self.sequences();
        self.graph
            .view(repeated, [dim, value_heads, tokens, sequences])
    }

    /// Decay and step size of every head.
    fn delta_gates(
        &mut self,
        recurrent: &RecurrentBlock,
        from: Id,
        key_heads: u64,
        heads: u64,
    ) -> (Id, Id) {
        let [tokens, sequences] = self.sequences();
        let each = [heads, tokens, sequences, 1];
        let single = [1, heads, tokens, sequences];
        let (alpha, beta) = match recurrent.part("ssm_ba.weight") {
            Some(both) => {
                let both = self.graph.matrix(both, from);
                let part = [heads / key_heads, key_heads, tokens, sequences];
                let half = self.graph.slice(both, part, part[0], 2 * part[0]);
                let beta = self.graph.own(part, &[half]);
                let half = self.graph.slice(both, part, part[0], 2 * part[0]);
                (self.graph.own(each, &[half]), self.graph.map(&[beta]))
            }
            None => {
                let alpha = self.projected(recurrent.part("ssm_alpha.weight"), None, from);
                let alpha = self.graph.view(alpha, each);
                let beta = self.projected(recurrent.part("ssm_beta.weight"), None, from);
                let beta = self.graph.view(beta, single);
                (alpha, self.graph.map(&[beta]))
            }
        };
        let alpha = self.graph.weigh(alpha, recurrent.part("ssm_dt.bias"));
        let alpha = self.graph.map(&[alpha]);
        let decay = self.graph.weigh(alpha, recurrent.part("ssm_a"));
        (
            self.graph.view(decay, single),
            self.graph.view(beta, single),
        )
    }

    /// A gated convolution over few tokens.
    fn short_convolution(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::ShortConvolution { width, conv_kernel } = recurrent.state else {
            return from;
        };
        let [tokens, sequences] = self.sequences();
        let chunk = [width, tokens, sequences, 1];
        let from = self.in_sequences(from);
        let projected = self.projected(recurrent.part("shortconv.in_proj.weight"), None, from);
        let part = |decoder: &mut Self| decoder.graph.slice(projected, chunk, width, 3 * width);
        let (b, c, x) = (part(self), part(self), part(self));
        let product = self.graph.map(&[b, x]);
        let state = self.state_rows(block, recurrent.state.conv_elements());
        let input = self.convolution_input(block, state, conv_kernel, product, width);
        let weight = recurrent.part("shortconv.conv.weight");
        let convolved = self.convolved(weight, input, width);
        let gated = self.graph.map(&[c, convolved]);
        let output = self.projected(recurrent.part("shortconv.out_proj.weight"), None, gated);
        self.in_one_row(output)
    }
}

impl RecurrentBlock {
    /// Whether the recurrence of Mamba 1 has heads of many elements each (PLaMo 2).
    fn has_heads(&self) -> bool {
        let RecurrentState::Mamba { inner, .. } = self.state else {
            return false;
        };
        self.part("ssm_dt.weight")
            .is_some_and(|part| part.rows < inner)
    }

    pub(super) fn part(&self, name: &str) -> Option<Part> {
        self.parts.get(name).copied()
    }
}
