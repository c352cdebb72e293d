//! Kimi delta attention: a delta net whose queries, keys and values have a convolution each.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/kimi-linear.cpp` and `models/kimi-k3.cpp`.

use super::block::{Block, Part, RecurrentBlock};
use super::decoder::Decoder;
use super::node::Id;
use super::recurrent::CONVOLUTION_CHANNELS;
use crate::model::RecurrentState;

impl Decoder<'_> {
    /// Kimi delta attention, its output projection included.
    pub(super) fn kimi_delta(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::KimiDelta {
            heads,
            head_dim,
            conv_kernel,
        } = recurrent.state
        else {
            return from;
        };
        let [tokens, sequences] = self.sequences();
        let inner = heads * head_dim;
        let flat = [inner, self.tokens, 1, 1];
        let headed = [head_dim, heads, tokens, sequences];
        self.graph.expand(from);
        let convolution = self.state_rows(block, recurrent.state.conv_elements());
        let mut projected = [
            (block.query, "ssm_conv1d_q.weight"),
            (block.key, "ssm_conv1d_k.weight"),
            (block.value, "ssm_conv1d_v.weight"),
        ]
        .map(|(projection, weight)| {
            let new = self.projected(projection, None, from);
            let input = self.convolution_input(block, convolution, conv_kernel, new, inner);
            let convolved = self.convolved_by_reshaped(recurrent.part(weight), input, inner);
            let view = self.graph.view(convolved, flat);
            let activated = self.graph.map(&[view]);
            self.graph.view(activated, headed)
        });
        let decay = self.projected(recurrent.part("ssm_f_a.weight"), None, from);
        let decay = self.projected(
            recurrent.part("ssm_f_b.weight"),
            recurrent.part("ssm_dt.bias"),
            decay,
        );
        let per_head = [head_dim, heads, self.tokens, 1];
        let steepness = recurrent.part("ssm_a");
        let decay = if self.bounds_decay {
            let decay = self.graph.view(decay, per_head);
            let decay = self.weighed_by_reshaped(decay, steepness);
            let decay = self.graph.map(&[decay]);
            let decay = self.graph.map(&[decay]);
            self.graph.map(&[decay])
        } else {
            let decay = self.graph.map(&[decay]);
            let decay = self.graph.view(decay, per_head);
            self.weighed_by_reshaped(decay, steepness)
        };
        let decay = self.graph.view(decay, headed);
        let beta = self.projected(recurrent.part("ssm_beta.weight"), None, from);
        let beta = self.graph.view(beta, [1, heads, tokens, sequences]);
        let beta = self.graph.map(&[beta]);
        let elements = recurrent.state.state_elements();
        let states = self.state_rows(block, elements);
        for head in &mut projected[..2] {
            let normalized = self.graph.map(&[*head]);
            *head = self.graph.map(&[normalized]);
        }
        let [query, key, value] = projected;
        let result = self.graph.own(
            [
                inner,
                self.tokens + head_dim * sequences * self.kept_states,
                1,
                1,
            ],
            &[query, key, value, decay, beta, states],
        );
        let output = self.graph.view(result, headed);
        let output = self.graph.own(headed, &[output]);
        let last = [elements.unwrap_or(0), sequences, self.kept_states, 1];
        let last = self.graph.view(result, last);
        self.graph.store(self.state_place(block), &[last]);
        let gate = match recurrent.part("ssm_g.weight") {
            Some(whole) => self.graph.matrix(whole, from),
            None => {
                let gate = self.projected(recurrent.part("ssm_g_a.weight"), None, from);
                self.projected(recurrent.part("ssm_g_b.weight"), None, gate)
            }
        };
        let gate = self.graph.view(gate, per_head);
        let output = self.graph.view(output, per_head);
        let normalized = self.norm(output, recurrent.part("ssm_norm.weight"), None);
        let gate = self.graph.map(&[gate]);
        let gated = self.graph.map(&[normalized, gate]);
        let flat = self.graph.own(flat, &[gated]);
        self.projected(block.output, None, flat)
    }

    /// A convolution with a weight whose extra dimension is taken away.
    fn convolved_by_reshaped(&mut self, weight: Option<Part>, input: Id, channels: u64) -> Id {
        let [tokens, sequences] = self.sequences();
        let mut sources = alloc::vec![input];
        sources.extend(weight.map(|weight| self.graph.reshaped(weight)));
        let convolved = self.graph.own([channels, tokens, sequences, 1], &sources);
        if !channels.is_multiple_of(CONVOLUTION_CHANNELS) {
            self.graph.keep_from_gpus(convolved);
        }
        convolved
    }

    /// An element-wise operation with a weight in another shape.
    pub(super) fn weighed_by_reshaped(&mut self, from: Id, weight: Option<Part>) -> Id {
        let mut sources = alloc::vec![from];
        sources.extend(weight.map(|weight| self.graph.reshaped(weight)));
        self.graph.map(&sources)
    }
}
