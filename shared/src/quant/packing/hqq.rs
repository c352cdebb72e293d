//! HQQ: integers with a scale and a zero point in 16 bits per group.
//!
//! Source: HQQ 0.2.8, `core/quantize.py` and `core/bitpack.py` (3 bits: ten to a 32-bit word);
//! measured through the quantized cache of Transformers for 4 and 8 bits.

use super::{HALF, Parts, WORD};

/// HQQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hqq {
    /// Bits of an element.
    pub bits: u32,
    /// Elements that share a scale; `None` for a whole channel.
    pub group_size: Option<u32>,
}

impl Hqq {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let count = input.checked_mul(output)?;
        let elements = match self.bits {
            3 => count.div_ceil(10).checked_mul(WORD)?,
            bits => count.checked_mul(bits.into())?.div_ceil(8),
        };
        let groups = match self.group_size {
            Some(size) => count.div_ceil(u64::from(size).max(1)),
            None => output,
        };
        let values = groups.checked_mul(HALF)?;
        Some(Parts {
            elements,
            scales: values,
            zeros: values,
            ..Parts::default()
        })
    }
}
