//! Norms over the residual stream.

use alloc::format;

use super::Part;
use crate::source::hf::draft::Block;

/// A norm over the residual stream.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Norm {
    name: &'static str,
    bias: bool,
    suffix: &'static str,
}

/// How the names of weights end.
const WEIGHT: &str = ".weight";

impl Norm {
    /// A norm with a weight (RMS norm).
    pub(in crate::source::hf) const fn rms(name: &'static str) -> Self {
        Self {
            name,
            bias: false,
            suffix: WEIGHT,
        }
    }

    /// A norm with a weight and a bias (layer norm).
    pub(in crate::source::hf) const fn layer(name: &'static str) -> Self {
        Self {
            name,
            bias: true,
            suffix: WEIGHT,
        }
    }

    /// A norm whose weight goes by the norm's name alone.
    pub(in crate::source::hf) const fn without_suffix(name: &'static str) -> Self {
        Self {
            name,
            bias: false,
            suffix: "",
        }
    }
}

impl Part for Norm {
    fn write(&self, block: &mut Block<'_>) {
        let width = block.embedding();
        block.tensor(&format!("{}{}", self.name, self.suffix), &[width]);
        if self.bias {
            block.tensor(&format!("{}.bias", self.name), &[width]);
        }
    }
}
