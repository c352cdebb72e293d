//! A residual stream of several lanes (hyper-connections).

use alloc::format;

use super::Part;
use crate::source::hf::draft::{Block, Draft};

/// What leads a residual stream of several lanes through a block.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Lanes {
    /// Lanes.
    pub count: u64,
    /// They are mixed with one another (DeepSeek-V4).
    pub mixes: bool,
}

impl Lanes {
    /// What makes the lanes one stream before the output.
    pub(in crate::source::hf) fn write_output(&self, draft: &mut Draft) {
        let width = draft.embedding().saturating_mul(self.count);
        draft.tensor("output_hc_fn.weight", &[width, self.count]);
        draft.tensor("output_hc_base.weight", &[self.count]);
        draft.tensor("output_hc_scale.weight", &[1]);
    }
}

impl Part for Lanes {
    fn write(&self, block: &mut Block<'_>) {
        let width = block.embedding().saturating_mul(self.count);
        let mixed = if self.mixes { self.count } else { 0 };
        let weights = self.count.saturating_mul(mixed.saturating_add(2));
        let scales = if self.mixes { 3 } else { 2 };
        for part in ["attn", "ffn"] {
            block.tensor(&format!("hc_{part}_fn.weight"), &[width, weights]);
            block.tensor(&format!("hc_{part}_base.weight"), &[weights]);
            block.tensor(&format!("hc_{part}_scale.weight"), &[scales]);
        }
    }
}
