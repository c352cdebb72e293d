//! Compute buffers to the byte: the graph that llama.cpp reserves, and its allocator.

mod allocator;
mod altup;
mod attention;
mod block;
mod block_sparse;
mod compressor;
mod decoder;
mod every_context;
mod family;
mod feed_forward;
mod guess;
mod hyper;
mod independent;
mod kimi_delta;
mod latent;
mod layer;
mod lightning;
mod line;
mod node;
mod output;
mod passes;
mod per_layer;
mod plamo2;
mod pooled;
mod prediction;
mod recurrent;
mod repeat;
mod residual_attention;
mod rwkv;
mod sample;
mod schedule;
mod shared_key;
mod simulate;
mod sparse;
mod state;
mod switch;

use alloc::vec::Vec;

use super::batch::{Batch, CONTEXT_STEP};
use super::placement::Placement;
use super::settings::{LlamaCpp, SplitMode};
use super::weights::Bytes;
use crate::engine::EngineError;
use crate::model::Model;

pub(super) use self::block::{Blocks, blocks};
use self::decoder::LayerBlock;
pub(super) use self::every_context::EveryContext;
pub(super) use self::family::{Fidelity, fidelity};
pub(super) use self::guess::GUESSES;
use self::hyper::Fused;
pub(super) use self::hyper::Fusions;
use self::node::Graph;
pub(super) use self::output::{Output, output};
pub(super) use self::prediction::is_measured as is_prediction_measured;
use self::sample::Sample;
use self::simulate::{Peaks, Scheduled};

/// Batches of fewer tokens have the last operation of each layer where the layer is
/// (`llama-context.cpp`, `graph_get_cb`).
const PINNING_BATCH: u64 = 32;

/// What the graph is built from, the batch aside.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) settings: &'a LlamaCpp,
    pub(super) model: &'a Model,
    pub(super) placement: &'a Placement,
    pub(super) blocks: &'a Blocks,
    pub(super) output: &'a Output,
    pub(super) gpus: usize,
    /// Values are laid out for flash attention, whether it runs or not.
    pub(super) values_by_rows: bool,
    /// Which guess of an architecture never seen the graph is for.
    pub(super) guess: Option<usize>,
    /// Which steps of hyper-connections are operations of their own.
    pub(super) fusions: Fusions,
}

