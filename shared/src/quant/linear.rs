//! Which tensors are matrices of linear layers, in the terms of a checkpoint.

use super::TensorType;
use crate::model::Tensor;

/// The matrices of a tensor: `count` of them (experts), each from `input` to `output` channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Input channels.
    pub input: u64,
    /// Output channels.
    pub output: u64,
    /// How many.
    pub count: u64,
}

/// Parts of the checkpoint's vocabulary that prediction blocks store once more.
const VOCABULARY: [&str; 2] = ["nextn.embed_tokens.weight", "nextn.shared_head_head.weight"];

impl Linear {
    /// The matrices of a block's linear layer; `None` for embeddings, norms, convolutions,
    /// routers and whatever else the converter keeps in single precision, all of which
    /// quantizers leave as they are.
    #[must_use]
    pub fn of_block(tensor: &Tensor) -> Option<Self> {
        let (_, name) = tensor.name.strip_prefix("blk.")?.split_once('.')?;
        let floats = matches!(tensor.tensor_type, TensorType::F16 | TensorType::Bf16);
        let is_matrix = tensor.dimensions[1] > 1 && name.ends_with(".weight");
        (floats && is_matrix && !VOCABULARY.contains(&name)).then(|| Self::of(tensor))
    }

    /// The matrices of a tensor, whatever it is.
    #[must_use]
    pub fn of(tensor: &Tensor) -> Self {
        let [first, second, third, fourth] = tensor.dimensions;
        let third = third.saturating_mul(fourth);
        // The checkpoint has one matrix from the latent to all heads' keys and values.
        if tensor.name.ends_with("attn_k_b.weight") {
            return Self {
                input: second,
                output: first.saturating_mul(third),
                count: 1,
            };
        }
        if tensor.name.ends_with("attn_v_b.weight") {
            return Self {
                input: first,
                output: second.saturating_mul(third),
                count: 1,
            };
        }
        Self {
            input: first,
            output: second,
            count: third,
        }
    }
}
