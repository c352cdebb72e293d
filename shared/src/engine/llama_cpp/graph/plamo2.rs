//! PLaMo 2: a recurrence with heads, whose step size, B and C come from the convolved input.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/plamo2.cpp`.

use super::block::{Block, RecurrentBlock};
use super::decoder::Decoder;
use super::node::Id;
use crate::model::RecurrentState;

impl Decoder<'_> {
    /// The recurrence, its output projection included.
    pub(super) fn plamo2(&mut self, block: &Block, recurrent: &RecurrentBlock, from: Id) -> Id {
        let RecurrentState::Mamba {
            inner,
            state,
            conv_kernel,
        } = recurrent.state
        else {
            return from;
        };
        let heads = recurrent.part("ssm_dt.weight").map_or(1, |part| part.rows);
        let dim = inner.checked_div(heads).unwrap_or(inner);
        let [tokens, sequences] = self.sequences();
        let wide = [inner, tokens, sequences, 1];
        let headed = [dim, heads, tokens, sequences];
        let convolution = self.state_rows(block, recurrent.state.conv_elements());
        let from = self.in_sequences(from);
        let projected = self.projected(recurrent.part("ssm_in.weight"), None, from);
        let both = self
            .graph
            .own([2 * dim, heads, tokens, sequences], &[projected]);
        let x = self.graph.slice(both, headed, dim, 2 * dim);
        let x = self.graph.own(wide, &[x]);
        let gate = self.graph.slice(both, headed, dim, 2 * dim);
        let input = self.convolution_input(block, convolution, conv_kernel, x, inner);
        let convolved = self.convolved(recurrent.part("ssm_conv1d.weight"), input, inner);
        let x = self.graph.map(&[convolved]);
        let small = self.projected(recurrent.part("ssm_x.weight"), None, x);
        let row = self.graph.shape(small)[0];
        let rank = row.saturating_sub(2 * state);
        let part = [state, tokens, sequences, 1];
        let b = self.graph.slice(small, part, state, row);
        let c = self.graph.slice(small, part, state, row);
        let step = [rank, tokens, sequences, 1];
        let step = self.graph.slice(small, step, rank, row);
        let b = self.norm(b, recurrent.part("ssm_b_norm.weight"), None);
        let c = self.norm(c, recurrent.part("ssm_c_norm.weight"), None);
        let step = self.norm(step, recurrent.part("ssm_dt_norm.weight"), None);
        let step = self.projected(
            recurrent.part("ssm_dt.weight"),
            recurrent.part("ssm_dt.bias"),
            step,
        );
        let x = self.graph.view(x, headed);
        let part = [state, 1, tokens, sequences];
        let b = self.graph.view(b, part);
        let c = self.graph.view(c, part);
        let on_gpu = matches!(state, 96 | 128 | 256) && dim.is_multiple_of(16);
        let scanned = self.scanned(block, recurrent, [x, step, b, c], on_gpu, true);
        let y = self.graph.view(scanned, headed);
        let skip = self.weighed_by_reshaped(x, recurrent.part("ssm_d"));
        let y = self.graph.map(&[y, skip]);
        let gate = self.graph.own(headed, &[gate]);
        let gated = self.graph.own(headed, &[gate, y]);
        let flat = self.graph.view(gated, wide);
        let output = self.projected(recurrent.part("ssm_out.weight"), None, flat);
        self.in_one_row(output)
    }
}
