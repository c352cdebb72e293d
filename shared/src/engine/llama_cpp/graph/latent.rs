//! Latent attention (MLA) in its absorbed form: queries meet the compressed keys directly.
//!
//! Source: llama.cpp 0.6.0, `models/deepseek2.cpp` and `llama-graph.cpp` (`build_attn_mha`).

use super::super::flash_attention::has_kernel;
use super::super::placement::Place;
use super::super::weights::cuda_row_padding;
use super::block::{Block, LatentBlock};
use super::decoder::{CacheInputs, Decoder};
use super::hyper::Fused;
use super::node::Id;
use crate::model::{Attention, HeadAttention, LatentAttention, Span};
use crate::quant::TensorType;

impl Decoder<'_> {
    /// Latent attention, its output projection included.
    pub(super) fn latent_attention(
        &mut self,
        block: &Block,
        tensors: &LatentBlock,
        latent: LatentAttention,
        from: Id,
    ) -> Id {
        let Some(inputs) = self.inputs_for(latent.span) else {
            return from;
        };
        let tokens = self.tokens;
        let row = latent.latent_dim + latent.rope_dim;
        let nope_dim = latent.key_dim.saturating_sub(latent.rope_dim);

        let mut query = from;
        if tensors.query_a.is_some() {
            query = self.projected(tensors.query_a, None, query);
            query = self.norm(query, tensors.query_a_norm, None);
        }
        if let (Some(indexer), Some(inputs)) = (&block.indexer, self.indexer) {
            self.chosen_tokens = Some(self.choose_tokens(block, indexer, &inputs, query, from));
        }
        let query = self.projected(tensors.query_b.or(block.query), None, query);
        let nope = self
            .graph
            .view(query, [nope_dim, tokens, latent.query_heads, 1]);
        let absorbed = match tensors.key_b {
            Some(weight) => self.graph.matrix(weight, nope),
            None => nope,
        };
        let absorbed = self
            .graph
            .view(absorbed, [latent.latent_dim, latent.query_heads, tokens, 1]);
        let rotary = self
            .graph
            .view(query, [latent.rope_dim, latent.query_heads, tokens, 1]);
        let rotary = self.positioned(block, rotary, None, false);
        let query = self
            .graph
            .own([row, latent.query_heads, tokens, 1], &[absorbed, rotary]);
        let query = match self.temperature {
            Some(temperature) => self.graph.map(&[query, temperature]),
            None => query,
        };

        let compressed = self.projected(tensors.compress, None, from);
        let value = self
            .graph
            .view(compressed, [latent.latent_dim, tokens, 1, 1]);
        let value = self.norm(value, tensors.compress_norm, None);
        let value = self.graph.view(value, [latent.latent_dim, 1, tokens, 1]);
        let rotary = self.graph.view(compressed, [latent.rope_dim, 1, tokens, 1]);
        let rotary = match tensors.rotary_norm {
            Some(_) => self.norm(rotary, tensors.rotary_norm, None),
            None => rotary,
        };
        let rotary = self.positioned(block, rotary, None, false);
        let key = self.graph.own([row, 1, tokens, 1], &[value, rotary]);
        for id in [query, value, key] {
            self.graph.expand(id);
        }
        let place = block.cache_place;
        let stored = self.graph.view(key, [row, tokens, 1, 1]);
        self.graph.store(place, &[stored, inputs.key_indices]);
        let mut inputs = inputs;
        let sparse = latent.span == Span::Full;
        if let Some(chosen) = self.chosen_tokens.filter(|_| sparse) {
            inputs.mask = self.sparse_mask(inputs.mask, chosen);
        }
        let places = [block.place, place];
        let mut attended = self.attend_latent(&inputs, tensors, latent, places, query);
        if let Some(weight) = block.gate {
            let split = [latent.value_dim, latent.query_heads];
            attended = self.gated(weight, split, from, attended);
        }
        self.projected(block.output, block.output_bias, attended)
    }

    /// Attention with the keys and values of every head, made from a latent before they are
    /// cached.
    pub(super) fn decompressed_attention(
        &mut self,
        block: &Block,
        tensors: &LatentBlock,
        heads: HeadAttention,
        from: Id,
    ) -> Id {
        let Some(inputs) = self.inputs_for(heads.span) else {
            return from;
        };
        let (tokens, count) = (self.tokens, heads.query_heads);
        let mut query = from;
        if tensors.query_a.is_some() {
            query = self.projected(tensors.query_a, None, query);
            query = self.norm(query, tensors.query_a_norm, None);
        }
        let query = self.projected(tensors.query_b.or(block.query), None, query);
        let query = self.graph.view(query, [heads.key_dim, count, tokens, 1]);
        let mut query = self.positioned(block, query, None, false);
        if let Some(temperature) = self.temperature {
            query = self.graph.map(&[query, temperature]);
        }
        let query = self.rotated_key(&inputs, query);
        let compressed = self.projected(tensors.compress, None, from);
        let row = self.graph.shape(compressed)[0];
        let rank = tensors.compress_norm.map_or(row, |norm| norm.columns);
        let rope_dim = row.saturating_sub(rank);
        let latent = self
            .graph
            .slice(compressed, [rank, tokens, 1, 1], rank, row);
        let latent = self.norm(latent, tensors.compress_norm, None);
        let both = self.projected(tensors.decompress, None, latent);
        let shape = [heads.value_dim, count, tokens, 1];
        let value = self.graph.view(both, shape);
        let value = self.graph.own(shape, &[value]);
        let value = self.rotated_value(&inputs, value);
        let shape = [heads.key_dim.saturating_sub(rope_dim), count, tokens, 1];
        let nope = self.graph.view(both, shape);
        let shape = [rope_dim, 1, tokens, 1];
        let rotary = self.graph.slice(compressed, shape, rope_dim, row);
        let rotary = self.positioned(block, rotary, None, false);
        let repeated = self.graph.own([rope_dim, count, tokens, 1], &[rotary]);
        let shape = [heads.key_dim, count, tokens, 1];
        let key = self.graph.own(shape, &[nope, repeated]);
        let key = self.rotated_key(&inputs, key);
        for id in [query, value, key] {
            self.graph.expand(id);
        }
        let attended = self.attend(&inputs, block, heads, query, Some((key, value)));
        self.projected(block.output, block.output_bias, attended)
    }

    /// Attends at the place of the layer to the cache at the second.
    pub(super) fn attend_latent(
        &mut self,
        inputs: &CacheInputs,
        tensors: &LatentBlock,
        latent: LatentAttention,
        [layer, place]: [Place; 2],
        query: Id,
    ) -> Id {
        let streams = self.batch.streams;
        let per_stream = self.tokens / streams;
        let row = latent.latent_dim + latent.rope_dim;
        let heads = latent.query_heads;
        let cells = inputs.cells * streams;
        let queries = self.graph.view(query, [row, per_stream, heads, streams]);
        let cache_type = self.settings.cache_type_k;
        let keys = self.cached(place, cache_type, row, row, cells);
        // Part of each row of the keys.
        let bytes = |elements| cache_type.row_bytes(elements).unwrap_or(0);
        let values = bytes(row)
            .saturating_mul(cells.saturating_sub(1))
            .saturating_add(bytes(latent.latent_dim));
        let padding = cuda_row_padding(cache_type, latent.latent_dim);
        let values = self.graph.cache(place, values, padding);
        let width = heads * latent.value_dim;
        let decompressed = [latent.value_dim, per_stream, heads, streams];
        let attended = if self.settings.uses_flash_attention() {
            let shape = [latent.latent_dim, heads, per_stream, streams];
            let (mut keys, mut values) = (keys, values);
            if cache_type == TensorType::F32 {
                // Converted by operations of the graph.
                keys = self.graph.half([row, cells, 1, 1], &[keys]);
                values = self.graph.half([latent.latent_dim, cells, 1, 1], &[values]);
            }
            let mut sources = alloc::vec![queries, keys, values, inputs.mask];
            // Too small to decide where attention runs.
            sources.extend(tensors.sinks.map(|sinks| self.graph.table(sinks)));
            let attended = self.graph.own(shape, &sources);
            self.graph.fused(attended, Fused::Attention, layer);
            if !has_kernel(self.settings, &Attention::Latent(latent)) {
                self.graph.keep_from_gpus(attended);
            }
            if self.settings.version.plans_conversions()
                && !matches!(cache_type, TensorType::F16 | TensorType::F32)
            {
                let converted = |row: u64| cells.saturating_mul(row).saturating_mul(2);
                self.graph.add_extra(attended, converted(row));
                // Copies of values are no part of the keys' any more.
                let values = converted(latent.latent_dim);
                self.graph.add_extra_of_copies(attended, values);
            }
            self.graph
                .view(attended, [latent.latent_dim, per_stream, heads, streams])
        } else {
            let element = if self.settings.cache_type_k == TensorType::F32 {
                4
            } else {
                2
            };
            let value = self.graph.transposed(
                [inputs.cells, latent.latent_dim, 1, streams],
                element,
                &[values],
            );
            let scores = self
                .graph
                .own([inputs.cells, per_stream, heads, streams], &[keys, queries]);
            let scores = match tensors.sinks {
                Some(sinks) => self.graph.weigh_with(&[scores, inputs.mask], sinks, &[]),
                None => self.graph.map(&[scores, inputs.mask]),
            };
            self.graph.own(
                [latent.latent_dim, per_stream, heads, streams],
                &[value, scores],
            )
        };
        let attended = match tensors.value_b {
            Some(weight) => self.graph.matrix(weight, attended),
            None => attended,
        };
        let attended = self.graph.view(attended, decompressed);
        let flat = [width, self.tokens, 1, 1];
        let joined = if self.settings.uses_flash_attention() {
            // Copied as it is, and seen as one row for each token.
            let copied = self.graph.own(decompressed, &[attended]);
            self.graph.view(copied, flat)
        } else {
            self.graph.own(flat, &[attended])
        };
        self.graph.expand(joined);
        joined
    }
}
