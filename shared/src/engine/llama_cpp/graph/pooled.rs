//! Sparse attention over pooled keys: an indexer scores groups of tokens that follow each other,
//! by one key each, and latent attention looks at the tokens of the groups chosen.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/glm5-next.cpp` (`build_inp_kpool`,
//! `build_kpool_select`, `build_dsa_layer`) and `llama-memory-hybrid-idx.cpp`.

use super::super::batch::Batch;
use super::super::settings::Version;
use super::super::weights::cuda_row_padding;
use super::block::{Block, LatentBlock, Part};
use super::decoder::{CacheInputs, Decoder, LayerBlock};
use super::node::{Graph, Id};
use super::sparse::IndexerBlock;
use crate::model::{Indexer, LatentAttention, Model};
use crate::quant::TensorType;

/// Groups that the engine plans for beyond those of the cache: at least one, to a multiple.
const GROUP_STEP: u64 = 64;
/// Micro-batches of at most so many tokens gather the keys chosen (`max_ub`).
const GATHERED_TOKENS: u64 = 16;

/// The tensors of an indexer whose keys are pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct PooledIndexer {
    own: IndexerBlock,
    /// How much each token counts for the key of its group.
    gate: Part,
    /// Added to it, by the token's place in its group.
    positions: Part,
}

impl PooledIndexer {
    /// The indexer's tensors, where the block has one.
    pub(super) fn new(
        geometry: Option<Indexer>,
        get: impl Fn(&str) -> Option<Part>,
    ) -> Option<Self> {
        Some(Self {
            own: IndexerBlock::new(geometry, &get)?,
            gate: get("indexer_compressor_gate.weight")?,
            positions: get("indexer_compressor_ape.weight")?,
        })
    }
}

/// The inputs that the indexers of all layers share.
#[derive(Debug, Clone, Copy)]
pub(super) struct PooledInputs {
    key_indices: Id,
    /// Where the key of each group is, and which tokens are of it.
    group_cells: Id,
    members: Id,
    mask: Id,
    /// Tokens that do not fill a group yet, and whether they are chosen.
    rest: Id,
    chooses_rest: bool,
    /// Which of the places for chosen tokens are taken.
    slots: Id,
    /// Tokens of the groups that a batch fills, and where their keys go.
    new_members: Id,
    new_cells: Id,
    /// Tokens of a group.
    each: u64,
    groups: u64,
    new_groups: u64,
    chosen_groups: u64,
    /// Tokens chosen at most.
    chosen: u64,
    /// The chosen keys are gathered, not the others masked.
    gathers: bool,
}

