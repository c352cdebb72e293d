//! NVFP4: 4-bit floating point, an 8-bit scale per 16 input channels, and one scale in single
//! precision for the whole.
//!
//! Source: the parameters that vLLM 0.33.0 creates (`quantization/modelopt.py`,
//! compressed-tensors `nvfp4-pack-quantized`).

use super::{Parts, WORD};

/// NVFP4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nvfp4 {
    /// The scale of the activations is stored too (W4A4).
    pub static_input: bool,
}

impl Nvfp4 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        const GROUP: u64 = 16;
        let globals = WORD.checked_mul(1 + u64::from(self.static_input))?;
        let scales = input.div_ceil(GROUP).checked_mul(output)?;
        Some(Parts {
            elements: input.div_ceil(2).checked_mul(output)?,
            scales: scales.checked_add(globals)?,
            ..Parts::default()
        })
    }
}
