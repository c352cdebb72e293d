//! The rules by category. Each counter runs over the tensors of its kind in the file's order.

use super::category::Category;
use super::{Mix, is_expert_tensor};
use crate::model::Tensor;
use crate::quant::{FileType as F, TensorType as T};

/// Whether the medium mixes give more bits to the `index`th of `count` layers: the first and
/// last eighth, and every third between.
fn gets_more_bits(index: u64, count: u64) -> bool {
    let eighth = count / 8;
    index < eighth || index >= 7 * count / 8 || (index - eighth) % 3 == 2
}

/// Whether `index` is in the first eighth of `count`.
fn in_first_eighth(index: u64, count: u64) -> bool {
    index < count / 8
}

impl Mix<'_> {
    /// The type that the mix gives a tensor, whether or not the row is whole blocks of it.
    pub(super) fn ruled_type(&mut self, tensor: &Tensor) -> T {
        let category = Category::of(&tensor.name);
        let output = category == Category::Output
            || (category == Category::TokenEmbedding && !self.has_output);
        if output {
            return self.output_type(tensor);
        }
        if self.file_type == F::Mxfp4Moe {
            return if is_expert_tensor(tensor) {
                T::Mxfp4
            } else {
                T::Q8_0
            };
        }
        if category == Category::TokenEmbedding {
            return self.embedding_type();
        }
        if self.is_two_bits_or_less() {
            return self.smallest_type(category);
        }
        match category {
            Category::AttentionValue | Category::AttentionFused | Category::AttentionKeyValue => {
                self.value_type()
            }
            Category::AttentionKey => self.key_type(),
            Category::AttentionQuery => self.query_type(),
            Category::AttentionOutput => self.attention_output_type(),
            Category::FeedForwardDown => self.down_type(tensor),
            Category::FeedForwardGate => {
                let index = self.layer_index(tensor, self.gates_seen);
                self.gates_seen += 1;
                self.gate_or_up_type(index)
            }
            Category::FeedForwardUp => {
                let index = self.layer_index(tensor, self.ups_seen);
                self.ups_seen += 1;
                self.gate_or_up_type(index)
            }
            Category::Output | Category::TokenEmbedding | Category::Other => self.file_type.base(),
        }
    }

    /// With experts the layer is read off the name; else tensors of a kind are counted.
    fn layer_index(&self, tensor: &Tensor, seen: u64) -> u64 {
        if self.experts > 1 {
            tensor.block().map_or(seen, |block| block as u64)
        } else {
            seen
        }
    }

    fn output_type(&self, tensor: &Tensor) -> T {
        let base = self.file_type.base();
        let whole_blocks = tensor.dimensions[0].is_multiple_of(base.block_elements());
        if self.file_type == F::Mxfp4Moe || self.is_falcon() || !whole_blocks {
            return T::Q8_0;
        }
        match self.file_type {
            F::Iq1S | F::Iq1M | F::Iq2Xxs | F::Iq2Xs | F::Iq2S | F::Iq2M | F::Iq3Xxs => T::Q5K,
            F::Q8_0 => T::Q8_0,
            _ => T::Q6K,
        }
    }

    fn embedding_type(&self) -> T {
        match self.file_type {
            F::Iq1S | F::Iq1M | F::Iq2Xxs | F::Iq2Xs => T::Q2K,
            F::Iq2S | F::Iq2M | F::Iq3Xxs => T::Iq3S,
            F::Tq1_0 | F::Tq2_0 => T::Q4K,
            _ => self.file_type.base(),
        }
    }

    fn is_two_bits_or_less(&self) -> bool {
        matches!(
            self.file_type,
            F::Iq1S | F::Iq1M | F::Iq2Xxs | F::Iq2Xs | F::Iq2S | F::Iq2M
        )
    }

    fn smallest_type(&mut self, category: Category) -> T {
        let base = self.file_type.base();
        let wider = matches!(self.file_type, F::Iq2S | F::Iq2M);
        let raised = if wider { T::Iq3S } else { T::Q2K };
        match category {
            Category::AttentionValue | Category::AttentionFused | Category::AttentionKeyValue => {
                self.values_seen += 1;
                if self.heads_per_kv_head >= 4 || self.experts >= 4 {
                    T::Q4K
                } else {
                    raised
                }
            }
            Category::AttentionKey if self.experts == 8 => T::Q4K,
            Category::FeedForwardDown => {
                let index = self.downs_seen;
                self.downs_seen += 1;
                if in_first_eighth(index, self.layers) {
                    raised
                } else {
                    base
                }
            }
            Category::AttentionOutput if self.experts == 8 => T::Q5K,
            Category::AttentionOutput => match self.file_type {
                F::Iq1S | F::Iq1M => T::Iq2Xxs,
                F::Iq2S | F::Iq2M => T::Iq3S,
                _ => base,
            },
            _ => base,
        }
    }

    fn value_type(&mut self) -> T {
        let index = self.values_seen;
        self.values_seen += 1;
        let base = self.file_type.base();
        let shared_by_four = self.heads_per_kv_head >= 4;
        let kind = match self.file_type {
            F::Q2K if shared_by_four => T::Q4K,
            F::Q2K => T::Q3K,
            F::Q2KS if shared_by_four => T::Q4K,
            F::Iq3Xxs if shared_by_four => T::Q4K,
            F::Iq3Xxs => T::Iq3S,
            F::Iq3Xs | F::Iq3S if shared_by_four => T::Q4K,
            F::Iq3M => T::Q4K,
            F::Q3KM if index < 2 => T::Q5K,
            F::Q3KM => T::Q4K,
            F::Q3KL => T::Q5K,
            F::Iq4Nl | F::Iq4Xs if shared_by_four => T::Q5K,
            F::Q4KM | F::Q5KM if gets_more_bits(index, self.value_tensors) => T::Q6K,
            F::Q4KS if index < 4 => T::Q5K,
            _ => base,
        };
        if self.experts == 8 {
            T::Q8_0
        } else if self.seventy_billion && matches!(kind, T::Q3K | T::Q4K) {
            T::Q5K
        } else {
            kind
        }
    }

    fn key_type(&self) -> T {
        if self.experts == 8 {
            T::Q8_0
        } else {
            self.query_type()
        }
    }

    fn query_type(&self) -> T {
        match self.file_type {
            F::Iq3Xs => T::Iq3Xxs,
            F::Iq3Xxs => T::Iq2S,
            _ => self.file_type.base(),
        }
    }

    fn attention_output_type(&self) -> T {
        let base = self.file_type.base();
        if self.is_falcon() {
            return match self.file_type {
                F::Q3KL => T::Q4K,
                _ => base,
            };
        }
        match self.file_type {
            F::Q2K
            | F::Iq3Xxs
            | F::Iq3Xs
            | F::Iq3S
            | F::Iq3M
            | F::Q3KS
            | F::Q3KM
            | F::Iq4Nl
            | F::Iq4Xs
            | F::Q4KS
            | F::Q4KM
                if self.experts == 8 =>
            {
                T::Q5K
            }
            _ if self.experts == 8 => base,
            F::Q2K => T::Q3K,
            F::Iq3Xxs => T::Iq3S,
            F::Q3KM | F::Iq3M => T::Q4K,
            F::Q3KL => T::Q5K,
            _ => base,
        }
    }

    fn down_type(&mut self, tensor: &Tensor) -> T {
        let index = self.layer_index(tensor, self.downs_seen);
        self.downs_seen += 1;
        let layers = self.layers;
        let base = self.file_type.base();
        let first_eighth = in_first_eighth(index, layers);
        let first_sixteenth = index < layers / 16;
        let more_bits = gets_more_bits(index, layers);
        if self.is_falcon() {
            return match self.file_type {
                F::Q2K => T::Q3K,
                F::Q2KS if first_eighth => T::Q4K,
                F::Q3KM if first_sixteenth => T::Q5K,
                F::Q3KM if more_bits => T::Q4K,
                F::Q3KL => T::Q4K,
                F::Q4KM if first_sixteenth => T::Q6K,
                F::Q4KM if more_bits => T::Q5K,
                F::Q5KM if more_bits => T::Q6K,
                F::Iq3Xxs if first_eighth => T::Q4K,
                F::Iq3Xxs => T::Q3K,
                F::Iq3M if first_eighth => T::Q4K,
                F::Iq4Nl | F::Iq4Xs if first_eighth => T::Q5K,
                _ => base,
            };
        }
        match self.file_type {
            F::Q2K => T::Q3K,
            F::Q2KS if first_eighth => T::Q4K,
            F::Iq3Xxs if first_eighth => T::Q4K,
            F::Iq3Xxs => T::Q3K,
            F::Q3KM if first_sixteenth => T::Q5K,
            F::Q3KM => T::Q4K,
            F::Iq3M if first_eighth || (self.experts == 8 && more_bits) => T::Q4K,
            F::Q3KL => T::Q5K,
            F::Q4KM | F::Q5KM if more_bits => T::Q6K,
            F::Iq4Nl | F::Iq4Xs if first_eighth => T::Q5K,
            F::Q4KS if first_eighth => T::Q5K,
            _ => base,
        }
    }

    fn gate_or_up_type(&self, index: u64) -> T {
        let middle = index >= self.layers / 8 && index < 7 * self.layers / 8;
        if self.file_type == F::Iq3Xs && middle {
            T::Iq3Xxs
        } else {
            self.file_type.base()
        }
    }

    fn is_falcon(&self) -> bool {
        self.architecture == "falcon"
    }
}