impl PooledInputs {
    /// The inputs, where layers choose groups.
    pub(super) fn new(
        graph: &mut Graph,
        version: Version,
        model: &Model,
        batch: &Batch,
        tokens: u64,
        layers: &[LayerBlock<'_>],
    ) -> Option<Self> {
        let indexer = layers.iter().find_map(|each| each.block.pooled_indexer)?;
        let each = indexer.positions.rows.max(1);
        let top_k = indexer.own.geometry.top_k;
        let cells = batch.context_per_stream;
        let new_groups = (cells / each * batch.sequences).max(1);
        let groups = (new_groups + 1).next_multiple_of(GROUP_STEP);
        let chosen_groups = groups.min(top_k / each);
        let rest = each - 1;
        let chooses_rest = !model.traits.leaves_rest_of_groups;
        let chosen = each * chosen_groups + if chooses_rest { rest } else { 0 };
        let gathers = if version >= Version::V0_6_0 {
            batch.ubatch <= GATHERED_TOKENS && batch.context > top_k + each - 1
        } else {
            tokens <= GATHERED_TOKENS && cells > chosen
        };
        let mut numbers = |shape: [u64; 2], element| {
            let [columns, rows] = shape;
            graph.input([columns, rows, 1, 1], element)
        };
        Some(Self {
            key_indices: numbers([tokens, 1], 8),
            group_cells: numbers([groups, 1], 4),
            members: numbers([each, groups], 4),
            mask: numbers([groups, tokens], 2),
            rest: numbers([rest, tokens], 4),
            chooses_rest,
            slots: graph.input([chosen, 1, 1, tokens], 4),
            new_members: graph.input([each, new_groups, 1, 1], 4),
            new_cells: graph.input([new_groups, 1, 1, 1], 8),
            each,
            groups,
            new_groups,
            chosen_groups,
            chosen,
            gathers,
        })
    }

    /// Enters what the engine wants to be there, used or not.
    pub(super) fn expand(&self, graph: &mut Graph) {
        let inputs = [
            self.group_cells,
            self.members,
            self.mask,
            self.rest,
            self.slots,
        ];
        for id in inputs {
            graph.expand(id);
        }
    }
}

impl Decoder<'_> {
    /// Latent attention to the tokens chosen, its output projection included.
    pub(super) fn pooled_attention(
        &mut self,
        block: &Block,
        tensors: &LatentBlock,
        latent: LatentAttention,
        pooled: &PooledInputs,
        from: Id,
    ) -> Id {
        let Some(inputs) = self.inputs_for(latent.span) else {
            return from;
        };
        let (tokens, place) = (self.tokens, block.cache_place);
        let (dim, count) = (latent.latent_dim, latent.query_heads);
        let low = self.projected(tensors.query_a, None, from);
        let low = self.norm(low, tensors.query_a_norm, None);
        let query = self.projected(tensors.query_b, None, low);
        let query = self.graph.view(query, [latent.key_dim, tokens, count, 1]);
        let query = match tensors.key_b {
            Some(weight) => self.graph.matrix(weight, query),
            None => query,
        };
        let key = self.projected(tensors.compress, None, from);
        let key = self.norm(key, tensors.compress_norm, None);
        if let Some(indexer) = &block.pooled_indexer {
            let chosen = self.choose_groups(block, indexer, pooled, &inputs, low, from);
            self.chosen_tokens = Some(chosen);
        }
        self.graph.expand(query);
        self.graph.expand(key);
        let stored = self.graph.view(key, [dim, tokens, 1, 1]);
        self.graph.store(place, &[stored, inputs.key_indices]);
        let chosen = self.chosen_tokens.unwrap_or(inputs.mask);
        let attended = if pooled.gathers {
            self.graph.expand(inputs.mask);
            self.attend_gathered(
                block,
                tensors,
                latent,
                pooled,
                inputs.cells,
                [query, chosen],
            )
        } else {
            let shape = self.graph.shape(inputs.mask);
            let mask = self.graph.view(chosen, shape);
            let inputs = CacheInputs { mask, ..inputs };
            let places = [block.place, place];
            self.attend_latent(&inputs, tensors, latent, places, query)
        };
        self.projected(block.output, block.output_bias, attended)
    }

    /// The tokens chosen, or the mask that leaves only them; `low` is the compressed query.
    fn choose_groups(
        &mut self,
        block: &Block,
        indexer: &PooledIndexer,
        pooled: &PooledInputs,
        inputs: &CacheInputs,
        low: Id,
        from: Id,
    ) -> Id {
        let Indexer { heads, key_dim, .. } = indexer.own.geometry;
        let tokens = self.tokens;
        self.store_keys(block, indexer, pooled, inputs.cells, from);
        let query = self.graph.matrix(indexer.own.query, low);
        let query = self.graph.view(query, [key_dim, heads, tokens, 1]);
        let keys = self.key_cache(block, key_dim, key_dim, inputs.cells);
        let shape = [key_dim, pooled.groups, 1, 1];
        let keys = self.graph.own(shape, &[keys, pooled.group_cells]);
        let weights = self.graph.matrix(indexer.own.weights, from);
        let weights = self.graph.map(&[weights]);
        let scores = self.token_scores(
            indexer.own.geometry,
            TensorType::F32,
            [query, keys, weights, pooled.mask],
        );
        let chosen = self.tokens_of_best(pooled, scores);
        if pooled.gathers {
            return chosen;
        }
        if self.settings.version >= Version::V0_6_0 {
            self.graph.expand(chosen);
        }
        self.mask_of_chosen(pooled, inputs, chosen)
    }

