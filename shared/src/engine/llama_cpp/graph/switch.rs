//! Granite Switch: every matrix has the low-rank change of an adapter that each token chooses, by
//! a head of its own that looks for the last token that switches.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/granite-switch.cpp`.

use super::super::batch::Batch;
use super::super::cache;
use super::super::settings::LlamaCpp;
use super::block::{Block, Part};
use super::decoder::{Decoder, LayerBlock, Options, cache_inputs, widest_value};
use super::node::{Graph, Id};
use super::output::Output;
use crate::engine::EngineError;
use crate::model::{Attention, HeadAttention, Model};

/// A low-rank change: both matrices, for each adapter.
type Change = [Part; 2];

/// The changes of a block's matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct SwitchBlock {
    projections: [Change; 3],
    output: Change,
    gate: Change,
    up: Change,
    down: Change,
}

impl SwitchBlock {
    /// The block's changes, where it has them all.
    pub(super) fn new(get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        let change = |name: &str| -> Option<Change> {
            let part = |half| get(&alloc::format!("{name}.lora_{half}"));
            Some([part('a')?, part('b')?])
        };
        Some(Self {
            projections: [change("attn_q")?, change("attn_k")?, change("attn_v")?],
            output: change("attn_output")?,
            gate: change("ffn_gate")?,
            up: change("ffn_up")?,
            down: change("ffn_down")?,
        })
    }
}

