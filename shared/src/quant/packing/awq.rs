//! AWQ in its GEMM layout: integers in 32-bit words along the output channels, a scale and a
//! zero point per group of input channels.
//!
//! Source: AutoAWQ 0.2.9, `modules/linear/gemm.py`; the GEMV layout has the same sizes where the
//! groups are whole.

use super::{HALF, Parts, groups, packed};

/// AWQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Awq {
    /// Bits of an element.
    pub bits: u32,
    /// Input channels that share a scale; `None` for one group over all of them.
    pub group_size: Option<u32>,
}

impl Awq {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let groups = groups(input, self.group_size);
        let row = packed(output, self.bits)?;
        Some(Parts {
            elements: row.checked_mul(input)?,
            scales: groups.checked_mul(output)?.checked_mul(HALF)?,
            zeros: groups.checked_mul(row)?,
            ..Parts::default()
        })
    }
}