    /// Caches the tokens' own keys and gates, and the keys of the groups that they fill.
    fn store_keys(
        &mut self,
        block: &Block,
        indexer: &PooledIndexer,
        pooled: &PooledInputs,
        cells: u64,
        from: Id,
    ) {
        let dim = indexer.own.geometry.key_dim;
        let (tokens, place) = (self.tokens, block.cache_place);
        let PooledInputs {
            each, new_groups, ..
        } = *pooled;
        let key = self.graph.matrix(indexer.own.key, from);
        let key = self.norm_of(key, indexer.own.key_norm, indexer.own.key_norm_bias, true);
        let gate = self.graph.matrix(indexer.gate, from);
        let packed = self.graph.own([2 * dim, tokens, 1, 1], &[key, gate]);
        let empty = self.graph.leaf([dim, tokens, 1, 1]);
        let empty = self.graph.map(&[empty]);
        let packed = self.graph.own([3 * dim, tokens, 1, 1], &[packed, empty]);
        self.graph.store(place, &[packed, pooled.key_indices]);
        let cached = self.key_cache(block, dim, 2 * dim, cells);
        let members = self
            .graph
            .view(pooled.new_members, [each * new_groups, 1, 1, 1]);
        let rows = [2 * dim, each * new_groups, 1, 1];
        let rows = self.graph.own(rows, &[cached, members]);
        let shape = [dim, each, new_groups, 1];
        let keys = self.graph.slice(rows, shape, dim, 2 * dim);
        let gates = self.graph.slice(rows, shape, dim, 2 * dim);
        let turned = [each, dim, new_groups, 1];
        let gates = self.graph.weigh(gates, Some(indexer.positions));
        let gates = self.graph.own(turned, &[gates]);
        let flat = self.graph.view(gates, [each, dim * new_groups, 1, 1]);
        let shares = self.graph.map(&[flat]);
        let shares = self.graph.view(shares, turned);
        let keys = self.graph.own(turned, &[keys]);
        let keys = self.graph.map(&[shares, keys]);
        let pooled_keys = self.graph.own([1, dim, new_groups, 1], &[keys]);
        let pooled_keys = self.graph.view(pooled_keys, [dim, new_groups, 1, 1]);
        self.graph.store(place, &[pooled_keys, pooled.new_cells]);
    }

    /// `elements` of each row of the indexer's cache, which has three of `dim`.
    fn key_cache(&mut self, block: &Block, dim: u64, elements: u64, cells: u64) -> Id {
        let cache_type = self.settings.cache_type_k;
        let bytes = |elements| cache_type.row_bytes(elements).unwrap_or(0);
        let rows = cells.saturating_mul(self.batch.streams);
        let before = rows.saturating_sub(1).saturating_mul(bytes(3 * dim));
        let bytes = before.saturating_add(bytes(elements));
        let padding = cuda_row_padding(cache_type, elements);
        self.graph.cache(block.cache_place, bytes, padding)
    }

    /// The tokens of the groups with the best scores, best first, and those of no group yet.
    fn tokens_of_best(&mut self, pooled: &PooledInputs, scores: Id) -> Id {
        let tokens = self.tokens;
        let PooledInputs {
            each,
            chosen_groups: count,
            ..
        } = *pooled;
        let shape = [count, tokens, 1, 1];
        let best = self.graph.own(shape, &[scores]);
        let numbers = self.graph.own(shape, &[best]);
        let numbers = self.graph.view(numbers, [1, count, tokens, 1]);
        let rows = self.graph.view(scores, [1, pooled.groups, tokens, 1]);
        let values = self.graph.own([1, count, tokens, 1], &[rows, best]);
        let values = self.graph.view(values, shape);
        let order = self.graph.own(shape, &[values]);
        let ordered = self.graph.own([1, count, tokens, 1], &[numbers, order]);
        let ordered = self.graph.view(ordered, shape);
        let ordered = self.graph.own(shape, &[ordered]);
        let ordered = self.graph.own(shape, &[ordered]);
        let flat = self.graph.view(ordered, [count * tokens, 1, 1, 1]);
        let shape = [each, count * tokens, 1, 1];
        let members = self.graph.own(shape, &[pooled.members, flat]);
        let members = self.graph.view(members, [each * count, tokens, 1, 1]);
        if !pooled.chooses_rest {
            return members;
        }
        let shape = [pooled.chosen, tokens, 1, 1];
        self.graph.own(shape, &[members, pooled.rest])
    }

