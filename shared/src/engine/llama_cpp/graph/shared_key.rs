//! Attention whose heads share one key, which is its own value, over a window of tokens and what
//! compressors made of those before; an indexer chooses among the finer of them.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/deepseek4.cpp` (`build_attention_impl`).

use super::super::flash_attention::has_kernel;
use super::super::weights::cuda_row_padding;
use super::block::{Block, Part};
use super::compressor::{Compressed, CompressedInputs, Compressor};
use super::decoder::{CacheInputs, Decoder};
use super::hyper::Fused;
use super::node::Id;
use crate::model::{Attention, HeadAttention, Indexer, Layer, RecurrentState};
use crate::quant::TensorType;

/// Tokens that become one key of the finer kind.
pub(super) const FINE: u64 = 4;

/// The tensors of the attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct SharedKeyBlock {
    query_a: Part,
    query_a_norm: Part,
    query_b: Part,
    key: Part,
    key_norm: Part,
    output_a: Part,
    output_b: Part,
    compressor: Option<Compressor>,
    indexer: Option<KeyIndexer>,
}

/// An indexer over compressed keys, with a compressor of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeyIndexer {
    geometry: Indexer,
    query: Part,
    weights: Part,
    compressor: Compressor,
}

impl SharedKeyBlock {
    /// The tensors, where the block has such attention.
    pub(super) fn new(layer: &Layer, get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        let ratio = match layer.recurrent {
            Some(RecurrentState::Compressor { ratio, .. }) => Some(ratio),
            _ => None,
        };
        let compressor = |name| ratio.and_then(|ratio| Compressor::new(name, ratio, &get));
        let indexer = || {
            Some(KeyIndexer {
                geometry: layer.indexer?,
                query: get("indexer.attn_q_b.weight")?,
                weights: get("indexer.proj.weight")?,
                compressor: compressor("indexer_compressor")?,
            })
        };
        Some(Self {
            query_a: get("attn_q_a.weight")?,
            query_a_norm: get("attn_q_a_norm.weight")?,
            query_b: get("attn_q_b.weight")?,
            key: get("attn_kv.weight")?,
            key_norm: get("attn_kv_a_norm.weight")?,
            output_a: get("attn_output_a.weight")?,
            output_b: get("attn_output_b.weight")?,
            compressor: compressor("attn_compressor"),
            indexer: indexer(),
        })
    }
}

/// The keys that attention reads, twice: as keys and as values.
struct Keys {
    sources: [Id; 2],
    /// In each stream.
    cells: u64,
    mask: Id,
}

