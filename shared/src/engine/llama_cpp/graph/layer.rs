//! One layer of a decoder.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-graph.cpp` and `models/*.cpp`.

use super::block::{Block, ExpertBlock, Part};
use super::decoder::Decoder;
use super::family::{Parallel, Selection};
use super::node::Id;
use crate::engine::EngineError;
use crate::model::{Attention, Layer, RecurrentState};

impl Decoder<'_> {
    /// One layer: from the residual stream to the next.
    pub(super) fn layer(
        &mut self,
        layer: &Layer,
        block: &Block,
        residual: Id,
        last: bool,
    ) -> Result<Id, EngineError> {
        if let Some(connections) = block.connections {
            return if connections.apart {
                self.independent_layer(layer, block, connections, residual)
            } else {
                self.connected_layer(layer, block, connections, residual)
            };
        }
        if let Some(altup) = &block.altup {
            return self.altup_layer(layer, block, altup, residual);
        }
        if let Some(recurrent) = &block.recurrent
            && let RecurrentState::Rwkv { head_dim, .. } = recurrent.state
        {
            return Ok(self.rwkv_layer(block, recurrent, head_dim, residual, last));
        }
        if self.residuals.is_some() {
            return self.residual_layer(layer, block, residual);
        }
        if self.decays.is_some() {
            return self.lightning_layer(layer, block, residual, last);
        }
        if self.family.routes_from_stream
            && let Some(router) = block.experts.as_ref().and_then(|experts| experts.router)
        {
            self.router_logits = Some(self.graph.matrix(router, residual));
        }
        let swaps_norms = self.family.normalizes_results;
        let normalized = if swaps_norms {
            residual
        } else {
            self.normalized(residual, block.attention_norm, block.attention_norm_bias)
        };
        if layer.attention == Attention::None && block.recurrent.is_none() {
            // Nemotron-H: a block is attention, recurrence or a network alone.
            let mut fed = self.feed_forward(block, normalized);
            let mut residual = residual;
            if last && self.family.selection == Selection::Attended {
                fed = self.selected(fed);
                residual = self.selected(residual);
            }
            return Ok(self.sum(fed, residual));
        }
        let mut attended = match &block.recurrent {
            Some(recurrent) => self.recurrent(layer, block, recurrent, residual, normalized)?,
            None => {
                let input = match block.attention_norm_2 {
                    Some(_) => self.norm(
                        residual,
                        block.attention_norm_2,
                        block.attention_norm_2_bias,
                    ),
                    None => normalized,
                };
                self.attention(layer, block, input)?
            }
        };
        let mut residual = residual;
        let mut normalized = normalized;
        if last && self.family.selection == Selection::Attended {
            attended = self.selected(attended);
            if self.family.parallel != Parallel::No {
                normalized = self.selected(normalized);
            }
            self.router_logits = self.router_logits.map(|logits| self.selected(logits));
            residual = self.selected(residual);
        }
        match self.family.parallel {
            Parallel::No => {}
            Parallel::NetworkThenAttention => {
                let fed = self.feed_forward(block, normalized);
                let sum = self.graph.map(&[fed, attended]);
                return Ok(self.graph.map(&[sum, residual]));
            }
            Parallel::OwnNorm => {
                let input = self.normalized(
                    residual,
                    block.feed_forward_norm,
                    block.feed_forward_norm_bias,
                );
                let fed = self.feed_forward(block, input);
                let sum = self.graph.map(&[fed, residual]);
                return Ok(self.graph.map(&[sum, attended]));
            }
            Parallel::AfterAttention if block.feed_forward_norm.is_some() => {}
            Parallel::AfterAttention => {
                let middle = self.sum(attended, residual);
                let fed = self.feed_forward(block, normalized);
                return Ok(self.graph.map(&[fed, middle]));
            }
            Parallel::AttentionFirst => {
                let fed = self.feed_forward(block, normalized);
                let sum = self.graph.map(&[attended, fed]);
                return Ok(self.graph.map(&[sum, residual]));
            }
            Parallel::NetworkFirst => {
                let fed = self.feed_forward(block, normalized);
                let sum = self.graph.map(&[fed, residual]);
                return Ok(self.graph.map(&[sum, attended]));
            }
        }
        if self.family.scales_residual {
            attended = self.graph.map(&[attended]);
        }
        if swaps_norms {
            attended = self.norm(attended, block.attention_norm, None);
        }
        let pre = self.family.post_attention_norm_is_pre;
        if block.post_attention_norm.is_some() && !pre {
            attended = self.norm(attended, block.post_attention_norm, None);
        }
        let mut middle = if self.family.adds_attention_to_residual {
            self.graph.map(&[residual, attended])
        } else {
            self.sum(attended, residual)
        };
        if last && self.family.selection == Selection::Sum {
            middle = self.selected(middle);
        }
        if !block.feeds_forward() {
            return Ok(middle);
        }
        if let Some(experts) = &block.experts
            && experts.input_norm.is_some()
        {
            let input = self.norm(middle, block.feed_forward_norm, None);
            let fed = self.dense(&block.feed_forward, input);
            let fed = self.graph.map(&[fed, middle]);
            let input = self.norm(residual, experts.input_norm, None);
            let mixed = self.experts(experts, input, None);
            return Ok(self.graph.map(&[mixed, fed]));
        }
        let mut fed = match &block.experts {
            Some(experts) if experts.pre_norm.is_some() => {
                self.experts_beside_network(block, experts, middle)
            }
            _ => {
                let pre_norm = if pre { block.post_attention_norm } else { None };
                let normalized = if swaps_norms {
                    middle
                } else {
                    self.normalized(
                        middle,
                        block.feed_forward_norm.or(pre_norm),
                        block.feed_forward_norm_bias,
                    )
                };
                self.feed_forward(block, normalized)
            }
        };
        if swaps_norms {
            fed = self.norm(fed, block.feed_forward_norm, None);
        }
        if block.post_feed_forward_norm.is_some() {
            fed = self.norm(fed, block.post_feed_forward_norm, None);
        }
        if self.family.scales_residual {
            fed = self.graph.map(&[fed]);
        }
        let mut result = if self.family.adds_network_to_residual {
            self.graph.map(&[middle, fed])
        } else {
            self.sum(fed, middle)
        };
        if let Some(tensors) = block.per_layer
            && let Some(added) = self.per_layer_part(tensors, result)
        {
            result = self.graph.map(&[result, added]);
        }
        if let Some(embeddings) = self.embeddings {
            let embeddings = if last {
                self.selected(embeddings)
            } else {
                embeddings
            };
            let added = self.graph.weigh(embeddings, block.output_scale);
            return Ok(self.graph.map(&[result, added]));
        }
        Ok(self.graph.weigh(result, block.output_scale))
    }

    /// Gemma 4: a mixture of experts and a dense network read the same input, each with norms of
    /// its own.
    fn experts_beside_network(&mut self, block: &Block, experts: &ExpertBlock, from: Id) -> Id {
        let network = self.norm(from, block.feed_forward_norm, None);
        let network = self.dense(&block.feed_forward, network);
        let network = self.norm(network, experts.beside_post_norm, None);
        let input = self.norm(from, experts.pre_norm, None);
        let router = self.graph.map(&[from]);
        let router = self.graph.map(&[router]);
        let router = self.graph.weigh(router, experts.router_scale);
        let mixed = self.experts(experts, input, Some(router));
        let mixed = self.norm(mixed, experts.post_norm, None);
        self.graph.map(&[network, mixed])
    }

    /// The norm before a part, where there is one.
    fn normalized(&mut self, from: Id, weight: Option<Part>, bias: Option<Part>) -> Id {
        if weight.is_some() || self.family.norms_without_weight {
            self.norm(from, weight, bias)
        } else {
            from
        }
    }

    /// A result and the residual stream.
    fn sum(&mut self, result: Id, residual: Id) -> Id {
        if self.family.adds_to_residual {
            self.graph.map(&[residual, result])
        } else {
            self.graph.map(&[result, residual])
        }
    }
}