    /// The mask that leaves only the tokens chosen. Places that are not taken are written to
    /// cells of their own.
    fn mask_of_chosen(&mut self, pooled: &PooledInputs, inputs: &CacheInputs, chosen: Id) -> Id {
        let (tokens, count) = (self.tokens, pooled.chosen);
        let all = inputs.cells + count;
        let shape = [count, tokens, 1, 1];
        let (zeros, masked) = if self.settings.version >= Version::V0_6_0 {
            let zeros = self.graph.leaf_like([count, 1, 1, 1], inputs.mask);
            let zeros = self.graph.map(&[zeros]);
            let zeros = self.graph.own_like(shape, &[zeros]);
            let masked = self.graph.leaf_like([all, 1, 1, 1], inputs.mask);
            let masked = self.graph.map(&[masked]);
            (zeros, self.graph.own_like([all, tokens, 1, 1], &[masked]))
        } else {
            let one = self.graph.view(chosen, [1, 1, 1, 1]);
            let seed = self.graph.own([1, 1, 1, 1], &[one]);
            let zeros = self.graph.map(&[seed]);
            let zeros = self.graph.own(shape, &[zeros]);
            let masked = if self.settings.uses_flash_attention() {
                self.graph.half([1, 1, 1, 1], &[seed])
            } else {
                seed
            };
            let masked = self.graph.map(&[masked]);
            (zeros, self.graph.own_like([all, tokens, 1, 1], &[masked]))
        };
        let numbers = self.graph.own(shape, &[chosen]);
        let spare = self.graph.own([count, 1, 1, 1], &[]);
        let numbers = self.graph.map(&[numbers, spare]);
        let taken = self.graph.view(pooled.slots, shape);
        let taken = self.graph.map(&[taken]);
        let numbers = self.graph.map(&[numbers, taken]);
        let numbers = self.graph.map(&[numbers, spare]);
        let numbers = self.graph.own(shape, &[numbers]);
        let written = self.graph.written(masked, &[zeros, numbers]);
        let shape = [inputs.cells, tokens, 1, 1];
        let written = self.graph.slice(written, shape, inputs.cells, all);
        let mask = self.graph.view(inputs.mask, shape);
        self.graph.map(&[written, mask])
    }

    /// Attention to the chosen keys alone, which are gathered for each token.
    fn attend_gathered(
        &mut self,
        block: &Block,
        tensors: &LatentBlock,
        latent: LatentAttention,
        pooled: &PooledInputs,
        cells: u64,
        [query, chosen]: [Id; 2],
    ) -> Id {
        let (tokens, count) = (self.tokens, pooled.chosen);
        let (dim, heads) = (latent.latent_dim, latent.query_heads);
        let cache_type = self.settings.cache_type_k;
        let all = cells.saturating_mul(self.batch.streams);
        let cached = self.cached(block.cache_place, cache_type, dim, dim, all);
        let rows = self.graph.view(chosen, [count * tokens, 1, 1, 1]);
        let keys = self.graph.own([dim, count * tokens, 1, 1], &[cached, rows]);
        let keys = self.graph.view(keys, [dim, count, 1, tokens]);
        let query = self.graph.view(query, [dim, 1, heads, tokens]);
        let scores = self.graph.own([count, 1, heads, tokens], &[keys, query]);
        let scores = self.graph.map(&[scores, pooled.slots]);
        let values = self.graph.own([count, dim, 1, tokens], &[keys]);
        let mixed = self.graph.own([dim, 1, heads, tokens], &[values, scores]);
        let mixed = match tensors.value_b {
            Some(weight) => self.graph.matrix(weight, mixed),
            None => mixed,
        };
        let shape = [latent.value_dim, heads, 1, tokens];
        let joined = self.graph.view(mixed, shape);
        let joined = self.graph.own(shape, &[joined]);
        let width = latent.value_dim * heads;
        self.graph.view(joined, [width, tokens, 1, 1])
    }
}
