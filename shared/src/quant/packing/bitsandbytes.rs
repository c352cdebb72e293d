//! bitsandbytes: NF4 in blocks of 64 elements, and 8-bit integers with a scale per row.
//!
//! Source: measured on bitsandbytes 0.50.2 (NF4 with and without double quantization); its
//! `Int8Params` (a row's scale is in single precision).

use super::{Parts, WORD};

/// NF4 (and FP4, whose sizes are the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nf4 {
    /// The scales of blocks are quantized themselves (`bnb_4bit_use_double_quant`).
    pub double_quant: bool,
}

/// Elements that share a scale.
const BLOCK: u64 = 64;
/// Scales that share a scale of their own.
const NESTED_BLOCK: u64 = 256;
/// The sixteen values that elements stand for.
const CODE: u64 = 64;
/// The values that quantized scales stand for, and what is added to them.
const NESTED_CODE: u64 = 1_024 + 4;

impl Nf4 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let elements = input.checked_mul(output)?;
        let blocks = elements.div_ceil(BLOCK);
        let (scales, description) = if self.double_quant {
            let nested = blocks.div_ceil(NESTED_BLOCK).checked_mul(WORD)?;
            (blocks.checked_add(nested)?, CODE + NESTED_CODE)
        } else {
            (blocks.checked_mul(WORD)?, CODE)
        };
        Some(Parts {
            elements: elements.div_ceil(2),
            scales,
            description,
            ..Parts::default()
        })
    }
}

/// `LLM.int8()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Int8;

impl Int8 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        Some(Parts {
            elements: input.checked_mul(output)?,
            scales: output.checked_mul(WORD)?,
            ..Parts::default()
        })
    }
}
