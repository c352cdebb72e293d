//! Dense feed-forward networks.

use super::Part;
use crate::source::hf::draft::Block;

/// A dense feed-forward network.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Dense {
    /// Hidden width.
    pub length: u64,
    /// How it is gated.
    pub gate: Gate,
    /// Its matrices have biases.
    pub bias: bool,
}

/// How a feed-forward network is gated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source::hf) enum Gate {
    /// By a matrix of its own.
    Separate,
    /// By a second half of the matrix that goes up.
    Fused,
    /// Not at all.
    None,
}

impl Dense {
    /// A gated network without biases.
    pub(in crate::source::hf) const fn gated(length: u64) -> Self {
        Self {
            length,
            gate: Gate::Separate,
            bias: false,
        }
    }

    /// A network without a gate.
    pub(in crate::source::hf) const fn plain(length: u64, bias: bool) -> Self {
        Self {
            length,
            gate: Gate::None,
            bias,
        }
    }
}

impl Part for Dense {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let up = match self.gate {
            Gate::Fused => self.length.saturating_mul(2),
            Gate::Separate | Gate::None => self.length,
        };
        if self.gate == Gate::Separate {
            block.linear("ffn_gate", embedding, self.length, self.bias);
        }
        block.linear("ffn_up", embedding, up, self.bias);
        block.linear("ffn_down", self.length, embedding, self.bias);
        block.layer.feed_forward.length = self.length;
    }
}
