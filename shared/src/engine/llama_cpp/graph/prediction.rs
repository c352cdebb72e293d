//! The graph of a prediction layer (MTP, NextN): it reads the embedding of a token beside what
//! the model made of the one before.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `graph_mtp` in `models/*.cpp`, which differ in little but the block.

use super::super::batch::Batch;
use super::super::cache;
use super::super::settings::LlamaCpp;
use super::block::Part;
use super::decoder::{Decoder, LayerBlock, cache_inputs};
use super::family::{Family, Selection, family};
use super::node::Graph;
use super::output::Output;
use crate::engine::EngineError;
use crate::model::{Model, Span};

/// What brings both inputs of a prediction layer together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct PredictionTensors {
    pub(super) embedding_norm: Option<Part>,
    pub(super) state_norm: Option<Part>,
    pub(super) projection: Part,
}

/// Whether the graph has been equal to the engine's wherever it was measured: at four contexts and
/// micro-batches, with and without flash attention, with quantized keys and values.
pub(in super::super) fn is_measured(model: &Model) -> bool {
    matches!(
        model.architecture.as_str(),
        "bailingmoe3"
            | "cohere2moe"
            | "deepseek2"
            | "deepseek32"
            | "glm4moe"
            | "glm-dsa"
            | "hy_v3"
            | "mimo2"
            | "nemotron_h_moe"
            | "qwen3next"
            | "qwen35"
            | "qwen35moe"
            | "step35"
    )
}

/// The graph of a micro-batch at full context for one prediction layer.
pub(super) fn prediction(
    settings: &LlamaCpp,
    model: &Model,
    batch: &Batch,
    LayerBlock { layer, block, .. }: LayerBlock<'_>,
    tensors: &PredictionTensors,
    output: &Output,
    values_by_rows: bool,
) -> Result<Graph, EngineError> {
    let mut graph = Graph::new(settings.offload_to());
    let tokens = batch.ubatch.next_multiple_of(batch.sequences);
    let width = model.embedding_length;
    let cell = cache::cell(model, layer)?;
    let slides = cell.is_some_and(|cell| cell.span != Span::Full);
    let widest_value = cell.map_or(0, |cell| cell.value);
    let mut family = Family {
        selection: match model.architecture.as_str() {
            "qwen3next" => Selection::Attended,
            "nemotron_h_moe" => Selection::Sum,
            _ => Selection::End,
        },
        // Where only windows rotate, prediction layers do too.
        rotates_windows_alone: false,
        ..family(model, slides)
    };
    // Nemotron-H's other blocks are attention or a network, this one is both.
    family.post_attention_norm_is_pre |= model.architecture == "nemotron_h_moe";

    let connections = block.connections;
    if connections.is_some() {
        // Where the streams are joined.
        family.selection = Selection::Attended;
    }

    let tokens_in = graph.input([tokens, 1, 1, 1], 4);
    let streams = connections.map_or(1, |connections| connections.streams);
    let state = graph.input([width * streams, tokens, 1, 1], 4);
    let positions = family
        .rotates
        .then(|| graph.input([tokens * family.positions_per_token, 1, 1, 1], 4));
    let output_rows = graph.input([batch.outputs, 1, 1, 1], 4);
    let inputs = match cell {
        Some(cell) => Some(cache_inputs(
            &mut graph,
            settings,
            batch,
            tokens,
            &cell,
            &layer.attention,
            if values_by_rows { 1 } else { widest_value },
        )?),
        None => None,
    };
    let table = Part {
        columns: 0,
        rows: width,
        place: output.embeddings,
        bytes: 0,
    };
    let embedded = graph.lookup(table, [width, tokens, 1, 1], &[tokens_in]);
    let mut decoder = Decoder {
        positions,
        values_by_rows,
        widest_value,
        full: inputs.filter(|_| !slides),
        window: inputs.filter(|_| slides),
        ..Decoder::bare(
            graph,
            settings,
            model,
            batch,
            family,
            [tokens_in, output_rows],
        )
    };
    // The engine names the state's norm first, but the sum of both asks for the embedding's.
    let mut embedded = decoder.norm(embedded, tensors.embedding_norm, None);
    let mut state = state;
    let mut shape = [2 * width, tokens, 1, 1];
    if let Some(connections) = connections {
        embedded = decoder.streams(connections, embedded);
        state = decoder.graph.view(state, [width, streams, tokens, 1]);
        shape = [2 * width, streams, tokens, 1];
    }
    let state = decoder.norm(state, tensors.state_norm, None);
    let both = decoder.graph.own(shape, &[embedded, state]);
    let projected = decoder.graph.matrix(tensors.projection, both);
    let mut result = decoder.layer(layer, block, projected, true)?;
    if let Some(connections) = connections {
        result = decoder.joined_streams(connections, output.connection, result);
    }
    decoder.logits(output, result);
    Ok(decoder.graph)
}
