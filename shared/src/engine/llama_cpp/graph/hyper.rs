//! Hyper-connections: several residual streams, from which each part of a layer reads a weighted
//! sum, and to which it gives its result back while they are mixed among each other.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/deepseek4.cpp` and `models/glm5-next.cpp`
//! (`build_hc_pre`, `build_hc_post`, `build_hc_sinkhorn`, `build_hc_head`), and
//! `llama-context.cpp` (`resolve_fused_ops`).

use super::block::{Block, Part};
use super::decoder::Decoder;
use super::node::Id;
use crate::engine::EngineError;
use crate::model::Layer;

/// Rounds of balancing that are simulated: further ones take the memory of those before.
const BALANCING_ROUNDS: u64 = 4;

/// The tensors of the connection of one part of a layer, or of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Connection {
    pub(super) function: Part,
    pub(super) scale: Part,
    pub(super) base: Part,
}

impl Connection {
    /// The connection of this name, where there is one.
    pub(super) fn named(name: &str, get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        let tensor = |part: &str| get(&alloc::format!("{name}_{part}.weight"));
        Some(Self {
            function: tensor("fn")?,
            scale: tensor("scale")?,
            base: tensor("base")?,
        })
    }
}

/// The connections of a layer's two parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Connections {
    pub(super) attention: Connection,
    pub(super) network: Connection,
    /// Residual streams.
    pub(super) streams: u64,
    /// The streams are not mixed among each other.
    pub(super) apart: bool,
}

impl Connections {
    /// A block's connections, where it has both.
    pub(super) fn new(get: impl Fn(&str) -> Option<Part>) -> Option<Self> {
        let attention = Connection::named("hc_attn", &get)?;
        let width = get("attn_norm.weight")?.columns;
        let streams = attention.function.columns.checked_div(width)?;
        let apart = attention.function.rows == streams.checked_mul(2)?;
        let mixes = attention.function.rows == streams.checked_mul(streams.checked_add(2)?)?;
        let network = Connection::named("hc_ffn", &get)?;
        (apart || mixes).then_some(Self {
            attention,
            network,
            streams,
            apart,
        })
    }
}

/// Which steps are operations of their own, as the engine decides it for all layers at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Fusions {
    read: bool,
    mixing: bool,
    written: bool,
}

impl Fusions {
    pub(in super::super) const ALL: Self = Self {
        read: true,
        mixing: true,
        written: true,
    };

    /// The steps in the order in which the engine tries them.
    pub(super) const STEPS: [Fused; 3] = [Fused::Read, Fused::Mixing, Fused::Written];

    pub(super) fn without(mut self, step: Fused) -> Self {
        match step {
            Fused::Read => self.read = false,
            Fused::Mixing => self.mixing = false,
            Fused::Written => self.written = false,
            Fused::Attention => {}
        }
        self
    }
}

/// Operations that the engine gives up where one is not with its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fused {
    Attention,
    Read,
    Mixing,
    Written,
}

/// What a part's result is given back with.
#[derive(Debug, Clone, Copy)]
struct Mixing {
    /// What each stream takes of the result.
    post: Id,
    /// What each takes of the others.
    mixed: Id,
}

