//! MiniMax M3: an indexer with keys of its own chooses blocks of tokens for each group of heads.
//!
//! Source: llama.cpp 0.6.0, `models/minimax-m3.cpp` and `llama-kv-cache-msa.cpp`.

use super::attention::HeadNorm;
use super::block::{Block, Part};
use super::decoder::{CacheInputs, Decoder};
use super::node::{Graph, Id};
use crate::model::{HeadAttention, Indexer};

/// Tokens of a block: the same in every model so far.
const BLOCK_TOKENS: u64 = 128;
/// Positions that the engine plans for, when none is in the cache yet.
const PLANNED_POSITIONS: u64 = 256;

/// The indexer's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct BlockIndexer {
    geometry: Indexer,
    query: Part,
    query_norm: Option<Part>,
    key: Part,
    key_norm: Option<Part>,
}

impl BlockIndexer {
    /// The indexer's tensors, where the block has one.
    pub(super) fn new(
        geometry: Option<Indexer>,
        get: impl Fn(&str) -> Option<Part>,
    ) -> Option<Self> {
        Some(Self {
            geometry: geometry?,
            query: get("indexer.q_proj.weight")?,
            query_norm: get("indexer.q_norm.weight"),
            key: get("indexer.k_proj.weight")?,
            key_norm: get("indexer.k_norm.weight"),
        })
    }
}

/// The inputs of all layers that choose.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockInputs {
    key_indices: Id,
    /// For every token, which blocks come first whatever their scores.
    bias: Id,
    position_mask: Id,
    /// Where in the cache each position is, and of which block each cell is.
    position_slots: Id,
    cell_blocks: Id,
    /// The mask in `f32`.
    mask: Id,
}

impl BlockInputs {
    pub(super) fn new(graph: &mut Graph, tokens: u64, streams: u64, cached: &CacheInputs) -> Self {
        let blocks = PLANNED_POSITIONS / BLOCK_TOKENS;
        let shape = graph.shape(cached.mask);
        Self {
            key_indices: graph.input([tokens, 1, 1, 1], 8),
            bias: graph.input([blocks, tokens, 1, 1], 4),
            position_mask: graph.input([PLANNED_POSITIONS, tokens, 1, 1], 4),
            position_slots: graph.input([PLANNED_POSITIONS, streams, 1, 1], 4),
            cell_blocks: graph.input([cached.cells, streams, 1, 1], 4),
            mask: graph.own(shape, &[cached.mask]),
        }
    }
}

