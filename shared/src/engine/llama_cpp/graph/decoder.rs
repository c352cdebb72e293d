//! A decoder's graph, from the embeddings to the logits.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-graph.cpp` and `models/*.cpp`.

use alloc::vec::Vec;

use super::super::batch::Batch;
use super::super::cache::{self, Cell};
use super::super::placement::Place;
use super::super::settings::{LlamaCpp, Version};
use super::block::{Block, Part};
use super::block_sparse::BlockInputs;
use super::compressor::{CompressedInputs, is_compressor, separated};
use super::family::{Family, Selection, Tempers};
use super::hyper::Fusions;
use super::lightning::Decays;
use super::node::{Graph, Id};
use super::output::Output;
use super::passes;
use super::pooled::PooledInputs;
use super::residual_attention::Residuals;
use super::sparse::{self, IndexerInputs};
use super::state::StateCopies;
use crate::engine::EngineError;
use crate::model::{Attention, Layer, Model, RecurrentState, Span};
use crate::quant::TensorType;

/// Chameleon's tokens that stand for parts of an image.
const IMAGE_TOKENS: u64 = 8192;

/// What the inputs of one kind of cache are.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheInputs {
    pub(super) key_indices: Id,
    /// `None` where values are views of the keys.
    pub(super) value_indices: Option<Id>,
    pub(super) mask: Id,
    /// Rotations of quantized caches.
    pub(super) rotations: Rotations,
    pub(super) cells: u64,
}

/// The Hadamard rotations of a quantized cache.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rotations {
    /// Of queries and keys, where keys are quantized.
    pub(super) key: Option<Rotation>,
    /// Of values and results, where values are quantized.
    pub(super) value: Option<Rotation>,
}

/// A rotation: its matrix, of `size` rows and columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    pub(super) matrix: Id,
    pub(super) size: u64,
}

/// A graph being built for one micro-batch.
pub(super) struct Decoder<'a> {
    pub(super) graph: Graph,
    pub(super) settings: &'a LlamaCpp,
    pub(super) batch: &'a Batch,
    pub(super) family: Family,
    /// Tokens of the micro-batch, a multiple of the sequences.
    pub(super) tokens: u64,
    pub(super) positions: Option<Id>,
    /// The factors of the rotation at each place where a layer has read them.
    pub(super) rope_tables: Vec<(Place, Id)>,
    /// Whether the layer at hand rotates queries and keys.
    pub(super) rotates: bool,
    /// Factors for queries that are not rotated.
    pub(super) temperature: Option<Id>,
    /// Elements of the widest row of values that any layer stores.
    pub(super) widest_value: u64,
    /// Values are laid out for flash attention, whether it runs or not.
    pub(super) values_by_rows: bool,
    pub(super) full: Option<CacheInputs>,
    pub(super) window: Option<CacheInputs>,
    pub(super) state_copies: Option<StateCopies>,
    /// States that are kept of each sequence, to go back to: the last and those before it.
    pub(super) kept_states: u64,
    /// The decay of linear attention is kept above a bound.
    pub(super) bounds_decay: bool,
    /// The embeddings, where every layer adds them.
    pub(super) embeddings: Option<Id>,
    /// How fast the heads of lightning attention forget.
    pub(super) decays: Option<Decays>,
    pub(super) indexer: Option<IndexerInputs>,
    pub(super) block_inputs: Option<BlockInputs>,
    pub(super) compressed: Option<CompressedInputs>,
    pub(super) pooled: Option<PooledInputs>,
    pub(super) token_ids: Id,
    pub(super) fusions: Fusions,
    /// The last operation of each layer is computed where the layer is.
    pub(super) pins_layers: bool,
    /// What the layer's experts are chosen by, where that is known before.
    pub(super) router_logits: Option<Id>,
    /// The tokens that the last indexer has chosen.
    pub(super) chosen_tokens: Option<Id>,
    /// The values of RWKV 7's first layer.
    pub(super) first_value: Option<Id>,
    /// The residual streams put aside, where layers attend to them.
    pub(super) residuals: Option<Residuals>,
    /// Embeddings of the tokens for every layer.
    pub(super) per_layer: Option<Id>,
    pub(super) output_rows: Id,
}

