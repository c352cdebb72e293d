//! Attention, with flash attention and without.

use super::super::flash_attention::has_kernel;
use super::super::placement::Place;
use super::super::weights::cuda_row_padding;
use super::block::{Block, Part};
use super::decoder::{CacheInputs, Decoder, Rotation};
use super::family::{Projections, Tempers};
use super::hyper::Fused;
use super::node::Id;
use crate::engine::EngineError;
use crate::model::{Attention, HeadAttention, Layer, Span};
use crate::quant::TensorType;

/// A norm of queries or keys.
#[derive(Clone, Copy)]
pub(super) struct HeadNorm {
    weight: Option<Part>,
    bias: Option<Part>,
}

impl HeadNorm {
    /// The norm of this weight, where there is one.
    pub(super) fn of(weight: Option<Part>, bias: Option<Part>) -> Option<Self> {
        weight.is_some().then_some(Self { weight, bias })
    }

    /// A norm without a weight.
    const BARE: Self = Self {
        weight: None,
        bias: None,
    };
}

impl Decoder<'_> {
    /// The attention part of a block, its output projection included.
    pub(super) fn attention(
        &mut self,
        layer: &Layer,
        block: &Block,
        from: Id,
    ) -> Result<Id, EngineError> {
        match layer.attention {
            Attention::Heads(heads) => {
                if let Some(tensors) = &block.shared_key {
                    return Ok(self.shared_key_attention(block, tensors, heads, from));
                }
                match (&block.latent, block.block_indexer.zip(self.block_inputs)) {
                    (_, Some((tensors, inputs))) => {
                        Ok(self.block_sparse_attention(block, &tensors, &inputs, heads, from))
                    }
                    (Some(tensors), _) if tensors.decompress.is_some() => {
                        Ok(self.decompressed_attention(block, tensors, heads, from))
                    }
                    _ => self.head_attention(block, heads, from),
                }
            }
            Attention::Latent(latent) => Ok(match (&block.latent, self.pooled) {
                (Some(tensors), Some(pooled)) => {
                    self.pooled_attention(block, tensors, latent, &pooled, from)
                }
                (Some(tensors), None) => self.latent_attention(block, tensors, latent, from),
                (None, _) => from,
            }),
            Attention::None => Ok(from),
        }
    }

    fn head_attention(
        &mut self,
        block: &Block,
        heads: HeadAttention,
        from: Id,
    ) -> Result<Id, EngineError> {
        let Some(inputs) = self.inputs_for(heads.span) else {
            return Ok(from);
        };
        let stands = self.family.rotates_windows_alone
            && heads.span == Span::Full
            && !(self.family.rotates_dense_layers && block.experts.is_none());
        self.rotates = !block.still && !stands;
        if heads.shares_cache {
            let query = self.projected(block.query, block.query_bias, from);
            let query = self.query(&inputs, block, heads, query);
            self.graph.expand(query);
            let attended = self.attend(&inputs, block, heads, query, None);
            return Ok(self.projected(block.output, block.output_bias, attended));
        }
        let mut gate = None;
        let width = heads.query_heads * heads.key_dim;
        let [keys, values] = [heads.key_dim, heads.value_dim].map(|dim| dim * heads.kv_heads);
        let (query, key, value) = match block.fused {
            Some(fused) if fused.rows == 2 * width + keys + values => {
                // Queries with their gates, keys and values are copied out of one result.
                let fused = self.projected(Some(fused), block.fused_bias, from);
                let [query, key, value] = [2 * width, keys, values]
                    .map(|columns| self.graph.own([columns, self.tokens, 1, 1], &[fused]));
                gate = Some((query, width));
                let query = self.query(&inputs, block, heads, query);
                let key = self.key(&inputs, block, heads, key);
                (query, key, self.value(&inputs, heads, value))
            }
            Some(fused) => self.fused_projections(&inputs, block, fused, heads, from),
            None => {
                let mut query = self.projected(block.query, block.query_bias, from);
                if self.graph.shape(query)[0] == 2 * width {
                    // The other half of each head gates the result.
                    gate = Some((query, width));
                    let dim = heads.key_dim;
                    let shape = [dim, heads.query_heads, self.tokens, 1];
                    query = self.graph.slice(query, shape, dim, 2 * dim);
                }
                let query = self.query(&inputs, block, heads, query);
                let key = self.projected(block.key, block.key_bias, from);
                // Gemma 4 takes the keys for values where it has no matrix for them.
                let value = match block.value {
                    Some(_) => self.projected(block.value, block.value_bias, from),
                    None => key,
                };
                let key = self.key(&inputs, block, heads, key);
                (query, key, self.value(&inputs, heads, value))
            }
        };
        let ordered = match self.family.projections {
            Projections::QueryValueKey => [query, value, key],
            Projections::QueryKeyValue => [query, key, value],
        };
        for id in ordered {
            self.graph.expand(id);
        }
        let mut attended = self.attend(&inputs, block, heads, query, Some((key, value)));
        if let Some((query, width)) = gate {
            let half = self.graph.view(query, [width, self.tokens, 1, 1]);
            let gate = self.graph.own([width, self.tokens, 1, 1], &[half]);
            let gate = self.graph.map(&[gate]);
            attended = self.graph.map(&[attended, gate]);
        }
        if let Some(weight) = block.gate {
            let [width, count] = [heads.value_dim, heads.query_heads];
            attended = self.gated(weight, [width, count], from, attended);
        }
        if block.attended_norm.is_some() {
            attended = self.norm(attended, block.attended_norm, None);
        }
        Ok(self.projected(block.output, block.output_bias, attended))
    }

    /// The result of attention by a gate for each element or for each head.
    pub(super) fn gated(
        &mut self,
        weight: Part,
        [dim, heads]: [u64; 2],
        from: Id,
        attended: Id,
    ) -> Id {
        let gate = self.graph.matrix(weight, from);
        let gate = self.graph.map(&[gate]);
        if weight.rows > heads {
            return self.graph.map(&[attended, gate]);
        }
        let shape = [dim, heads, self.tokens, 1];
        let split = self.graph.view(attended, shape);
        let gate = self.graph.view(gate, [1, heads, self.tokens, 1]);
        let product = self.graph.own(shape, &[split, gate]);
        let width = dim * heads;
        self.graph.view(product, [width, self.tokens, 1, 1])
    }

    fn fused_projections(
        &mut self,
        inputs: &CacheInputs,
        block: &Block,
        fused: Part,
        heads: HeadAttention,
        from: Id,
    ) -> (Id, Id, Id) {
        let fused = self.projected(Some(fused), block.fused_bias, from);
        let row = self.graph.shape(fused)[0];
        let part = |decoder: &mut Self, dim: u64, count: u64| {
            let shape = [dim, count, decoder.tokens, 1];
            decoder.graph.slice(fused, shape, dim * count, row)
        };
        let query = part(self, heads.key_dim, heads.query_heads);
        let norm = HeadNorm::of(block.query_norm, block.query_norm_bias);
        let query = self.positioned(block, query, norm, self.family.scales_queries);
        let query = self.rotated_key(inputs, query);
        let value = part(self, heads.value_dim, heads.kv_heads);
        let value = self.rotated_value(inputs, value);
        let key = part(self, heads.key_dim, heads.kv_heads);
        let norm = self.key_norm(block);
        let key = self.positioned(block, key, norm, false);
        let key = self.rotated_key(inputs, key);
        (query, key, value)
    }

    pub(super) fn query(
        &mut self,
        inputs: &CacheInputs,
        block: &Block,
        heads: HeadAttention,
        query: Id,
    ) -> Id {
        let scales = self.family.scales_queries;
        let mut query = self.headed(
            block,
            query,
            HeadNorm::of(block.query_norm, block.query_norm_bias),
            heads.query_heads,
            heads.key_dim,
            scales,
        );
        let tempers = self.family.tempers == Tempers::All || !self.rotates;
        if let Some(temperature) = self.temperature.filter(|_| tempers) {
            query = self.graph.map(&[query, temperature]);
        }
        self.rotated_key(inputs, query)
    }

    pub(super) fn key(
        &mut self,
        inputs: &CacheInputs,
        block: &Block,
        heads: HeadAttention,
        key: Id,
    ) -> Id {
        let key = self.headed(
            block,
            key,
            self.key_norm(block),
            heads.kv_heads,
            heads.key_dim,
            false,
        );
        self.rotated_key(inputs, key)
    }

    pub(super) fn value(&mut self, inputs: &CacheInputs, heads: HeadAttention, value: Id) -> Id {
        let mut value = self
            .graph
            .view(value, [heads.value_dim, heads.kv_heads, self.tokens, 1]);
        if self.family.normalizes_values {
            value = self.graph.map(&[value]);
        }
        self.rotated_value(inputs, value)
    }

    /// The product with a weight, and its bias where there is one.
    pub(super) fn projected(&mut self, weight: Option<Part>, bias: Option<Part>, from: Id) -> Id {
        let Some(weight) = weight else {
            return from;
        };
        let projected = self.graph.matrix(weight, from);
        self.graph.weigh(projected, bias)
    }

    fn key_norm(&self, block: &Block) -> Option<HeadNorm> {
        if self.family.normalizes_keys {
            return Some(HeadNorm::BARE);
        }
        HeadNorm::of(block.key_norm, block.key_norm_bias)
    }

    fn head_norm(&mut self, from: Id, norm: HeadNorm) -> Id {
        let subtracts_mean = self.family.layer_norm || self.family.head_norms_subtract_mean;
        self.norm_of(from, norm.weight, norm.bias, subtracts_mean)
    }

    /// Norms over the whole width come before the split into heads, norms over one head after.
    fn headed(
        &mut self,
        block: &Block,
        from: Id,
        norm: Option<HeadNorm>,
        heads: u64,
        dim: u64,
        scales: bool,
    ) -> Id {
        if let Some(norm) =
            norm.filter(|norm| norm.weight.is_some_and(|weight| weight.columns > dim))
        {
            let normalized = self.head_norm(from, norm);
            let view = self.graph.view(normalized, [dim, heads, self.tokens, 1]);
            return self.positioned(block, view, None, scales);
        }
        let view = self.graph.view(from, [dim, heads, self.tokens, 1]);
        self.positioned(block, view, norm, scales)
    }

    /// Norm of each head, rotation by position, scale.
    pub(super) fn positioned(
        &mut self,
        block: &Block,
        from: Id,
        norm: Option<HeadNorm>,
        scales: bool,
    ) -> Id {
        let mut result = from;
        if let Some(norm) = norm.filter(|_| !self.family.rotates_first) {
            result = self.head_norm(result, norm);
        }
        if let Some(positions) = self.positions.filter(|_| self.rotates) {
            result = match self.rope_table(block) {
                Some(table) => self.graph.map(&[result, positions, table]),
                None => self.graph.map(&[result, positions]),
            };
            if self.family.normalizes_rotated {
                result = self.graph.map(&[result]);
            }
        }
        if let Some(norm) = norm.filter(|_| self.family.rotates_first) {
            result = self.head_norm(result, norm);
        }
        if scales {
            result = self.graph.map(&[result]);
        }
        result
    }

    /// The factors of the rotation. They are too small to decide where the rotation runs, and
    /// copied once where they lie in host memory.
    fn rope_table(&mut self, block: &Block) -> Option<Id> {
        let slides = block.attention.span() != Some(Span::Full);
        let factors = !(slides && self.family.windows_have_no_factors);
        let table = block.rope_table.filter(|_| factors)?;
        if let Some(&(_, id)) = self.rope_tables.iter().find(|(at, _)| *at == table.place) {
            return Some(id);
        }
        let id = self.graph.table(table);
        self.rope_tables.push((table.place, id));
        Some(id)
    }

    /// Stores keys and values, and attends to all that is stored.
    pub(super) fn attend(
        &mut self,
        inputs: &CacheInputs,
        block: &Block,
        heads: HeadAttention,
        query: Id,
        stored: Option<(Id, Id)>,
    ) -> Id {
        let streams = self.batch.streams;
        let per_stream = self.tokens / streams;
        let place = block.cache_place;
        let (key_row, value_row) = (
            heads.key_dim * heads.kv_heads,
            heads.value_dim * heads.kv_heads,
        );
        if let Some((key, value)) = stored {
            let key = self.graph.view(key, [key_row, self.tokens, 1, 1]);
            self.graph.store(place, &[key, inputs.key_indices]);
            let row = [value_row, self.tokens, 1, 1];
            let transposed = !self.values_by_rows;
            let mut value = if transposed && !self.graph.is_contiguous(value) {
                self.graph.own(row, &[value])
            } else {
                self.graph.view(value, row)
            };
            if transposed && value_row < self.widest_value {
                // Transposed values are all as wide as the widest.
                value = self
                    .graph
                    .own([self.widest_value, self.tokens, 1, 1], &[value]);
            }
            self.graph.store(
                place,
                &[value, inputs.value_indices.unwrap_or(inputs.key_indices)],
            );
        }
        let cells = inputs.cells * streams;
        let queries = self.graph.view(
            query,
            [heads.key_dim, per_stream, heads.query_heads, streams],
        );
        let width = heads.value_dim * heads.query_heads;
        if self.settings.uses_flash_attention() {
            let shape = [heads.value_dim, heads.query_heads, per_stream, streams];
            let mut sources = alloc::vec::Vec::from([queries]);
            for (tensor_type, row, dim) in [
                (self.settings.cache_type_k, key_row, heads.key_dim),
                (self.settings.cache_type_v, value_row, heads.value_dim),
            ] {
                let cached = self.cached(place, tensor_type, row, dim, cells);
                if tensor_type == TensorType::F32 {
                    // Converted by an operation of the graph.
                    sources.push(self.graph.half([row, cells, 1, 1], &[cached]));
                } else {
                    sources.push(cached);
                }
            }
            sources.push(inputs.mask);
            // Too small to decide where attention runs.
            sources.extend(block.sinks.map(|sinks| self.graph.table(sinks)));
            let attended = self.graph.own(shape, &sources);
            self.graph.fused(attended, Fused::Attention, block.place);
            if !has_kernel(self.settings, &Attention::Heads(heads)) {
                self.graph.keep_from_gpus(attended);
            }
            let shape = [per_stream, streams];
            let converts = block
                .kernels
                .converts(self.settings, heads, inputs.cells, shape);
            // Types other than f16 are converted, one layer at a time.
            let converted = |tensor_type: TensorType, row: u64| {
                if !converts
                    || !self.settings.version.plans_conversions()
                    || matches!(tensor_type, TensorType::F16 | TensorType::F32)
                {
                    0
                } else {
                    cells.saturating_mul(row).saturating_mul(2)
                }
            };
            let extra = converted(self.settings.cache_type_k, key_row)
                .saturating_add(converted(self.settings.cache_type_v, value_row));
            self.graph.add_extra(attended, extra);
            let attended = self.graph.view(attended, [width, self.tokens, 1, 1]);
            self.graph.expand(attended);
            return self.rotated_value(inputs, attended);
        }
        let cache_type = self.settings.cache_type_k;
        let keys = self.cached(place, cache_type, key_row, heads.key_dim, cells);
        let mut scores = self.graph.own(
            [inputs.cells, per_stream, heads.query_heads, streams],
            &[keys, queries],
        );
        if self.family.caps_scores {
            for _ in 0..3 {
                scores = self.graph.map(&[scores]);
            }
        }
        let scores = match block.sinks {
            Some(sinks) => self.graph.weigh_with(&[scores, inputs.mask], sinks, &[]),
            None => self.graph.map(&[scores, inputs.mask]),
        };
        let cache_type = self.settings.cache_type_v;
        let values = if self.values_by_rows {
            let values = self.cached(place, cache_type, value_row, heads.value_dim, cells);
            let shape = [inputs.cells, heads.value_dim, heads.kv_heads, streams];
            let element = if cache_type == TensorType::F32 { 4 } else { 2 };
            self.graph.transposed(shape, element, &[values])
        } else {
            self.cached(place, cache_type, value_row, inputs.cells, cells)
        };
        let mixed = self.graph.own(
            [heads.value_dim, per_stream, heads.query_heads, streams],
            &[values, scores],
        );
        let permuted = self.graph.view(
            mixed,
            [heads.value_dim, heads.query_heads, per_stream, streams],
        );
        let joined = self.graph.own([width, self.tokens, 1, 1], &[permuted]);
        self.graph.expand(joined);
        self.rotated_value(inputs, joined)
    }

    /// A cache as a source, which is copied where it is read elsewhere.
    pub(super) fn cached(
        &mut self,
        place: Place,
        tensor_type: TensorType,
        row: u64,
        dim: u64,
        cells: u64,
    ) -> Id {
        let bytes = tensor_type
            .row_bytes(row)
            .unwrap_or(0)
            .saturating_mul(cells);
        self.graph
            .cache(place, bytes, cuda_row_padding(tensor_type, dim))
    }

    pub(super) fn rotated_key(&mut self, inputs: &CacheInputs, from: Id) -> Id {
        match inputs.rotations.key {
            Some(rotation) => self.rotated(from, rotation),
            None => from,
        }
    }

    pub(super) fn rotated_value(&mut self, inputs: &CacheInputs, from: Id) -> Id {
        match inputs.rotations.value {
            Some(rotation) => self.rotated(from, rotation),
            None => from,
        }
    }

    /// The Hadamard rotation of quantized caches.
    pub(super) fn rotated(&mut self, from: Id, rotation: Rotation) -> Id {
        let Rotation { matrix, size } = rotation;
        let shape = self.graph.shape(from);
        let elements = shape.iter().product::<u64>();
        let rows = [size, elements / size, 1, 1];
        let rows = if self.graph.is_contiguous(from) {
            self.graph.view(from, rows)
        } else {
            self.graph.own(rows, &[from])
        };
        let rotated = self
            .graph
            .own([size, elements / size, 1, 1], &[matrix, rows]);
        self.graph.view(rotated, shape)
    }
}
