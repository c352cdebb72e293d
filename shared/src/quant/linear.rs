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

/// Matrices that the converter keeps in F32 whatever is asked of it.
const KEPT_IN_F32: &[&str] = &[
    "ffn_gate_inp.weight",
    "ffn_gate_inp_shexp.weight",
    "position_embd.weight",
    "token_types.weight",
    "ssm_conv1d.weight",
    "ssm_conv1d_q.weight",
    "ssm_conv1d_k.weight",
    "ssm_conv1d_v.weight",
    "shortconv.conv.weight",
    "altup_correct_coef.weight",
    "altup_predict_coef.weight",
    "indexer.proj.weight",
];

/// Whether the converter keeps a tensor of this name within its block in F32 whatever its shape:
/// norms, whatever is no `.weight`, and some small matrices.
pub(crate) fn stays_in_f32(name: &str) -> bool {
    !name.ends_with(".weight") || name.ends_with("_norm.weight") || KEPT_IN_F32.contains(&name)
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
        // In a checkpoint of single precision only the name tells.
        let floats = match tensor.tensor_type {
            TensorType::F16 | TensorType::Bf16 => true,
            TensorType::F32 => !stays_in_f32(name),
            _ => false,
        };
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
