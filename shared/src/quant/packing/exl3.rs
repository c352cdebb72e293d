//! EXL3: trellis codes in tiles of 16 × 16, and the signs of input and output channels.
//!
//! Source: ExLlamaV3 1.6.5, `modules/quant/exl3.py` (`trellis`, `suh`, `svh`, `mcg` or `mul1`).

use super::{HALF, Parts, WORD};

/// EXL3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exl3 {
    /// Thousandths of a bit of an element. One matrix has whole or half bits; the mean of a
    /// model may be any number.
    pub millibits: u32,
}

impl Exl3 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let bits = input
            .checked_mul(output)?
            .checked_mul(self.millibits.into())?;
        Some(Parts {
            elements: bits.div_ceil(8_000),
            scales: input.checked_add(output)?.checked_mul(HALF)?,
            description: WORD,
            ..Parts::default()
        })
    }
}