impl Decoder<'_> {
    /// Attention to the blocks chosen, its output projection included.
    pub(super) fn block_sparse_attention(
        &mut self,
        block: &Block,
        tensors: &BlockIndexer,
        chosen: &BlockInputs,
        heads: HeadAttention,
        from: Id,
    ) -> Id {
        let Some(inputs) = self.inputs_for(heads.span) else {
            return from;
        };
        let Indexer {
            heads: groups,
            key_dim,
            ..
        } = tensors.geometry;
        let tokens = self.tokens;
        let place = block.cache_place;
        let query = self.projected(block.query, block.query_bias, from);
        let query = self.query(&inputs, block, heads, query);
        let key = self.projected(block.key, block.key_bias, from);
        let key = self.key(&inputs, block, heads, key);
        let value = self.projected(block.value, block.value_bias, from);
        let value = self.value(&inputs, heads, value);
        let own_key = self.projected(Some(tensors.key), None, from);
        let own_key = self.graph.view(own_key, [key_dim, 1, tokens, 1]);
        let norm = HeadNorm::of(tensors.key_norm, None);
        let own_key = self.positioned(block, own_key, norm, false);
        let own_key = self.graph.view(own_key, [key_dim, tokens, 1, 1]);
        self.graph.store(place, &[own_key, chosen.key_indices]);
        let own_query = self.projected(Some(tensors.query), None, from);
        let own_query = self.graph.view(own_query, [key_dim, groups, tokens, 1]);
        let norm = HeadNorm::of(tensors.query_norm, None);
        let own_query = self.positioned(block, own_query, norm, false);
        for id in [query, key, value] {
            self.graph.expand(id);
        }
        let row = [heads.key_dim * heads.kv_heads, tokens, 1, 1];
        let stored = self.graph.view(key, row);
        self.graph.store(place, &[stored, inputs.key_indices]);
        let row = [heads.value_dim * heads.kv_heads, tokens, 1, 1];
        let stored = self.graph.view(value, row);
        let indices = inputs.value_indices.unwrap_or(inputs.key_indices);
        self.graph.store(place, &[stored, indices]);
        let mut results = None;
        let per_stream = tokens / self.batch.streams;
        let width = heads.value_dim * heads.query_heads;
        for stream in 1..=self.batch.streams {
            let mask = self.block_mask(block, tensors.geometry, chosen, inputs.cells, own_query);
            let result = self.attend_groups(block, heads, &inputs, query, mask);
            results = Some(match results {
                None => result,
                Some(before) => {
                    let joined = [width, per_stream * stream, 1, 1];
                    self.graph.own(joined, &[before, result])
                }
            });
        }
        let attended = results.unwrap_or(from);
        let attended = self.rotated_value(&inputs, attended);
        self.projected(block.output, block.output_bias, attended)
    }

    /// The mask of one stream for each group of heads.
    fn block_mask(
        &mut self,
        block: &Block,
        indexer: Indexer,
        inputs: &BlockInputs,
        cells: u64,
        query: Id,
    ) -> Id {
        let Indexer {
            heads: groups,
            key_dim,
            top_k,
        } = indexer;
        let tokens = self.tokens / self.batch.streams;
        let blocks = PLANNED_POSITIONS / BLOCK_TOKENS;
        let kept = top_k.min(blocks);
        let cache_type = self.settings.cache_type_k;
        let keys = self.cached(block.cache_place, cache_type, key_dim, key_dim, cells);
        let slots = self
            .graph
            .view(inputs.position_slots, [PLANNED_POSITIONS, 1, 1, 1]);
        let shape = [key_dim, PLANNED_POSITIONS, 1, 1];
        let keys = self.graph.own(shape, &[keys, slots]);
        let query = self.graph.view(query, [key_dim, groups * tokens, 1, 1]);
        let shape = [PLANNED_POSITIONS, groups * tokens, 1, 1];
        let scores = self.graph.own(shape, &[keys, query]);
        let mask = [PLANNED_POSITIONS, 1, tokens, 1];
        let mask = self.graph.view(inputs.position_mask, mask);
        let scores = self.graph.written(scores, &[mask]);
        let each = [blocks, groups, tokens, 1];
        let best = self.graph.own(each, &[scores]);
        let bias = self.graph.view(inputs.bias, [blocks, 1, tokens, 1]);
        let best = self.graph.map(&[best, bias]);
        let shape = [kept, groups, tokens, 1];
        let chosen = self.graph.own(shape, &[best]);
        let zeros = self.graph.own(shape, &[chosen]);
        let zeros = self.graph.map(&[zeros]);
        let none = self.graph.map(&[bias]);
        let none = self.graph.half([blocks, 1, tokens, 1], &[none]);
        let none = self.graph.half(each, &[none]);
        let flags = self.graph.written(none, &[zeros, chosen]);
        let flags = self.graph.half([blocks, tokens, groups, 1], &[flags]);
        let flags = self.graph.half([tokens * groups, blocks, 1, 1], &[flags]);
        let of_cells = self.graph.view(inputs.cell_blocks, [cells, 1, 1, 1]);
        let spread = [tokens * groups, cells, 1, 1];
        let spread = self.graph.own(spread, &[flags, of_cells]);
        let shape = [cells, tokens * groups, 1, 1];
        let spread = self.graph.own(shape, &[spread]);
        let causal = self.graph.view(inputs.mask, [cells, tokens, 1, 1]);
        let mask = self.graph.written(spread, &[causal]);
        self.graph.half([cells, tokens, 1, groups], &[mask])
    }

    fn attend_groups(
        &mut self,
        block: &Block,
        heads: HeadAttention,
        inputs: &CacheInputs,
        query: Id,
        mask: Id,
    ) -> Id {
        let tokens = self.tokens / self.batch.streams;
        let shared = heads.query_heads / heads.kv_heads.max(1);
        let query = self
            .graph
            .view(query, [heads.key_dim, tokens, shared, heads.kv_heads]);
        let mut sources = alloc::vec![query];
        let mut converted = 0_u64;
        for (tensor_type, dim) in [
            (self.settings.cache_type_k, heads.key_dim),
            (self.settings.cache_type_v, heads.value_dim),
        ] {
            let row = dim * heads.kv_heads;
            sources.push(self.cached(block.cache_place, tensor_type, row, dim, inputs.cells));
            if tensor_type != crate::quant::TensorType::F16 {
                converted = converted.saturating_add(2 * inputs.cells * row);
            }
        }
        sources.push(mask);
        let shape = [heads.value_dim, shared, tokens, heads.kv_heads];
        let attended = self.graph.own(shape, &sources);
        self.graph.add_extra(attended, converted);
        let width = heads.value_dim * heads.query_heads;
        self.graph.own([width, tokens, 1, 1], &[attended])
    }
}