/// The graph of a micro-batch at full context. The last layer is the head that chooses.
pub(super) fn switched(
    settings: &LlamaCpp,
    model: &Model,
    batch: &Batch,
    layers: &[LayerBlock<'_>],
    output: &Output,
    options: Options,
) -> Result<Graph, EngineError> {
    let mut graph = Graph::new(settings.offload_to());
    let tokens = batch.ubatch.next_multiple_of(batch.sequences);
    let tokens_in = graph.input([tokens, 1, 1, 1], 4);
    let [key, value, query] = [(); 3].map(|()| graph.input([tokens, 1, 1, 1], 4));
    let positions = (options.family.rotates).then(|| graph.input([tokens, 1, 1, 1], 4));
    let widest_value = widest_value(model, layers)?;
    let entries = if options.values_by_rows {
        1
    } else {
        widest_value
    };
    let mut full = None;
    if let Some(&LayerBlock { layer, .. }) = layers.first()
        && let Some(cell) = cache::cell(model, layer)?
    {
        let attention = &layer.attention;
        full = Some(cache_inputs(
            &mut graph, settings, batch, tokens, &cell, attention, entries,
        )?);
    }
    let output_rows = graph.input([batch.outputs, 1, 1, 1], 4);
    let table = Part {
        columns: 0,
        rows: model.embedding_length,
        place: output.embeddings,
        bytes: 0,
    };
    let shape = [model.embedding_length, tokens, 1, 1];
    let embedded = graph.lookup(table, shape, &[tokens_in]);
    let mut residual = graph.map(&[embedded]);
    let ids = [tokens_in, output_rows];
    let mut decoder = Decoder {
        positions,
        values_by_rows: options.values_by_rows,
        widest_value,
        full,
        ..Decoder::bare(graph, settings, model, batch, options.family, ids)
    };
    let Some((router, layers)) = layers.split_last() else {
        return Ok(decoder.graph);
    };
    let mut adapters = decoder.adapters(router.layer.attention, router.block, [query, key, value]);
    for (position, &LayerBlock { layer, block, .. }) in layers.iter().enumerate() {
        let (Some(switch), Attention::Heads(heads)) = (block.switch, layer.attention) else {
            continue;
        };
        let normalized = decoder.norm(residual, block.attention_norm, None);
        let mut attended = decoder.switched_attention(block, &switch, heads, normalized, adapters);
        if position + 1 == layers.len() {
            attended = decoder.selected(attended);
            residual = decoder.selected(residual);
            let chosen = decoder.graph.view(adapters, [1, tokens, 1, 1]);
            adapters = decoder.selected(chosen);
        }
        if options.family.scales_residual {
            attended = decoder.graph.map(&[attended]);
        }
        let middle = decoder.graph.map(&[attended, residual]);
        let normalized = decoder.norm(middle, block.feed_forward_norm, None);
        let network = &block.feed_forward;
        let gate = decoder.changed(network.gate, switch.gate, normalized, adapters);
        let up = decoder.changed(network.up, switch.up, normalized, adapters);
        let gate = decoder.graph.map(&[gate]);
        let gated = decoder.graph.map(&[gate, up]);
        let mut fed = decoder.changed(network.down, switch.down, gated, adapters);
        if options.family.scales_residual {
            fed = decoder.graph.map(&[fed]);
        }
        residual = decoder.graph.map(&[fed, middle]);
    }
    decoder.logits(output, residual);
    Ok(decoder.graph)
}

impl Decoder<'_> {
    /// The adapter of each token.
    fn adapters(&mut self, attention: Attention, block: &Block, signals: [Id; 3]) -> Id {
        let (Some(inputs), Attention::Heads(heads)) = (self.full, attention) else {
            return self.output_rows;
        };
        let tokens = self.tokens;
        let [query, key, value] = signals.map(|signal| {
            let signal = self.graph.view(signal, [1, 1, tokens, 1]);
            self.graph.own([heads.key_dim, 1, tokens, 1], &[signal])
        });
        let query = self.rotated_key(&inputs, query);
        let key = self.rotated_key(&inputs, key);
        let value = self.rotated_value(&inputs, value);
        for id in [query, value, key] {
            self.graph.expand(id);
        }
        let found = self.attend(&inputs, block, heads, query, Some((key, value)));
        let slots = [1, tokens, 1, 1];
        let slots = self.graph.slice(found, slots, 1, heads.value_dim);
        let slots = self.graph.own([1, tokens, 1, 1], &[slots]);
        let slots = self.graph.view(slots, [tokens, 1, 1, 1]);
        let slots = self.graph.map(&[slots]);
        let slots = self.graph.map(&[slots]);
        self.graph.own([tokens, 1, 1, 1], &[slots])
    }

    fn switched_attention(
        &mut self,
        block: &Block,
        switch: &SwitchBlock,
        heads: HeadAttention,
        from: Id,
        adapters: Id,
    ) -> Id {
        let Some(inputs) = self.full else {
            return from;
        };
        let tokens = self.tokens;
        let fused = self.projected(block.fused, None, from);
        let [row, ..] = self.graph.shape(fused);
        let counts = [heads.query_heads, heads.kv_heads, heads.kv_heads];
        let mut changes = switch.projections.into_iter();
        let [query, key, value] = counts.map(|count| {
            let width = count * heads.key_dim;
            let part = [width, tokens, 1, 1];
            let part = self.graph.slice(fused, part, width, row);
            let part = self.graph.own([width, tokens, 1, 1], &[part]);
            match changes.next() {
                Some(change) => {
                    let change = self.change(change, from, adapters);
                    self.graph.map(&[part, change])
                }
                None => part,
            }
        });
        let query = self.query(&inputs, block, heads, query);
        let key = self.key(&inputs, block, heads, key);
        let value = self.value(&inputs, heads, value);
        for id in [query, value, key] {
            self.graph.expand(id);
        }
        let attended = self.attend(&inputs, block, heads, query, Some((key, value)));
        self.changed(block.output, switch.output, attended, adapters)
    }

    /// The product with a matrix and its change.
    fn changed(&mut self, weight: Option<Part>, change: Change, from: Id, adapters: Id) -> Id {
        let product = self.projected(weight, None, from);
        let change = self.change(change, from, adapters);
        self.graph.map(&[product, change])
    }

    fn change(&mut self, [down, up]: Change, from: Id, adapters: Id) -> Id {
        let [width, tokens, ..] = self.graph.shape(from);
        let rows = self.graph.view(from, [width, 1, tokens, 1]);
        let chosen = self.graph.view(adapters, [1, tokens, 1, 1]);
        let narrow = [down.rows, 1, tokens, 1];
        let narrow = self.graph.expert_matrix(down, narrow, rows, chosen);
        let wide = [up.rows, 1, tokens, 1];
        let wide = self.graph.expert_matrix(up, wide, narrow, chosen);
        self.graph.view(wide, [up.rows, tokens, 1, 1])
    }
}
