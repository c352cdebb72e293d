//! Compute buffers to the byte: the graph that llama.cpp reserves, and its allocator.

mod allocator;
mod attention;
mod block;
mod decoder;
mod family;
mod feed_forward;
mod latent;
mod node;
mod output;
mod recurrent;
mod sample;
mod schedule;
mod simulate;

use alloc::vec::Vec;

use super::batch::Batch;
use super::placement::Placement;
use super::settings::{LlamaCpp, SplitMode};
use super::weights::Bytes;
use crate::engine::EngineError;
use crate::model::Model;

pub(super) use self::block::{Block, blocks};
pub(super) use self::family::{Fidelity, fidelity};
pub(super) use self::output::{Output, output};
pub(super) use self::sample::{kinds, sample};

/// The compute buffers as the engine's own graph and allocator make them.
pub(super) fn compute(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    batch: &Batch,
    blocks: &[Block],
    output: &Output,
    gpus: usize,
) -> Result<Bytes, EngineError> {
    let layers: Vec<_> = blocks
        .iter()
        .filter_map(|block| Some((model.layers.get(block.index)?, block)))
        .collect();
    let graph = decoder::decoder(settings, model, placement, batch, &layers, output)?;
    let pipeline = is_pipeline(settings, model, placement, gpus);
    let peaks = simulate::peaks(graph, gpus, pipeline);
    Ok(Bytes {
        gpus: peaks.gpus,
        host: peaks.host,
    })
}

/// Several GPUs work as a pipeline where they hold everything (`llama-context.cpp`).
fn is_pipeline(settings: &LlamaCpp, model: &Model, placement: &Placement, gpus: usize) -> bool {
    gpus > 1
        && settings.split_mode == SplitMode::Layer
        && settings.kv_offload
        && placement.offloaded > model.layers.len()
        && !placement.has_overrides()
}
