//! The parts that blocks are made of. Each knows its tensors by their GGUF names and what it
//! caches; families put them together.

mod attention;
mod feed_forward;
mod norm;

pub(super) use attention::{Heads, QueryKeyNorm};
pub(super) use feed_forward::{Dense, Gate};
pub(super) use norm::Norm;

use super::draft::Block;

/// A part of a block.
pub(super) trait Part {
    /// Adds the part's tensors to the block, and what it keeps in memory.
    fn write(&self, block: &mut Block<'_>);
}
