//! The integers of compressed-tensors.
//!
//! Source: the parameters that vLLM 0.33.0 creates for `pack-quantized` and `int-quantized`
//! checkpoints (`compressed_tensors/schemes`).

use super::{HALF, Parts, WORD, groups, packed};

/// Integers packed in 32-bit words (`pack-quantized`: W4A16, W8A16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PackedIntegers {
    /// Bits of an element.
    pub bits: u32,
    /// Input channels that share a scale; `None` for all of them.
    pub group_size: Option<u32>,
    /// Without zero points.
    pub symmetric: bool,
    /// The channels were quantized in the order of their activations, and keep the group of
    /// each (`actorder: group`).
    pub act_order: bool,
}

impl PackedIntegers {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        /// Two 64-bit integers.
        const SHAPE: u64 = 16;
        let groups = groups(input, self.group_size);
        Some(Parts {
            elements: packed(input, self.bits)?.checked_mul(output)?,
            scales: groups.checked_mul(output)?.checked_mul(HALF)?,
            zeros: if self.symmetric {
                0
            } else {
                packed(output, self.bits)?.checked_mul(groups)?
            },
            order: if self.act_order {
                input.checked_mul(WORD)?
            } else {
                0
            },
            description: SHAPE,
        })
    }
}

/// 8-bit integers with scales in single precision (`int-quantized`: W8A8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScaledInt8 {
    /// A scale per output channel; else one for the whole matrix.
    pub per_channel: bool,
    /// The scale of the activations is stored too.
    pub static_input: bool,
}

impl ScaledInt8 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let scales = if self.per_channel { output } else { 1 };
        let scales = scales.checked_add(self.static_input.into())?;
        Some(Parts {
            elements: input.checked_mul(output)?,
            scales: scales.checked_mul(WORD)?,
            ..Parts::default()
        })
    }
}
