//! MXFP4: 4-bit floating point and an 8-bit exponent per 32 input channels.
//!
//! Source: OCP microscaling formats 1.0; the experts of gpt-oss (`*_blocks`, `*_scales`).

use super::Parts;

/// MXFP4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mxfp4;

impl Mxfp4 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        const GROUP: u64 = 32;
        Some(Parts {
            elements: input.div_ceil(2).checked_mul(output)?,
            scales: input.div_ceil(GROUP).checked_mul(output)?,
            ..Parts::default()
        })
    }
}