impl Decoder<'_> {
    /// The attention, its output projections included.
    pub(super) fn shared_key_attention(
        &mut self,
        block: &Block,
        tensors: &SharedKeyBlock,
        heads: HeadAttention,
        from: Id,
    ) -> Id {
        let Some(inputs) = self.inputs_for(heads.span) else {
            return from;
        };
        let tokens = self.tokens;
        let low = self.graph.matrix(tensors.query_a, from);
        let low = self.norm(low, Some(tensors.query_a_norm), None);
        let query = self.graph.matrix(tensors.query_b, low);
        let shape = [heads.key_dim, heads.query_heads, tokens, 1];
        let query = self.graph.view(query, shape);
        let query = self.graph.map(&[query]);
        let query = self.turned_by_position(query);
        let key = self.graph.matrix(tensors.key, from);
        let key = self.norm(key, Some(tensors.key_norm), None);
        let key = self.graph.view(key, [heads.key_dim, 1, tokens, 1]);
        let key = self.turned_by_position(key);
        let compressed = tensors.compressor.zip(self.compressed);
        if let Some((compressor, inputs)) = compressed {
            self.compress(block, &compressor, inputs.of(compressor.ratio), from);
            if let Some(indexer) = tensors.indexer {
                self.compress(block, &indexer.compressor, inputs.indexer, from);
            }
        }
        let chosen = tensors
            .indexer
            .zip(self.compressed)
            .map(|(indexer, inputs)| self.choose_keys(block, indexer, &inputs, low, from));
        let query = self.rotated_key(&inputs, query);
        let key = self.rotated_key(&inputs, key);
        self.graph.expand(query);
        self.graph.expand(key);
        let stored = self.graph.view(key, [heads.key_dim, tokens, 1, 1]);
        let place = block.cache_place;
        self.graph.store(place, &[stored, inputs.key_indices]);
        let further = compressed.map(|(compressor, inputs)| inputs.of(compressor.ratio));
        let keys = self.keys(block, heads, &inputs, further, chosen);
        let attended = self.attend_to_keys(block, heads, query, &keys);
        let attended = self.rotated_key(&inputs, attended);
        let shape = [heads.value_dim, heads.query_heads, tokens, 1];
        let attended = self.graph.view(attended, shape);
        let attended = self.turned_by_position(attended);
        self.grouped_output(tensors, heads, attended)
    }

    fn turned_by_position(&mut self, from: Id) -> Id {
        match self.positions {
            Some(positions) => self.graph.map(&[from, positions]),
            None => from,
        }
    }

    /// The first projection of the output is one for each group of heads.
    fn grouped_output(&mut self, tensors: &SharedKeyBlock, heads: HeadAttention, from: Id) -> Id {
        let tokens = self.tokens;
        let width = heads.value_dim * heads.query_heads;
        let each = tensors.output_a.columns;
        let groups = width.checked_div(each).unwrap_or(1);
        // Files have the groups' matrices beside each other or in one.
        let ranks = tensors.output_b.columns;
        let rows = ranks.checked_div(groups).unwrap_or(ranks);
        let first = Part {
            rows,
            ..tensors.output_a
        };
        let grouped = self.graph.view(from, [each, tokens, groups, 1]);
        let low = self.graph.matrix(first, grouped);
        let low = self.graph.own([ranks, tokens, 1, 1], &[low]);
        self.graph.matrix(tensors.output_b, low)
    }

    /// The compressed keys that the layer's indexer chooses; `low` is the compressed query.
    fn choose_keys(
        &mut self,
        block: &Block,
        indexer: KeyIndexer,
        inputs: &CompressedInputs,
        low: Id,
        from: Id,
    ) -> Id {
        let Indexer { heads, key_dim, .. } = indexer.geometry;
        let query = self.graph.matrix(indexer.query, low);
        let query = self.graph.view(query, [key_dim, heads, self.tokens, 1]);
        let query = self.turned_by_position(query);
        let query = match inputs.indexer.rotation {
            Some(rotation) => self.rotated(query, rotation),
            None => query,
        };
        let weights = self.graph.matrix(indexer.weights, from);
        let weights = self.graph.map(&[weights]);
        let Compressed { cells, mask, .. } = inputs.indexer;
        let cache_type = self.settings.cache_type_k;
        let all = cells.saturating_mul(self.batch.streams);
        let keys = self.cached(block.cache_place, cache_type, key_dim, key_dim, all);
        self.best_tokens(indexer.geometry, [query, keys, weights, mask])
    }

    /// The keys of the window, and after them the compressed ones of which some may be chosen.
    fn keys(
        &mut self,
        block: &Block,
        heads: HeadAttention,
        inputs: &CacheInputs,
        compressed: Option<Compressed>,
        chosen: Option<Id>,
    ) -> Keys {
        let (streams, place) = (self.batch.streams, block.cache_place);
        let cache_type = self.settings.cache_type_k;
        let dim = heads.key_dim;
        let cached = |decoder: &mut Self, cells: u64| {
            decoder.cached(place, cache_type, dim, dim, cells.saturating_mul(streams))
        };
        let Some(compressed) = compressed else {
            return Keys {
                sources: [cached(self, inputs.cells), cached(self, inputs.cells)],
                cells: inputs.cells,
                mask: inputs.mask,
            };
        };
        let cells = inputs.cells.saturating_add(compressed.cells);
        let both = [cached(self, inputs.cells), cached(self, compressed.cells)];
        let row = cache_type.row_bytes(dim).unwrap_or(0);
        let keys = self.graph.transposed([row, 1, cells, streams], 1, &both);
        self.graph
            .add_extra(keys, cuda_row_padding(cache_type, dim));
        let shape = self.graph.shape(keys);
        let sources = [self.graph.view(keys, shape), self.graph.view(keys, shape)];
        let mask = match chosen {
            Some(chosen) => {
                let [count, per_stream, ..] = self.graph.shape(chosen);
                let shape = [1, count, per_stream, streams];
                let zeros = self.graph.leaf_like(shape, compressed.mask);
                self.mask_with(zeros, compressed.mask, chosen)
            }
            None => compressed.mask,
        };
        let [_, per_stream, ..] = self.graph.shape(inputs.mask);
        let shape = [cells, per_stream, 1, streams];
        let mask = self.graph.own_like(shape, &[inputs.mask, mask]);
        Keys {
            sources,
            cells,
            mask,
        }
    }

    fn attend_to_keys(
        &mut self,
        block: &Block,
        heads: HeadAttention,
        query: Id,
        keys: &Keys,
    ) -> Id {
        let streams = self.batch.streams;
        let per_stream = self.tokens / streams;
        let (dim, count) = (heads.key_dim, heads.query_heads);
        let cache_type = self.settings.cache_type_k;
        let by_head = [dim, per_stream, count, streams];
        let by_token = [dim, count, per_stream, streams];
        let joined = [dim * count, self.tokens, 1, 1];
        let queries = self.graph.view(query, by_head);
        let elements = keys.cells.saturating_mul(streams).saturating_mul(dim);
        let [mut key, mut value] = keys.sources;
        if self.settings.uses_flash_attention() {
            if cache_type == TensorType::F32 {
                // Converted by operations of the graph.
                let shape = [dim, keys.cells, 1, streams];
                key = self.graph.half(shape, &[key]);
                value = self.graph.half(shape, &[value]);
            }
            let mut sources = alloc::vec![queries, key, value, keys.mask];
            sources.extend(block.sinks.map(|sinks| self.graph.table(sinks)));
            let attended = self.graph.own(by_token, &sources);
            self.graph.fused(attended, Fused::Attention, block.place);
            if !has_kernel(self.settings, &Attention::Heads(heads)) {
                self.graph.keep_from_gpus(attended);
            }
            // Values are the converted keys, where neither is a copy.
            if !matches!(cache_type, TensorType::F16 | TensorType::F32) {
                let converted = elements.saturating_mul(2);
                self.graph.add_extra(attended, converted);
                self.graph.add_extra_of_copies(attended, converted);
            }
            let attended = self.graph.view(attended, joined);
            self.graph.expand(attended);
            return attended;
        }
        let shape = [keys.cells, per_stream, count, streams];
        let scores = self.graph.own(shape, &[key, queries]);
        let scores = match block.sinks {
            Some(sinks) => self.graph.weigh_with(&[scores, keys.mask], sinks, &[]),
            None => self.graph.map(&[scores, keys.mask]),
        };
        let element = if cache_type == TensorType::F32 { 4 } else { 2 };
        let shape = [keys.cells, dim, 1, streams];
        let values = self.graph.transposed(shape, element, &[value]);
        let mixed = self.graph.own(by_head, &[values, scores]);
        let mixed = self.graph.view(mixed, by_token);
        let attended = self.graph.own(joined, &[mixed]);
        self.graph.expand(attended);
        attended
    }
}
