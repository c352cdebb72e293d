//! Models that go through their layers several times: each pass caches for itself.
//!
//! Source: llama.cpp 0.6.0, `models/nanbeige.cpp` and `models/hrm-text.cpp`.

use alloc::vec::Vec;

use super::decoder::{Decoder, LayerBlock};
use super::node::Id;
use super::output::Output;
use crate::engine::EngineError;
use crate::model::{Model, Tensor};

/// Blocks of the file, of which every pass goes through some.
fn blocks_of_file(model: &Model) -> usize {
    let last = model.tensors.iter().filter_map(Tensor::block).max();
    last.map_or(0, |last| last + 1)
}

/// Layers of the fast stack of HRM, and as many of the slow one.
fn layers_of_stack(model: &Model) -> usize {
    blocks_of_file(model) / 2
}

/// Which block's tensors the layer at this index uses.
pub(super) fn tensors_of(model: &Model, index: usize) -> usize {
    match model.architecture.as_str() {
        "nanbeige" => index.checked_rem(blocks_of_file(model)).unwrap_or(index),
        "hrm_text" => {
            let layers = layers_of_stack(model);
            let (Some(stack), Some(layer)) = (index.checked_div(layers), index.checked_rem(layers))
            else {
                return index;
            };
            if is_slow(model, stack) {
                layers + layer
            } else {
                layer
            }
        }
        _ => index,
    }
}

/// Whether the stack at this place among all runs is the slow one.
fn is_slow(model: &Model, stack: usize) -> bool {
    let fast = usize::try_from(model.traits.fast_cycles).unwrap_or(usize::MAX);
    (stack + 1).is_multiple_of(fast.saturating_add(1))
}

/// Whether the stream is normalised after the layer at this index, before the next pass.
pub(super) fn ends_pass(model: &Model, index: usize) -> bool {
    if model.architecture != "nanbeige" || model.traits.keeps_stream_between_passes {
        return false;
    }
    let layers = blocks_of_file(model);
    index + 1 < model.layers.len() && layers > 0 && (index + 1).is_multiple_of(layers)
}

/// The number under which the last norm's weight is used again.
const OUTPUT_NORM: usize = usize::MAX;

/// Whether the model goes through its layers several times.
pub(super) fn repeats(model: &Model) -> bool {
    matches!(model.architecture.as_str(), "nanbeige" | "hrm_text")
        && blocks_of_file(model) < model.layers.len()
}

impl Decoder<'_> {
    /// The last norm, between passes or at the end.
    pub(super) fn pass_norm(&mut self, output: &Output, from: Id) -> Id {
        self.graph.begin_weights(OUTPUT_NORM);
        let normalized = self.norm(from, output.norm, output.norm_bias);
        self.graph.end_weights();
        normalized
    }

    /// HRM: two stacks that take turns, each on the sum of what both gave.
    pub(super) fn stacks(
        &mut self,
        model: &Model,
        output: &Output,
        layers: &[LayerBlock<'_>],
        embedded: Id,
    ) -> Result<Id, EngineError> {
        let size = layers_of_stack(model).max(1);
        let mut slow = embedded;
        let mut fast = None;
        let stacks: Vec<_> = layers.chunks(size).collect();
        for (index, stack) in stacks.into_iter().enumerate() {
            let mut stream = match fast {
                Some(fast) => self.graph.map(&[slow, fast]),
                None => self.graph.weigh(slow, output.first_state),
            };
            for each in stack {
                self.graph.begin_weights(tensors_of(model, each.index));
                stream = self.layer(each.layer, each.block, stream, false)?;
                self.graph.end_weights();
            }
            let result = self.norm(stream, None, None);
            if is_slow(model, index) {
                slow = result;
            } else {
                fast = Some(result);
            }
        }
        Ok(slow)
    }
}
