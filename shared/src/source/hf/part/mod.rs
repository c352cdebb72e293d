//! The parts that blocks are made of. Each knows its tensors by their GGUF names and what it
//! keeps in memory; families put them together.

mod attention;
mod feed_forward;
mod lanes;
mod latent;
mod mixture;
mod norm;
mod prediction;
mod recurrent;

pub(super) use attention::{Heads, QueryKeyNorm};
pub(super) use feed_forward::{Dense, Gate};
pub(super) use lanes::Lanes;
pub(super) use latent::{Indexer, Latent, LatentGate};
pub(super) use mixture::{ExpertGate, Mixture, SharedExperts};
pub(super) use norm::Norm;
pub(super) use prediction::Prediction;
pub(super) use recurrent::{DeltaNet, KimiDelta, Mamba, Mamba2, ShortConvolution};

use super::draft::Block;

/// A part of a block.
pub(super) trait Part {
    /// Adds the part's tensors to the block, and what it keeps in memory.
    fn write(&self, block: &mut Block<'_>);
}

/// A part that only some blocks have.
impl<P: Part> Part for Option<&P> {
    fn write(&self, block: &mut Block<'_>) {
        if let Some(part) = self {
            part.write(block);
        }
    }
}
