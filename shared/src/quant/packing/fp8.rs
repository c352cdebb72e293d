//! 8-bit floating point with scales in single precision.
//!
//! Source: the parameters that vLLM 0.33.0 creates (`quantization/fp8.py`, `fbgemm_fp8.py`,
//! compressed-tensors `float-quantized`); Transformers 5.23.0, `integrations/finegrained_fp8.py`.

use super::{Parts, WORD};

/// 8-bit floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fp8 {
    /// What has a scale.
    pub scale: ScaleOf,
    /// The scale of the activations is stored too.
    pub static_input: bool,
}

/// What has a scale of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScaleOf {
    /// The whole matrix.
    Tensor,
    /// Each output channel.
    Channel,
    /// Each block.
    Block {
        /// Output channels of a block.
        rows: u32,
        /// Input channels of a block.
        columns: u32,
    },
}

impl Fp8 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let scales = match self.scale {
            ScaleOf::Tensor => 1,
            ScaleOf::Channel => output,
            ScaleOf::Block { rows, columns } => output
                .div_ceil(u64::from(rows).max(1))
                .checked_mul(input.div_ceil(u64::from(columns).max(1)))?,
        };
        let scales = scales.checked_add(self.static_input.into())?;
        Some(Parts {
            elements: input.checked_mul(output)?,
            scales: scales.checked_mul(WORD)?,
            ..Parts::default()
        })
    }
}
