//! MXFP8: 8-bit floating point and an 8-bit exponent per 32 input channels.
//!
//! Source: OCP microscaling formats 1.0; ModelOpt's `MXFP8`.

use super::Parts;

/// MXFP8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mxfp8;

impl Mxfp8 {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        const GROUP: u64 = 32;
        Some(Parts {
            elements: input.checked_mul(output)?,
            scales: input.div_ceil(GROUP).checked_mul(output)?,
            ..Parts::default()
        })
    }
}
