//! Recurrent mixers: state-space models, gated delta nets, short convolutions.

use super::Part;
use crate::model::RecurrentState;
use crate::source::hf::draft::Block;

/// Mamba 1.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Mamba {
    /// Inner width.
    pub inner: u64,
    /// State size.
    pub state: u64,
    /// Rank of the time step.
    pub step_rank: u64,
    /// Convolution kernel.
    pub conv_kernel: u64,
    /// Norms over time step, B and C (Jamba).
    pub norms: bool,
    /// The projections have biases.
    pub bias: bool,
    /// The convolution has a bias.
    pub conv_bias: bool,
}

impl Part for Mamba {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let (inner, state, rank) = (self.inner, self.state, self.step_rank);
        block.linear("ssm_in", embedding, inner.saturating_mul(2), self.bias);
        block.linear("ssm_conv1d", self.conv_kernel, inner, self.conv_bias);
        let selected = rank.saturating_add(state.saturating_mul(2));
        block.linear("ssm_x", inner, selected, false);
        block.linear("ssm_dt", rank, inner, true);
        block.tensor("ssm_a", &[state, inner]);
        block.tensor("ssm_d", &[inner]);
        block.linear("ssm_out", inner, embedding, self.bias);
        if self.norms {
            block.tensor("ssm_dt_norm.weight", &[rank]);
            block.tensor("ssm_b_norm.weight", &[state]);
            block.tensor("ssm_c_norm.weight", &[state]);
        }
        block.layer.recurrent = Some(RecurrentState::Mamba {
            inner,
            state,
            conv_kernel: self.conv_kernel,
        });
    }
}

/// Mamba 2.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Mamba2 {
    /// Inner width, all heads together.
    pub inner: u64,
    /// State size.
    pub state: u64,
    /// Groups of B and C.
    pub groups: u64,
    /// Heads.
    pub heads: u64,
    /// Convolution kernel.
    pub conv_kernel: u64,
    /// The convolution has a bias.
    pub conv_bias: bool,
    /// A norm before the output.
    pub norm: bool,
    /// The projections have biases.
    pub bias: bool,
}

impl Part for Mamba2 {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let grouped = self.groups.saturating_mul(self.state).saturating_mul(2);
        let convolved = self.inner.saturating_add(grouped);
        let input = convolved
            .saturating_add(self.inner)
            .saturating_add(self.heads);
        block.linear("ssm_in", embedding, input, self.bias);
        block.linear("ssm_conv1d", self.conv_kernel, convolved, self.conv_bias);
        block.tensor("ssm_dt.bias", &[self.heads]);
        block.tensor("ssm_a", &[1, self.heads]);
        block.tensor("ssm_d", &[1, self.heads]);
        if self.norm {
            let per_group = self.inner.checked_div(self.groups).unwrap_or(self.inner);
            block.tensor("ssm_norm.weight", &[per_group, self.groups]);
        }
        block.linear("ssm_out", self.inner, embedding, self.bias);
        block.layer.recurrent = Some(RecurrentState::Mamba2 {
            inner: self.inner,
            state: self.state,
            groups: self.groups,
            heads: self.heads,
            conv_kernel: self.conv_kernel,
        });
    }
}

/// Gated delta net.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct DeltaNet {
    /// Key heads.
    pub key_heads: u64,
    /// Elements of one key head.
    pub key_dim: u64,
    /// Value heads.
    pub value_heads: u64,
    /// Elements of one value head.
    pub value_dim: u64,
    /// Convolution kernel.
    pub conv_kernel: u64,
    /// Alpha and beta come from one matrix (Qwen3-Next) or two (Qwen3.5).
    pub joint_gates: bool,
}

impl Part for DeltaNet {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let keys = self.key_heads.saturating_mul(self.key_dim);
        let values = self.value_heads.saturating_mul(self.value_dim);
        let convolved = keys.saturating_mul(2).saturating_add(values);
        block.linear("attn_qkv", embedding, convolved, false);
        block.linear("attn_gate", embedding, values, false);
        if self.joint_gates {
            let both = self.value_heads.saturating_mul(2);
            block.linear("ssm_ba", embedding, both, false);
        } else {
            block.linear("ssm_alpha", embedding, self.value_heads, false);
            block.linear("ssm_beta", embedding, self.value_heads, false);
        }
        block.linear("ssm_conv1d", self.conv_kernel, convolved, false);
        block.tensor("ssm_dt.bias", &[self.value_heads]);
        block.tensor("ssm_a", &[self.value_heads]);
        block.tensor("ssm_norm.weight", &[self.value_dim]);
        block.linear("ssm_out", values, embedding, false);
        block.layer.recurrent = Some(RecurrentState::GatedDeltaNet {
            key_heads: self.key_heads,
            key_dim: self.key_dim,
            value_heads: self.value_heads,
            value_dim: self.value_dim,
            conv_kernel: self.conv_kernel,
        });
    }
}

/// Kimi delta attention.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct KimiDelta {
    /// Heads.
    pub heads: u64,
    /// Elements of one head.
    pub head_dim: u64,
    /// Convolution kernel.
    pub conv_kernel: u64,
    /// The gates are of the rank of a head (Kimi) or not factored at all (Ling 3).
    pub low_rank: bool,
}

impl Part for KimiDelta {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let width = self.heads.saturating_mul(self.head_dim);
        for (matrix, convolution) in [
            ("attn_q", "ssm_conv1d_q.weight"),
            ("attn_k", "ssm_conv1d_k.weight"),
            ("attn_v", "ssm_conv1d_v.weight"),
        ] {
            block.linear(matrix, embedding, width, false);
            block.tensor(convolution, &[self.conv_kernel, 1, width, 1]);
        }
        if self.low_rank {
            block.linear("ssm_f_a", embedding, self.head_dim, false);
            block.linear("ssm_f_b", self.head_dim, width, false);
            block.linear("ssm_g_a", embedding, self.head_dim, false);
            block.linear("ssm_g_b", self.head_dim, width, false);
        } else {
            block.linear("ssm_f_a", embedding, width, false);
            block.linear("ssm_g_a", embedding, width, false);
        }
        block.linear("ssm_beta", embedding, self.heads, false);
        block.tensor("ssm_a", &[1, self.heads, 1, 1]);
        block.tensor("ssm_dt.bias", &[width]);
        block.tensor("ssm_norm.weight", &[self.head_dim]);
        block.linear("attn_output", width, embedding, false);
        block.layer.recurrent = Some(RecurrentState::KimiDelta {
            heads: self.heads,
            head_dim: self.head_dim,
            conv_kernel: self.conv_kernel,
        });
    }
}

/// A gated short convolution (LFM2).
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct ShortConvolution {
    /// Convolution kernel.
    pub conv_kernel: u64,
}

impl Part for ShortConvolution {
    fn write(&self, block: &mut Block<'_>) {
        let width = block.embedding();
        let input = width.saturating_mul(3);
        block.linear("shortconv.in_proj", width, input, false);
        block.linear("shortconv.conv", self.conv_kernel, width, false);
        block.linear("shortconv.out_proj", width, width, false);
        block.layer.recurrent = Some(RecurrentState::ShortConvolution {
            width,
            conv_kernel: self.conv_kernel,
        });
    }
}
