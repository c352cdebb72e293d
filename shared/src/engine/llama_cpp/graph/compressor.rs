//! Compressors: several tokens become one key of a cache of its own, by weights that the tokens
//! themselves give. Tokens that do not fill a key yet stay in a state.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/deepseek4.cpp`
//! (`build_overlap_compressed_kv_from_state`, `build_hca_compressed_kv_from_state`),
//! `llama-kv-cache-dsv4.cpp` (`dsv4_build_reserve_comp_plan`) and `llama-graph.cpp`
//! (`dsv4_build_comp_inputs`).

use super::super::batch::Batch;
use super::super::cache;
use super::super::settings::LlamaCpp;
use super::block::{Block, Part};
use super::decoder::{Decoder, LayerBlock, Rotation};
use super::node::{Graph, Id};
use super::shared_key::FINE;
use crate::engine::EngineError;
use crate::model::{Attention, Model, RecurrentState};

/// Bytes of an element of a state: always `f32`.
const ELEMENT_BYTES: u64 = 4;
/// Tokens that become one key of the coarser kind.
const COARSE: u64 = 128;

/// A compressor's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compressor {
    /// Tokens that become one key.
    pub(super) ratio: u64,
    key: Part,
    gate: Part,
    /// Added to the weights, by the token's place among those of its key.
    positions: Part,
    norm: Part,
}

impl Compressor {
    /// The compressor of this name, where there is one.
    pub(super) fn new(name: &str, ratio: u64, get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        let tensor = |part: &str| get(&alloc::format!("{name}_{part}.weight"));
        Some(Self {
            ratio,
            key: tensor("kv")?,
            gate: tensor("gate")?,
            positions: tensor("ape")?,
            norm: tensor("norm")?,
        })
    }

    fn dim(&self) -> u64 {
        self.norm.columns
    }

    /// Whether each key is of the tokens of the one before too.
    fn overlaps(&self) -> bool {
        self.ratio == FINE
    }
}

/// The inputs of all compressors of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compressed {
    /// Of each token among those of its key.
    positions: Id,
    /// Which tokens stay in the state, and where.
    kept: Id,
    kept_at: Id,
    /// Which tokens become keys, where, and at which positions.
    read: Id,
    stored_at: Id,
    key_positions: Id,
    /// Keys that a micro-batch can fill.
    keys: u64,
    /// Tokens that stay in the states.
    kept_tokens: u64,
    /// Tokens of the states of all sequences.
    state_tokens: u64,
    /// Cells of the cache in each stream.
    pub(super) cells: u64,
    pub(super) mask: Id,
    pub(super) rotation: Option<Rotation>,
}

/// The inputs of all compressors.
#[derive(Debug, Clone, Copy)]
pub(super) struct CompressedInputs {
    fine: Compressed,
    coarse: Compressed,
    pub(super) indexer: Compressed,
}

impl CompressedInputs {
    /// The inputs of the compressors of so many tokens to a key.
    pub(super) fn of(&self, ratio: u64) -> Compressed {
        if ratio == FINE {
            self.fine
        } else {
            self.coarse
        }
    }