impl Decoder<'_> {
    /// The embeddings as every stream.
    pub(super) fn streams(&mut self, connections: Connections, embedded: Id) -> Id {
        let [width, tokens, ..] = self.graph.shape(embedded);
        let one = self.graph.view(embedded, [width, 1, tokens, 1]);
        let shape = [width, connections.streams, tokens, 1];
        self.graph.own(shape, &[one])
    }

    /// One layer: from all streams to the next.
    pub(super) fn connected_layer(
        &mut self,
        layer: &Layer,
        block: &Block,
        connections: Connections,
        streams: Id,
    ) -> Result<Id, EngineError> {
        let (input, mixing) = self.read(block, connections.attention, streams);
        let normalized = self.norm(input, block.attention_norm, None);
        if !self.family.connects_before_network {
            self.graph.expand(normalized);
        }
        let attended = match &block.recurrent {
            Some(recurrent) => self.recurrent(layer, block, recurrent, streams, normalized)?,
            None => self.attention(layer, block, normalized)?,
        };
        let streams = self.written(block, attended, streams, mixing);
        let (input, mixing) = self.read(block, connections.network, streams);
        if self.family.connects_before_network {
            for id in [streams, mixing.post, mixing.mixed] {
                self.graph.expand(id);
            }
        }
        let normalized = self.norm(input, block.feed_forward_norm, None);
        let fed = self.feed_forward(block, normalized);
        let streams = self.written(block, fed, streams, mixing);
        if self.pins_layers && self.family.ends_layers_in_place {
            self.graph.assign(streams, block.place);
        }
        Ok(streams)
    }

    /// What a part reads of the streams, and how its result is to be given back.
    fn read(&mut self, block: &Block, connection: Connection, streams: Id) -> (Id, Mixing) {
        let [width, count, tokens, _] = self.graph.shape(streams);
        let flat = self.graph.view(streams, [width * count, tokens, 1, 1]);
        let normalized = self.graph.map(&[flat]);
        let mixes = self.graph.matrix(connection.function, normalized);
        let rows = connection.function.rows;
        let part = |decoder: &mut Self, columns: u64| {
            let shape = [columns, tokens, 1, 1];
            let part = decoder.graph.slice(mixes, shape, columns, rows);
            decoder.affine(connection, part, columns)
        };
        let pre = part(self, count);
        let pre = self.graph.map(&[pre]);
        let pre = self.graph.map(&[pre]);
        let post = part(self, count);
        let post = self.graph.map(&[post]);
        let post = self.graph.map(&[post]);
        let square = [count, count, tokens, 1];
        let mixed = if self.fusions.mixing {
            let (scale, base) = (connection.scale, connection.base);
            let rows = count.saturating_mul(tokens);
            let mixed = self
                .graph
                .own_by_weights([scale, base], rows, square, mixes);
            self.graph.fused(mixed, Fused::Mixing, block.place);
            mixed
        } else {
            let part = part(self, count * count);
            let part = self.graph.view(part, square);
            self.balanced(part)
        };
        let input = if self.fusions.read {
            let input = self.graph.own([width, tokens, 1, 1], &[streams, pre]);
            self.graph.fused(input, Fused::Read, block.place);
            input
        } else {
            self.weighted_streams(streams, pre)
        };
        (input, Mixing { post, mixed })
    }

    /// By parts of the connection's scale and base.
    pub(super) fn affine(&mut self, connection: Connection, from: Id, columns: u64) -> Id {
        let scale = self.graph.part_of(connection.scale, 1);
        let scaled = self.graph.map(&[from, scale]);
        let base = self.graph.part_of(connection.base, columns);
        self.graph.map(&[scaled, base])
    }

    /// One of `count` parts of each token, of so many elements.
    pub(super) fn nth(&mut self, of: Id, elements: u64, count: u64) -> Id {
        let all = self.graph.shape(of).iter().product::<u64>();
        let tokens = all.checked_div(elements * count).unwrap_or(0);
        let shape = [elements, tokens, 1, 1];
        self.graph.slice(of, shape, elements, elements * count)
    }

    /// The sum of all streams by their weights, step by step.
    pub(super) fn weighted_streams(&mut self, streams: Id, weights: Id) -> Id {
        let [width, count, ..] = self.graph.shape(streams);
        let mut sum = None;
        for _ in 0..count {
            let stream = self.nth(streams, width, count);
            let weight = self.nth(weights, 1, count);
            let part = self.graph.map(&[stream, weight]);
            sum = Some(match sum {
                Some(sum) => self.graph.map(&[sum, part]),
                None => part,
            });
        }
        sum.unwrap_or(streams)
    }

    /// A matrix for each token whose rows and columns come to add up to 1 each (Sinkhorn).
    fn balanced(&mut self, from: Id) -> Id {
        let [count, _, tokens, _] = self.graph.shape(from);
        let mut matrix = self.graph.map(&[from]);
        let least = self.graph.leaf([1, 1, 1, 1]);
        let least = self.graph.map(&[least]);
        matrix = self.graph.map(&[matrix, least]);
        let by_columns = |decoder: &mut Self, matrix: Id| {
            let shape = [count, count, tokens, 1];
            let turned = decoder.graph.view(matrix, shape);
            let turned = decoder.graph.own(shape, &[turned]);
            let sums = decoder.graph.own([1, count, tokens, 1], &[turned]);
            let sums = decoder.graph.map(&[sums, least]);
            let sums = decoder.graph.view(sums, [count, 1, tokens, 1]);
            decoder.graph.map(&[matrix, sums])
        };
        matrix = by_columns(self, matrix);
        for _ in 1..BALANCING_ROUNDS {
            let sums = self.graph.own([1, count, tokens, 1], &[matrix]);
            let sums = self.graph.map(&[sums, least]);
            matrix = self.graph.map(&[matrix, sums]);
            matrix = by_columns(self, matrix);
        }
        matrix
    }

    /// The streams after a part has given its result.
    fn written(&mut self, block: &Block, result: Id, streams: Id, mixing: Mixing) -> Id {
        let Mixing { post, mixed } = mixing;
        let shape = self.graph.shape(streams);
        if self.fusions.written {
            let sources = [result, streams, post, mixed];
            let written = self.graph.own(shape, &sources);
            self.graph.fused(written, Fused::Written, block.place);
            return written;
        }
        let [width, count, tokens, _] = shape;
        let mut written = None;
        for stream in 1..=count {
            let weight = self.nth(post, 1, count);
            let mut sum = self.graph.map(&[result, weight]);
            for _ in 0..count {
                let other = self.nth(streams, width, count);
                let weight = self.nth(mixed, 1, count * count);
                let part = self.graph.map(&[other, weight]);
                sum = self.graph.map(&[sum, part]);
            }
            let sum = self.graph.view(sum, [width, 1, tokens, 1]);
            written = Some(match written {
                Some(before) => self.graph.own([width, stream, tokens, 1], &[before, sum]),
                None => sum,
            });
        }
        written.unwrap_or(streams)
    }

    /// One stream of the rows that logits are asked for: by a connection of its own, or the mean.
    pub(super) fn joined_streams(
        &mut self,
        connections: Connections,
        connection: Option<Connection>,
        streams: Id,
    ) -> Id {
        let [width, count, tokens, _] = self.graph.shape(streams);
        let flat = self.graph.view(streams, [width * count, tokens, 1, 1]);
        let flat = self.selected(flat);
        let [_, rows, ..] = self.graph.shape(flat);
        let streams = self.graph.view(flat, [width, count, rows, 1]);
        let Some(connection) = connection else {
            let mut sum = self.nth(streams, width, count);
            for _ in 1..count {
                let stream = self.nth(streams, width, count);
                sum = self.graph.map(&[sum, stream]);
            }
            return self.graph.map(&[sum]);
        };
        let flat = self.graph.view(streams, [width * count, rows, 1, 1]);
        let normalized = self.graph.map(&[flat]);
        let mixes = self.graph.matrix(connection.function, normalized);
        let scaled = self.graph.weigh(mixes, Some(connection.scale));
        let weights = self.graph.weigh(scaled, Some(connection.base));
        let weights = self.graph.map(&[weights]);
        let weights = self.graph.map(&[weights]);
        if connections.apart {
            self.copied_sum(streams, weights)
        } else {
            self.weighted_streams(streams, weights)
        }
    }
}