impl Parts<'_> {
    /// The compute buffers as the engine's own graph and allocator make them.
    pub(super) fn compute(&self, batch: &Batch) -> Result<Bytes, EngineError> {
        for sample in self.blocks.samples() {
            let graph = self.planned(batch, &sample)?;
            let scheduled = Scheduled::new(&graph, self.is_pipeline());
            if let Some(scheduled) = scheduled.repeating(&sample.runs) {
                return Ok(bytes(scheduled.peaks(self.gpus).after(0)));
            }
        }
        // The last sample leaves nothing out.
        Err(EngineError::TooLarge)
    }

    /// The graph for all contexts that are longer than the batch, every window and what indexers
    /// choose; `None` where they have no graph in common.
    pub(super) fn every_context(&self, batch: &Batch) -> Option<EveryContext> {
        // Kernels for a single query are chosen by the context, too.
        if batch.ubatch <= batch.sequences {
            return None;
        }
        let windows = self.model.layers.iter().filter_map(|layer| {
            let window = layer.attention.span()?.limit()?;
            window
                .checked_mul(batch.sequences)?
                .checked_add(batch.ubatch)
        });
        let chosen = self.model.layers.iter().filter_map(|layer| layer.indexer);
        let chosen = chosen.map(|indexer| indexer.top_k);
        let longest = windows.chain(chosen).chain([batch.ubatch]).max()?;
        let first = longest.checked_next_multiple_of(CONTEXT_STEP)?;
        let first = Batch {
            context: first.checked_mul(batch.streams)?,
            context_per_stream: first,
            ..*batch
        };
        self.blocks.samples().find_map(|sample| {
            EveryContext::new(&first, &sample.runs, self.is_pipeline(), |batch| {
                self.planned(batch, &sample)
            })
        })
    }

    /// Whether flash attention runs where each layer is when every sequence has one token, which
    /// the engine tries before it decides on `auto` (`llama-context.cpp`, `resolve_fused_ops`).
    pub(super) fn attention_is_with_layers(&self) -> Result<bool, EngineError> {
        self.is_with_layers(Fused::Attention, Fusions::ALL)
    }

    /// Which steps of hyper-connections the engine finds to run where each layer is, one after the
    /// other.
    pub(super) fn fusions_with_layers(&self) -> Result<Fusions, EngineError> {
        let mut fusions = Fusions::ALL;
        if !self.blocks.have_connections() {
            return Ok(fusions);
        }
        for step in Fusions::STEPS {
            if !self.is_with_layers(step, fusions)? {
                fusions = fusions.without(step);
            }
        }
        Ok(fusions)
    }

    fn is_with_layers(&self, operation: Fused, fusions: Fusions) -> Result<bool, EngineError> {
        let batch = Batch::new(self.settings, CONTEXT_STEP)?;
        let batch = Batch {
            ubatch: batch.sequences,
            outputs: batch.sequences,
            ..batch
        };
        // Small batches, or all on GPUs: the engine puts the last operation where its layer is.
        let pins_layers =
            batch.sequences < PINNING_BATCH || self.placement.offloaded > self.model.layers.len();
        // Of the layers of a run all that are kept have one of the others' neighbours.
        let sample = self.blocks.samples().next().unwrap_or_default();
        let graph = self.graph(&batch, &sample, fusions, pins_layers)?;
        Ok(schedule::is_with_layers(&graph.nodes(), operation))
    }

    fn is_pipeline(&self) -> bool {
        is_pipeline(self.settings, self.model, self.placement, self.gpus)
    }

    /// The graph that buffers are planned for.
    fn planned(&self, batch: &Batch, sample: &Sample) -> Result<Graph, EngineError> {
        self.graph(batch, sample, self.fusions, false)
    }

    fn graph(
        &self,
        batch: &Batch,
        sample: &Sample,
        fusions: Fusions,
        pins_layers: bool,
    ) -> Result<Graph, EngineError> {
        let layer = |&position: &usize| {
            let (index, block) = self.blocks.layer(position)?;
            Some(LayerBlock {
                index,
                layer: self.model.layers.get(index)?,
                block,
            })
        };
        let layers: Vec<_> = sample.layers.iter().filter_map(layer).collect();
        let (settings, model) = (self.settings, self.model);
        let by_rows = self.values_by_rows;
        if let (Some(tensors), Some(&layer)) = (&self.output.prediction, layers.first()) {
            return prediction::prediction(
                settings,
                model,
                batch,
                layer,
                tensors,
                self.output,
                by_rows,
            );
        }
        let slides = decoder::slides(model, &layers)?;
        let options = decoder::Options {
            family: guess::guessed(model, slides, self.guess),
            values_by_rows: self.values_by_rows,
            fusions,
            pins_layers,
        };
        let build = if model.architecture == "graniteswitch" {
            switch::switched
        } else {
            decoder::decoder
        };
        build(settings, model, batch, &layers, self.output, options)
    }
}

impl EveryContext {
    /// The compute buffers for this batch; `None` where its context is too short.
    pub(super) fn compute(&self, batch: &Batch, gpus: usize) -> Option<Bytes> {
        self.peaks(batch, gpus).map(bytes)
    }
}

fn bytes(peaks: Peaks) -> Bytes {
    Bytes {
        gpus: peaks.gpus,
        host: peaks.host,
    }
}

/// Several GPUs work as a pipeline where they hold everything (`llama-context.cpp`).
fn is_pipeline(settings: &LlamaCpp, model: &Model, placement: &Placement, gpus: usize) -> bool {
    gpus > 1
        && settings.split_mode == SplitMode::Layer
        && settings.kv_offload
        && placement.offloaded > model.layers.len()
        && !placement.has_overrides()
}