    /// The inputs, where layers have compressors.
    pub(super) fn new(
        graph: &mut Graph,
        settings: &LlamaCpp,
        batch: &Batch,
        tokens: u64,
        layers: &[LayerBlock<'_>],
    ) -> Result<Option<Self>, EngineError> {
        let dim = layers.iter().find_map(|each| match each.layer.attention {
            Attention::Heads(heads) if is_compressor(each.layer.recurrent) => Some(heads.key_dim),
            _ => None,
        });
        let Some(dim) = dim else {
            return Ok(None);
        };
        let indexer = layers.iter().find_map(|each| each.layer.indexer);
        let indexed = indexer.map_or(0, |indexer| indexer.key_dim);
        // Quantized keys are rotated, and an indexer's always (`llama-kv-cache.cpp`).
        let quantized = settings.cache_type_k.is_quantized() && dim.is_multiple_of(64);
        let mut rotation = |rotates, dim: u64| {
            (rotates && dim > 0).then(|| {
                let size = 1 << dim.trailing_zeros();
                let matrix = graph.input([size, size, 1, 1], 4);
                Rotation { matrix, size }
            })
        };
        let [fine, coarse] = [(); 2].map(|()| rotation(quantized, dim));
        let own = rotation(true, indexed);
        let element = if settings.uses_flash_attention() {
            2
        } else {
            4
        };
        let mut kind = |ratio, rotation, element| {
            Compressed::new(graph, batch, tokens, ratio, rotation, element)
        };
        Ok(Some(Self {
            fine: kind(FINE, fine, element)?,
            coarse: kind(COARSE, coarse, element)?,
            indexer: kind(FINE, own, 2)?,
        }))
    }
}

/// Whether what a layer keeps beside its cache is a compressor's.
pub(super) fn is_compressor(state: Option<RecurrentState>) -> bool {
    matches!(state, Some(RecurrentState::Compressor { .. }))
}

/// The batch as models with compressors see it: caches have a stream for each sequence even where
/// they are asked to be unified.
pub(super) fn separated(model: &Model, batch: &Batch) -> Batch {
    if model.architecture != "deepseek4" {
        return *batch;
    }
    Batch {
        streams: batch.sequences,
        unified: false,
        ..*batch
    }
}

impl Compressed {
    fn new(
        graph: &mut Graph,
        batch: &Batch,
        tokens: u64,
        ratio: u64,
        rotation: Option<Rotation>,
        element: u64,
    ) -> Result<Self, EngineError> {
        let windows = if ratio == FINE { 2 } else { 1 };
        let cells = cache::compressed_cells(batch.context_per_stream, ratio)?;
        let state_tokens = windows * ratio * batch.sequences;
        let kept_tokens = tokens.min(state_tokens);
        // Each sequence can begin within a key.
        let keys = tokens / ratio + batch.sequences;
        let mask = [cells, tokens / batch.streams, 1, batch.streams];
        let mut numbers = |count, element| graph.input([count, 1, 1, 1], element);
        Ok(Self {
            positions: numbers(tokens, 4),
            kept: numbers(kept_tokens, 4),
            kept_at: numbers(kept_tokens, 4),
            read: numbers(windows * ratio * keys, 4),
            stored_at: numbers(keys, 8),
            key_positions: numbers(keys, 4),
            keys,
            kept_tokens,
            state_tokens,
            cells,
            mask: graph.input(mask, element),
            rotation,
        })
    }
}

impl Decoder<'_> {
    /// Stores the keys that the tokens fill, and keeps the tokens of those that they do not.
    pub(super) fn compress(
        &mut self,
        block: &Block,
        compressor: &Compressor,
        inputs: Compressed,
        from: Id,
    ) {
        let place = block.cache_place;
        let width = compressor.key.rows;
        let tokens = self.tokens;
        let key = self.graph.matrix(compressor.key, from);
        let score = self.graph.matrix(compressor.gate, from);
        let shape = [width, tokens, 1, 1];
        let position = self
            .graph
            .lookup(compressor.positions, shape, &[inputs.positions]);
        let score = self.graph.map(&[score, position]);
        let read = |decoder: &mut Self, new: Id| {
            let bytes = width * inputs.state_tokens * ELEMENT_BYTES;
            let state = decoder.graph.cache(place, bytes, 0);
            let rows = inputs.state_tokens + tokens;
            let all = decoder.graph.own([width, rows, 1, 1], &[state, new]);
            if compressor.overlaps() {
                decoder.read_two_windows(compressor, inputs, all, rows)
            } else {
                decoder.read_window(compressor, inputs, all)
            }
        };
        let values = read(self, key);
        let weights = read(self, score);
        let weights = self.graph.map(&[weights]);
        let weighted = self.graph.map(&[values, weights]);
        let dim = compressor.dim();
        let sum = self.graph.own([1, dim, inputs.keys, 1], &[weighted]);
        let sum = self.graph.own([dim, 1, inputs.keys, 1], &[sum]);
        let normalized = self.norm(sum, Some(compressor.norm), None);
        let turned = self.graph.map(&[normalized, inputs.key_positions]);
        let turned = match inputs.rotation {
            Some(rotation) => self.rotated(turned, rotation),
            None => turned,
        };
        let stored = self.graph.view(turned, [dim, inputs.keys, 1, 1]);
        self.graph.store(place, &[stored, inputs.stored_at]);
        for new in [key, score] {
            let shape = [width, inputs.kept_tokens, 1, 1];
            let kept = self.graph.own(shape, &[new, inputs.kept]);
            self.graph.store(place, &[kept, inputs.kept_at]);
        }
    }

    /// The tokens of each key, those of one element beside each other.
    fn read_window(&mut self, compressor: &Compressor, inputs: Compressed, from: Id) -> Id {
        let (dim, ratio) = (compressor.dim(), compressor.ratio);
        let shape = [dim, ratio * inputs.keys, 1, 1];
        let rows = self.graph.own(shape, &[from, inputs.read]);
        let rows = self.graph.view(rows, [ratio, dim, inputs.keys, 1]);
        self.graph.own([ratio, dim, inputs.keys, 1], &[rows])
    }

    /// The same with those of the key before, for which each token has a half of its own. The
    /// first key has nothing before it: an empty row.
    fn read_two_windows(
        &mut self,
        compressor: &Compressor,
        inputs: Compressed,
        from: Id,
        count: u64,
    ) -> Id {
        let (dim, ratio) = (compressor.dim(), compressor.ratio);
        let width = compressor.key.rows;
        let empty = self.graph.view(from, [width, 1, 1, 1]);
        let empty = self.graph.map(&[empty]);
        let empty = self.graph.view(empty, [width, 1, 1, 1]);
        let all = self.graph.own([width, count + 1, 1, 1], &[from, empty]);
        let each = ratio * inputs.keys;
        let rows = self.graph.own([width, 2 * each, 1, 1], &[all, inputs.read]);
        let half = |decoder: &mut Self| {
            let shape = [dim, each, 1, 1];
            let half = decoder.graph.slice(rows, shape, dim, width);
            let half = decoder.graph.own(shape, &[half]);
            decoder.graph.view(half, [dim, ratio, inputs.keys, 1])
        };
        let halves = [half(self), half(self)];
        let shape = [dim, 2 * ratio, inputs.keys, 1];
        let both = self.graph.own(shape, &halves);
        let shape = [2 * ratio, dim, inputs.keys, 1];
        let both = self.graph.view(both, shape);
        self.graph.own(shape, &[both])
    }
}
