//! EXL2: bits chosen for each row of groups when the model was quantized; the configuration says
//! their mean, scales included.
//!
//! Source: ExLlamaV2's `quantization_config.bits`. The mean is of the whole model, so that single
//! matrices differ.

use super::{HALF, Parts};

/// EXL2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exl2 {
    /// Thousandths of a bit that an element takes on average, scales included.
    pub millibits: u32,
}

impl Exl2 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let bits = input
            .checked_mul(output)?
            .checked_mul(self.millibits.into())?;
        Some(Parts {
            elements: bits.div_ceil(8_000),
            // The order of channels, and its inverse.
            order: input.checked_mul(2 * HALF)?,
            ..Parts::default()
        })
    }
}
