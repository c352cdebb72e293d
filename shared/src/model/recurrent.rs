//! What recurrent blocks keep per sequence.

/// The fixed-size state of a recurrent block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecurrentState {
    /// Mamba 1: a convolution over the inner width and a state per inner channel.
    Mamba {
        /// Inner width (`d_inner`).
        inner: u64,
        /// State size (`d_state`).
        state: u64,
        /// Convolution kernel (`d_conv`).
        conv_kernel: u64,
    },
    /// Mamba 2: heads with grouped B and C.
    Mamba2 {
        /// Inner width (`d_inner`), all heads together.
        inner: u64,
        /// State size (`d_state`).
        state: u64,
        /// Groups of B and C (`n_group`).
        groups: u64,
        /// Heads.
        heads: u64,
        /// Convolution kernel (`d_conv`).
        conv_kernel: u64,
    },
    /// Gated delta net (Qwen3-Next, Qwen3.5).
    GatedDeltaNet {
        /// Key heads.
        key_heads: u64,
        /// Elements of one key head.
        key_dim: u64,
        /// Value heads.
        value_heads: u64,
        /// Elements of one value head.
        value_dim: u64,
        /// Convolution kernel.
        conv_kernel: u64,
    },
    /// Kimi delta attention: three convolutions and a square state per head.
    KimiDelta {
        /// Heads.
        heads: u64,
        /// Elements of one head.
        head_dim: u64,
        /// Convolution kernel.
        conv_kernel: u64,
    },
    /// A short convolution without further state (LFM2).
    ShortConvolution {
        /// Width of the convolved stream.
        width: u64,
        /// Convolution kernel (`l_cache`).
        conv_kernel: u64,
    },
    /// RWKV: token shift and one square state per head.
    Rwkv {
        /// Width of the residual stream.
        embedding: u64,
        /// Elements of one head.
        head_dim: u64,
        /// Shifted tokens kept (`token_shift_count`).
        token_shifts: u64,
    },
    /// What a compressor of keys (DeepSeek-V4) has not yet made into compressed keys: `ratio`
    /// tokens become one, and a layer's indexer compresses keys of its own alike.
    Compressor {
        /// Tokens that become one key.
        ratio: u64,
        /// Elements of a key.
        key_dim: u64,
        /// Elements of the indexer's key; 0 without an indexer.
        indexer_dim: u64,
    },
    /// Lightning attention (MiniMax-01): one square state per head, no convolution.
    Lightning {
        /// Heads.
        heads: u64,
        /// Elements of one head.
        head_dim: u64,
    },
}

impl RecurrentState {
    /// Every number of the state, those that a kind lacks as 0.
    #[must_use]
    pub fn extents(&self) -> [u64; 5] {
        match *self {
            Self::Mamba {
                inner,
                state,
                conv_kernel,
            } => [inner, state, conv_kernel, 0, 0],
            Self::Mamba2 {
                inner,
                state,
                groups,
                heads,
                conv_kernel,
            } => [inner, state, groups, heads, conv_kernel],
            Self::GatedDeltaNet {
                key_heads,
                key_dim,
                value_heads,
                value_dim,
                conv_kernel,
            } => [key_heads, key_dim, value_heads, value_dim, conv_kernel],
            Self::KimiDelta {
                heads,
                head_dim,
                conv_kernel,
            } => [heads, head_dim, conv_kernel, 0, 0],
            Self::ShortConvolution { width, conv_kernel } => [width, conv_kernel, 0, 0, 0],
            Self::Rwkv {
                embedding,
                head_dim,
                token_shifts,
            } => [embedding, head_dim, token_shifts, 0, 0],
            Self::Compressor {
                ratio,
                key_dim,
                indexer_dim,
            } => [ratio, key_dim, indexer_dim, 0, 0],
            Self::Lightning { heads, head_dim } => [heads, head_dim, 0, 0, 0],
        }
    }

    /// Elements of the convolution (or token-shift) state of one sequence; `None` on overflow.
    #[must_use]
    pub fn conv_elements(&self) -> Option<u64> {
        match *self {
            Self::Mamba {
                inner, conv_kernel, ..
            } => conv_kernel.saturating_sub(1).checked_mul(inner),
            Self::Mamba2 {
                inner,
                state,
                groups,
                conv_kernel,
                ..
            } => {
                let channels = inner.checked_add(groups.checked_mul(state)?.checked_mul(2)?)?;
                conv_kernel.saturating_sub(1).checked_mul(channels)
            }
            Self::GatedDeltaNet {
                key_heads,
                key_dim,
                value_heads,
                value_dim,
                conv_kernel,
            } => {
                let keys = key_heads.checked_mul(key_dim)?.checked_mul(2)?;
                let channels = value_heads.checked_mul(value_dim)?.checked_add(keys)?;
                conv_kernel.saturating_sub(1).checked_mul(channels)
            }
            Self::KimiDelta {
                heads,
                head_dim,
                conv_kernel,
            } => {
                let channels = heads.checked_mul(head_dim)?.checked_mul(3)?;
                conv_kernel.saturating_sub(1).checked_mul(channels)
            }
            Self::ShortConvolution { width, conv_kernel } => {
                conv_kernel.saturating_sub(1).checked_mul(width)
            }
            Self::Rwkv {
                embedding,
                token_shifts,
                ..
            } => embedding.checked_mul(token_shifts),
            Self::Compressor { .. } => self.compressor_elements(),
            Self::Lightning { .. } => Some(0),
        }
    }

    /// Elements of a compressor's keys, and as many of their scores. Compressors that look at two
    /// windows, which those with an indexer do, keep both, with two halves each.
    fn compressor_elements(&self) -> Option<u64> {
        let Self::Compressor {
            ratio,
            key_dim,
            indexer_dim,
        } = *self
        else {
            return Some(0);
        };
        if indexer_dim == 0 {
            return key_dim.checked_mul(ratio);
        }
        let dims = key_dim.checked_add(indexer_dim)?;
        dims.checked_mul(ratio)?.checked_mul(4)
    }

    /// Elements of the recurrent state of one sequence; `None` on overflow.
    #[must_use]
    pub fn state_elements(&self) -> Option<u64> {
        match *self {
            Self::Mamba { inner, state, .. } | Self::Mamba2 { inner, state, .. } => {
                inner.checked_mul(state)
            }
            Self::GatedDeltaNet {
                key_dim,
                value_heads,
                value_dim,
                ..
            } => value_heads.checked_mul(value_dim)?.checked_mul(key_dim),
            Self::KimiDelta {
                heads, head_dim, ..
            }
            | Self::Lightning { heads, head_dim } => {
                head_dim.checked_mul(head_dim)?.checked_mul(heads)
            }
            Self::ShortConvolution { .. } => Some(0),
            Self::Compressor { .. } => self.compressor_elements(),
            Self::Rwkv {
                embedding,
                head_dim,
                ..
            } => embedding.checked_mul(head_dim),
        }
    }
}
