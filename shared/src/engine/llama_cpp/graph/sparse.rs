//! Sparse attention (DSA): an indexer with a key cache of its own chooses the tokens that latent
//! attention looks at.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/deepseek32.cpp`, `llama-graph.cpp`
//! (`build_attn_inp_k_dsa`) and `ggml-cuda/lightning-indexer.cu`.

use super::super::settings::{LlamaCpp, Version};
use super::block::{Block, Part};
use super::decoder::{CacheInputs, Decoder, Rotation};
use super::node::{Graph, Id};
use crate::model::{Indexer, Model};
use crate::quant::TensorType;

/// The indexer's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct IndexerBlock {
    pub(super) geometry: Indexer,
    pub(super) query: Part,
    pub(super) key: Part,
    pub(super) key_norm: Option<Part>,
    pub(super) key_norm_bias: Option<Part>,
    pub(super) weights: Part,
}

impl IndexerBlock {
    /// The indexer's tensors, where the block has one.
    pub(super) fn new(
        geometry: Option<Indexer>,
        get: impl Fn(&str) -> Option<Part>,
    ) -> Option<Self> {
        Some(Self {
            geometry: geometry?,
            query: get("indexer.attn_q_b.weight")?,
            key: get("indexer.attn_k.weight")?,
            key_norm: get("indexer.k_norm.weight"),
            key_norm_bias: get("indexer.k_norm.bias"),
            weights: get("indexer.proj.weight")?,
        })
    }
}

/// What the indexers of all layers share.
#[derive(Debug, Clone, Copy)]
pub(super) struct IndexerInputs {
    key_indices: Id,
    mask: Id,
    /// `None` where queries and keys are compared as they are.
    rotation: Option<Rotation>,
}

/// Whether the architecture's attention is sparse as modelled here.
pub(super) fn is_sparse(model: &Model) -> bool {
    matches!(
        model.architecture.as_str(),
        "deepseek32" | "glm-dsa" | "dots3note" | "hy_v4"
    )
}

/// Whether CUDA has a kernel for an indexer over keys of this type. The CPU scores where it has
/// none.
fn has_kernel(settings: &LlamaCpp, indexer: Indexer, key_type: TensorType) -> bool {
    let heads = match settings.version {
        Version::V0_6_0 => matches!(indexer.heads, 4 | 32 | 64),
        _ => matches!(indexer.heads, 32 | 64),
    };
    heads && indexer.key_dim == 128 && key_type != TensorType::Iq4Nl
}

/// The inputs of the indexers, beside those of the cache that they choose from.
pub(super) fn indexer_inputs(
    graph: &mut Graph,
    indexer: Indexer,
    tokens: u64,
    cached: &CacheInputs,
    turns: bool,
) -> IndexerInputs {
    let key_indices = graph.input([tokens, 1, 1, 1], 8);
    let mask = graph.input(graph.shape(cached.mask), 2);
    let size = 1 << indexer.key_dim.trailing_zeros();
    IndexerInputs {
        key_indices,
        mask,
        rotation: turns.then(|| Rotation {
            matrix: graph.input([size, size, 1, 1], 4),
            size,
        }),
    }
}

impl Decoder<'_> {
    /// The tokens that the layer's indexer chooses; `query` is the compressed query.
    pub(super) fn choose_tokens(
        &mut self,
        block: &Block,
        tensors: &IndexerBlock,
        inputs: &IndexerInputs,
        query: Id,
        from: Id,
    ) -> Id {
        let Indexer { heads, key_dim, .. } = tensors.geometry;
        let (tokens, streams) = (self.tokens, self.batch.streams);
        let query = self.graph.matrix(tensors.query, query);
        let query = self.graph.view(query, [key_dim, heads, tokens, 1]);
        let query = self.positioned(block, query, None, false);
        let query = self.turned(inputs, query);
        let key = self.graph.matrix(tensors.key, from);
        let shape = self.graph.shape(key);
        let key = self.graph.own(shape, &[key]);
        let key = self.graph.weigh(key, tensors.key_norm);
        let key = self.graph.weigh(key, tensors.key_norm_bias);
        let key = self.graph.view(key, [key_dim, 1, tokens, 1]);
        let key = self.positioned(block, key, None, false);
        let key = self.turned(inputs, key);
        let place = block.cache_place;
        let key = self.graph.view(key, [key_dim, tokens, 1, 1]);
        self.graph.store(place, &[key, inputs.key_indices]);
        let weights = self.graph.matrix(tensors.weights, from);
        let weights = self
            .graph
            .view(weights, [heads, tokens / streams, 1, streams]);
        let weights = self.graph.map(&[weights]);
        let [cells, ..] = self.graph.shape(inputs.mask);
        let cached = self.cached(
            place,
            self.settings.cache_type_k,
            key_dim,
            key_dim,
            cells.saturating_mul(streams),
        );
        self.best_tokens(tensors.geometry, [query, cached, weights, inputs.mask])
    }

    /// The tokens of the best scores: of what the mask leaves of `keys`.
    pub(super) fn best_tokens(
        &mut self,
        geometry: Indexer,
        [query, keys, weights, mask]: [Id; 4],
    ) -> Id {
        let [cells, per_stream, _, streams] = self.graph.shape(mask);
        let key_type = self.settings.cache_type_k;
        let scores = self.token_scores(geometry, key_type, [query, keys, weights, mask]);
        let shape = [geometry.top_k.min(cells), per_stream, 1, streams];
        let best = self.graph.own(shape, &[scores]);
        self.graph.own(shape, &[best])
    }

    /// How well what the mask leaves of keys of this type is met by the query.
    pub(super) fn token_scores(
        &mut self,
        geometry: Indexer,
        key_type: TensorType,
        [query, keys, weights, mask]: [Id; 4],
    ) -> Id {
        let [cells, per_stream, _, streams] = self.graph.shape(mask);
        let shape = [cells, per_stream, 1, streams];
        let scores = self.graph.own(shape, &[query, keys, weights, mask]);
        if !has_kernel(self.settings, geometry, key_type) {
            self.graph.keep_from_gpus(scores);
        }
        scores
    }

    fn turned(&mut self, inputs: &IndexerInputs, from: Id) -> Id {
        let Some(rotation) = inputs.rotation else {
            return from;
        };
        let shape = self.graph.shape(from);
        self.graph.own(shape, &[rotation.matrix, from])
    }

    /// The mask that leaves only the tokens chosen.
    pub(super) fn sparse_mask(&mut self, mask: Id, chosen: Id) -> Id {
        let [top_k, per_stream, _, streams] = self.graph.shape(chosen);
        // There from the start in every layer.
        let zeros = self.graph.leaf([1, top_k, per_stream, streams]);
        self.mask_with(zeros, mask, chosen)
    }

    /// The mask that leaves only the tokens chosen, by zeros for each of them.
    pub(super) fn mask_with(&mut self, zeros: Id, mask: Id, chosen: Id) -> Id {
        let shape = self.graph.shape(mask);
        let [top_k, per_stream, _, streams] = self.graph.shape(chosen);
        // Every layer sees it as a tensor of its own, which is copied to each where it is elsewhere.
        let chosen = self.graph.view(chosen, [top_k, per_stream, streams, 1]);
        let zeros = self.graph.map(&[zeros]);
        let filled = self.graph.map(&[mask]);
        let unmasked = self.graph.written(filled, &[zeros, chosen]);
        let unmasked = self.graph.view(unmasked, shape);
        self.graph.map(&[unmasked, mask])
    }
}