/// One layer: its index in the model, its geometry and its tensors.
#[derive(Clone, Copy)]
pub(super) struct LayerBlock<'a> {
    pub(super) index: usize,
    pub(super) layer: &'a Layer,
    pub(super) block: &'a Block,
}

/// How the graph is built.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) family: Family,
    /// Values are laid out for flash attention, whether it runs or not.
    pub(super) values_by_rows: bool,
    pub(super) fusions: Fusions,
    /// The last operation of each layer is computed where the layer is.
    pub(super) pins_layers: bool,
}

/// Whether some of the layers slide and keep less for it.
pub(super) fn slides(model: &Model, layers: &[LayerBlock<'_>]) -> Result<bool, EngineError> {
    for &LayerBlock { layer, .. } in layers {
        if cache::cell(model, layer)?.is_some_and(|cell| cell.span != Span::Full) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Elements of the widest layer's values for a token.
pub(super) fn widest_value(model: &Model, layers: &[LayerBlock<'_>]) -> Result<u64, EngineError> {
    let mut widest = 0;
    for &LayerBlock { layer, .. } in layers {
        let value = cache::cell(model, layer)?.map_or(0, |cell| cell.value);
        widest = widest.max(value);
    }
    Ok(widest)
}

/// The graph of a micro-batch at full context, for the layers given, in order.
pub(super) fn decoder(
    settings: &LlamaCpp,
    model: &Model,
    batch: &Batch,
    layers: &[LayerBlock<'_>],
    output: &Output,
    options: Options,
) -> Result<Graph, EngineError> {
    let Options {
        family,
        values_by_rows,
        fusions,
        pins_layers,
    } = options;
    let batch = &separated(model, batch);
    let family = if settings.version.keeps_last_result() {
        family
    } else {
        family.without_last_result()
    };
    let mut graph = Graph::new(settings.offload_to());
    let tokens = batch.ubatch.next_multiple_of(batch.sequences);
    let width = model.embedding_length;
    let mut full_cell = None;
    let mut window_cell = None;
    let widest_value = widest_value(model, layers)?;
    for &LayerBlock { layer, .. } in layers {
        match cache::cell(model, layer)? {
            Some(cell) if cell.span == Span::Full => {
                full_cell = full_cell.or(Some((cell, layer.attention)));
            }
            Some(cell) => {
                window_cell = window_cell.or(Some((cell, layer.attention)));
            }
            None => {}
        }
    }
    let recurrent = layers.iter().any(|each| {
        let state = each.layer.recurrent;
        state.is_some() && !is_compressor(state)
    });

    // Inputs, all in host memory.
    let tokens_in = graph.input([tokens, 1, 1, 1], 4);
    // Images bring features for several blocks beside each other.
    let features = model.input_length.max(width);
    let embeddings_in = graph.input([features, tokens, 1, 1], 4);
    let mixes = settings.version >= Version::V0_6_0 && family.mixes_inputs;
    let mixed = mixes.then(|| {
        let mixed_tokens = graph.input([tokens, 1, 1, 1], 4);
        let slots = graph.input([tokens, 1, 1, 1], 8);
        let mixed = graph.input([features, tokens, 1, 1], 4);
        (mixed_tokens, slots, mixed)
    });
    // Models that take images do not scale their embeddings: a factor for each token.
    let factors =
        (family.scales_tokens_alone && mixed.is_some()).then(|| graph.input([1, tokens, 1, 1], 4));
    let per_layer_tokens = output.per_layer.map(|_| graph.input([tokens, 1, 1, 1], 4));
    let positions = (family.rotates || output.positions.is_some())
        .then(|| graph.input([tokens * family.positions_per_token, 1, 1, 1], 4));
    let temperature = (family.tempers != Tempers::None).then(|| graph.input([1, 1, tokens, 1], 4));
    // Transposed values are written element by element.
    let entries = if values_by_rows { 1 } else { widest_value };
    let full = match full_cell {
        Some((cell, attention)) => Some(cache_inputs(
            &mut graph, settings, batch, tokens, &cell, &attention, entries,
        )?),
        None => None,
    };
    let window = match window_cell {
        Some((cell, attention)) => Some(cache_inputs(
            &mut graph, settings, batch, tokens, &cell, &attention, entries,
        )?),
        None => None,
    };
    // Hybrids whose attention slides do not rotate (`build_inp_mem_hybrid_iswa`).
    let window = window.map(|window| CacheInputs {
        rotations: if recurrent {
            Rotations::default()
        } else {
            window.rotations
        },
        ..window
    });
    let indexer = layers
        .iter()
        .find_map(|each| each.layer.indexer)
        .filter(|_| sparse::is_sparse(model))
        .zip(full)
        .map(|(indexer, full)| {
            sparse::indexer_inputs(
                &mut graph,
                indexer,
                tokens,
                &full,
                model.architecture != "hy_v4",
            )
        });
    // The engine chooses blocks where positions are those of cells.
    let chooses_blocks = settings.uses_flash_attention()
        && (batch.sequences == 1 || !batch.unified)
        && tokens > batch.streams
        && layers.iter().any(|each| each.block.block_indexer.is_some());
    let block_inputs = full
        .filter(|_| chooses_blocks)
        .map(|full| BlockInputs::new(&mut graph, tokens, batch.streams, &full));
    let pooled = PooledInputs::new(&mut graph, settings.version, model, batch, tokens, layers);
    let compressed = CompressedInputs::new(&mut graph, settings, batch, tokens, layers)?;
    let state_copies =
        recurrent.then(|| StateCopies::new(&mut graph, settings.version, batch.sequences));
    let output_rows = graph.input([batch.outputs, 1, 1, 1], 4);
    let lightning_heads = layers.iter().find_map(|each| match each.layer.recurrent {
        Some(RecurrentState::Lightning { heads, .. }) => Some(heads),
        _ => None,
    });
    let per_sequence = [tokens / batch.sequences, batch.sequences];
    let decays = lightning_heads.map(|heads| Decays::new(&mut graph, heads, per_sequence));

    // The embeddings are looked up where their table is; the engine's graph has all ways that a
    // batch can come.
    let table = Part {
        columns: 0,
        rows: width,
        place: output.embeddings,
        bytes: 0,
    };
    let shape = [width, tokens, 1, 1];
    let mut embedded = graph.lookup(table, shape, &[tokens_in]);
    if features > width {
        embedded = graph.own([features, tokens, 1, 1], &[embedded]);
    }
    graph.expand(embedded);
    if settings.version.takes_embeddings() {
        graph.expand(embeddings_in);
    }
    if let Some((mixed_tokens, slots, mixed)) = mixed {
        // For batches that mix tokens and embeddings: the rows of tokens are written into a copy
        // that nothing ever frees.
        let mut rows = graph.lookup(table, shape, &[mixed_tokens]);
        if features > width {
            rows = graph.own([features, tokens, 1, 1], &[rows]);
        }
        let kept = graph.own([features, tokens, 1, 1], &[mixed]);
        let written = graph.written(kept, &[rows, slots]);
        graph.expand(written);
    }
    let inputs = embedded;
    let mut residual = embedded;
    if features > width {
        residual = graph.slice(inputs, shape, width, features);
    }
    if let Some((place, positions)) = output.positions.zip(positions) {
        let table = Part { place, ..table };
        let learned = graph.lookup(table, shape, &[positions]);
        residual = graph.map(&[residual, learned]);
    }
    if let Some(factors) = factors {
        residual = graph.map(&[residual, factors]);
    } else if family.scales_embeddings {
        residual = graph.map(&[residual]);
    }
    // Before 0.6.0 models that take images scaled them by a step of their own.
    if factors.is_some() || !family.scales_tokens_alone {
        graph.expand(residual);
    }
    let mut decoder = Decoder {
        graph,
        settings,
        batch,
        family,
        tokens,
        positions: positions.filter(|_| family.rotates),
        rope_tables: Vec::new(),
        rotates: true,
        temperature,
        widest_value,
        values_by_rows,
        full,
        window,
        state_copies,
        kept_states: settings.state_copies(&model.architecture),
        bounds_decay: model.traits.bounds_decay,
        decays,
        embeddings: None,
        indexer,
        block_inputs,
        token_ids: tokens_in,
        compressed,
        pooled,
        fusions,
        pins_layers,
        router_logits: None,
        chosen_tokens: None,
        first_value: None,
        residuals: Residuals::new(model),
        per_layer: None,
        output_rows,
    };
    if output.embedding_norm.is_some() {
        let (norm, bias) = (output.embedding_norm, output.embedding_norm_bias);
        residual = decoder.norm(residual, norm, bias);
    }
    if family.normalizes_embeddings {
        residual = decoder.norm(residual, None, None);
    }
    if let Some((tensors, tokens_in)) = output.per_layer.zip(per_layer_tokens) {
        decoder.per_layer = Some(decoder.per_layer_embeddings(tensors, tokens_in, residual));
    }
    let streams = layers.first().and_then(|each| each.block.altup);
    if let Some((tensors, altup)) = output.altup.zip(streams) {
        residual = decoder.stacked(tensors, altup.router.rows, residual);
    }
    let connections = layers.first().and_then(|each| each.block.connections);
    if let Some(connections) = connections {
        // Inputs that lead nowhere else.
        if let Some(window) = window.filter(|_| compressed.is_some()) {
            decoder.graph.expand(window.mask);
        }
        if let Some(pooled) = pooled {
            pooled.expand(&mut decoder.graph);
        }
        residual = decoder.streams(connections, residual);
    }
    if family.adds_embeddings {
        decoder.embeddings = Some(residual);
    }
    let last = layers.len().saturating_sub(1);
    let in_stacks = model.architecture == "hrm_text";
    if in_stacks {
        residual = decoder.stacks(model, output, layers, residual)?;
    }
    let layers = if in_stacks { &[] } else { layers };
    let repeats = passes::repeats(model);
    for (position, each) in layers.iter().enumerate() {
        let &LayerBlock {
            index,
            layer,
            block,
        } = each;
        decoder.graph.begin_layer(position);
        if repeats {
            let tensors = passes::tensors_of(model, index);
            decoder.graph.begin_weights(tensors);
        }
        residual = decoder.layer(layer, block, residual, position == last)?;
        decoder.graph.end_weights();
        if block.adds_features {
            let part = decoder.graph.slice(inputs, shape, width, features);
            residual = decoder.graph.map(&[residual, part]);
        }
        if passes::ends_pass(model, index) {
            residual = decoder.pass_norm(output, residual);
        }
    }
    decoder.graph.begin_layer(layers.len());
    if let Some((tensors, _)) = output.altup.zip(streams) {
        residual = decoder.merged(tensors, residual);
        residual = decoder.selected(residual);
    }
    if decoder.residuals.is_some() {
        residual = decoder.mixed(residual, output.residual_score);
        residual = decoder.selected(residual);
    }
    if let Some(connections) = connections {
        residual = decoder.joined_streams(connections, output.connection, residual);
    }
    decoder.logits(output, residual);
    Ok(decoder.graph)
}

/// Positions in the cache, the mask, and the rotations of quantized types. Each token's values
/// take `value_entries` positions.
pub(super) fn cache_inputs(
    graph: &mut Graph,
    settings: &LlamaCpp,
    batch: &Batch,
    tokens: u64,
    cell: &Cell,
    attention: &Attention,
    value_entries: u64,
) -> Result<CacheInputs, EngineError> {
    let cells = cache::cells(settings, batch, cell.span)?;
    let flash = settings.uses_flash_attention();
    let key_indices = graph.input([tokens, 1, 1, 1], 8);
    let value_indices =
        (cell.value > 0).then(|| graph.input([tokens.saturating_mul(value_entries), 1, 1, 1], 8));
    let mask_shape = [cells, tokens.div_ceil(batch.streams), 1, batch.streams];
    let mask = if !flash {
        graph.input(mask_shape, 4)
    } else if settings.version.masks_in_f16() {
        graph.input(mask_shape, 2)
    } else {
        let mask = graph.input(mask_shape, 4);
        graph.half(mask_shape, &[mask])
    };
    let (key_dim, value_dim) = match *attention {
        Attention::Heads(heads) => (heads.key_dim, heads.value_dim),
        Attention::Latent(latent) => (latent.latent_dim + latent.rope_dim, 0),
        Attention::None => (0, 0),
    };
    let rotates = |tensor_type: TensorType, dim: u64| {
        settings.version.rotates_caches()
            && tensor_type.is_quantized()
            && dim > 0
            && dim.is_multiple_of(64)
    };
    let mut rotation = |size| Rotation {
        matrix: graph.input([size, size, 1, 1], 4),
        size,
    };
    let rotations = Rotations {
        key: rotates(settings.cache_type_k, key_dim)
            .then(|| rotation(1 << key_dim.trailing_zeros())),
        value: rotates(settings.cache_type_v, value_dim).then(|| rotation(64)),
    };
    Ok(CacheInputs {
        key_indices,
        value_indices,
        mask,
        rotations,
        cells,
    })
}

impl<'a> Decoder<'a> {
    /// A decoder of a graph of its own, with nothing but tokens and the rows of logits.
    pub(super) fn bare(
        graph: Graph,
        settings: &'a LlamaCpp,
        model: &Model,
        batch: &'a Batch,
        family: Family,
        [token_ids, output_rows]: [Id; 2],
    ) -> Self {
        Self {
            graph,
            settings,
            batch,
            family,
            tokens: batch.ubatch.next_multiple_of(batch.sequences),
            positions: None,
            rope_tables: Vec::new(),
            rotates: true,
            temperature: None,
            widest_value: 0,
            values_by_rows: true,
            full: None,
            window: None,
            state_copies: None,
            kept_states: 1,
            bounds_decay: model.traits.bounds_decay,
            embeddings: None,
            decays: None,
            indexer: None,
            block_inputs: None,
            token_ids,
            compressed: None,
            pooled: None,
            fusions: Fusions::ALL,
            pins_layers: false,
            router_logits: None,
            chosen_tokens: None,
            first_value: None,
            residuals: None,
            per_layer: None,
            output_rows,
        }
    }
}

impl Decoder<'_> {
    /// The inputs of the cache of layers that look back this far.
    pub(super) fn inputs_for(&self, span: Span) -> Option<CacheInputs> {
        match self.window {
            Some(window) if span != Span::Full => Some(window),
            _ => self.full,
        }
    }

    /// A norm, its weight and, where there is one, its bias.
    pub(super) fn norm(&mut self, from: Id, weight: Option<Part>, bias: Option<Part>) -> Id {
        self.norm_of(from, weight, bias, self.family.layer_norm)
    }

    /// The same where it is given whether the norm subtracts the mean.
    pub(super) fn norm_of(
        &mut self,
        from: Id,
        weight: Option<Part>,
        bias: Option<Part>,
        subtracts_mean: bool,
    ) -> Id {
        let shape = self.graph.shape(from);
        let normalized = if subtracts_mean {
            self.graph.own(shape, &[from])
        } else {
            self.graph.map(&[from])
        };
        let weighted = self.graph.weigh(normalized, weight);
        self.graph.weigh(weighted, bias)
    }

    /// The rows that logits are asked for.
    pub(super) fn selected(&mut self, from: Id) -> Id {
        let width = self.graph.shape(from)[0];
        self.graph
            .own([width, self.batch.outputs, 1, 1], &[from, self.output_rows])
    }

    pub(super) fn logits(&mut self, output: &Output, residual: Id) {
        // What is kept is a result of its own.
        let mut kept = None;
        let mut rows = residual;
        if self.family.selection == Selection::BeforeLastNorm {
            kept = Some(rows);
            rows = self.selected(rows);
        }
        if self.family.selection == Selection::Normalized {
            rows = self.selected(rows);
        } else {
            rows = self.pass_norm(output, rows);
        }
        if self.family.selection == Selection::End {
            kept = Some(rows);
            rows = self.selected(rows);
        }
        if self.family.scales_last_norm {
            kept = Some(rows);
            let shape = self.graph.shape(rows);
            rows = self.graph.own(shape, &[rows]);
        }
        let logits = self.graph.matrix(output.logits, rows);
        let mut logits = self.graph.weigh(logits, output.logits_bias);
        if self.family.hides_image_logits {
            let hidden = self.graph.leaf([IMAGE_TOKENS, 1, 1, 1]);
            let hidden = self.graph.map(&[hidden]);
            let shape = self.graph.shape(logits);
            logits = self.graph.own(shape, &[logits, hidden]);
        }
        self.graph.expand(logits);
        if let Some(kept) = kept {
            self.graph.keep(&[kept]);
        }
    }
}
