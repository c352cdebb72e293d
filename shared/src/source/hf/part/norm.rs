//! Norms over the residual stream.

use alloc::format;

use super::Part;
use crate::source::hf::draft::Block;

/// A norm over the residual stream.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Norm {
    name: &'static str,
    bias: bool,
}

impl Norm {
    /// A norm with a weight (RMS norm).
    pub(in crate::source::hf) const fn rms(name: &'static str) -> Self {
        Self { name, bias: false }
    }

    /// A norm with a weight and a bias (layer norm).
    pub(in crate::source::hf) const fn layer(name: &'static str) -> Self {
        Self { name, bias: true }
    }
}

impl Part for Norm {
    fn write(&self, block: &mut Block<'_>) {
        let width = block.embedding();
        block.tensor(&format!("{}.weight", self.name), &[width]);
        if self.bias {
            block.tensor(&format!("{}.bias", self.name), &[width]);
        }
    }
}
