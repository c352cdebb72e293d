//! Independent hyper-connections (HY V4): the residual streams are not mixed among each other, and
//! no step is an operation of its own.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `models/hy-v4.cpp` (`build_hc_pre`, `build_hc_post`,
//! `hy_v4_hc_reduce`).

use super::block::Block;
use super::decoder::Decoder;
use super::hyper::{Connection, Connections};
use super::node::Id;
use crate::engine::EngineError;
use crate::model::Layer;

impl Decoder<'_> {
    /// One layer: from all streams to the next.
    pub(super) fn independent_layer(
        &mut self,
        layer: &Layer,
        block: &Block,
        connections: Connections,
        streams: Id,
    ) -> Result<Id, EngineError> {
        let (input, post) = self.read_apart(connections.attention, streams);
        let normalized = self.norm(input, block.attention_norm, None);
        let attended = self.attention(layer, block, normalized)?;
        let streams = self.given_back(attended, streams, post);
        let (input, post) = self.read_apart(connections.network, streams);
        let normalized = self.norm(input, block.feed_forward_norm, None);
        let fed = self.feed_forward(block, normalized);
        Ok(self.given_back(fed, streams, post))
    }

    /// What a part reads of the streams, and what each stream takes of its result.
    fn read_apart(&mut self, connection: Connection, streams: Id) -> (Id, Id) {
        let [width, count, tokens, _] = self.graph.shape(streams);
        let flat = self.graph.view(streams, [width * count, tokens, 1, 1]);
        let normalized = self.graph.map(&[flat]);
        let mixes = self.graph.matrix(connection.function, normalized);
        let [read, post] = [(); 2].map(|()| {
            let part = [count, tokens, 1, 1];
            let part = self.graph.slice(mixes, part, count, 2 * count);
            let weights = self.affine(connection, part, count);
            let weights = self.graph.map(&[weights]);
            self.graph.map(&[weights])
        });
        // Scaled as well as moved by a little.
        let post = self.graph.map(&[post]);
        (self.copied_sum(streams, read), post)
    }

    /// A copy, though the elements stay what they are.
    fn copied(&mut self, from: Id) -> Id {
        let shape = self.graph.shape(from);
        self.graph.own(shape, &[from])
    }

    /// The sum of all streams by their weights, copied before and after.
    pub(super) fn copied_sum(&mut self, streams: Id, weights: Id) -> Id {
        let copied = self.copied(streams);
        let sum = self.weighted_streams(copied, weights);
        self.copied(sum)
    }

    /// The streams after a part has given its result to each.
    fn given_back(&mut self, result: Id, streams: Id, post: Id) -> Id {
        let [width, count, tokens, _] = self.graph.shape(streams);
        let (result, post) = (self.copied(result), self.copied(post));
        let copied = self.copied(streams);
        let mut given = None;
        for stream in 1..=count {
            let old = self.nth(copied, width, count);
            let weight = self.nth(post, 1, count);
            let part = self.graph.map(&[result, weight]);
            let sum = self.graph.map(&[old, part]);
            let sum = self.graph.view(sum, [width, 1, tokens, 1]);
            given = Some(match given {
                Some(before) => self.graph.own([width, stream, tokens, 1], &[before, sum]),
                None => sum,
            });
        }
        self.copied(given.unwrap_or(copied))
    }
}
