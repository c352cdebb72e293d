//! What a tensor is to the quantizer, by its name.

use crate::model::Tensor;

/// What a tensor is to the quantizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Output,
    TokenEmbedding,
    AttentionFused,
    AttentionKeyValue,
    AttentionValue,
    AttentionKey,
    AttentionQuery,
    AttentionOutput,
    FeedForwardUp,
    FeedForwardGate,
    FeedForwardDown,
    Other,
}

/// Names (or parts of them) in the order in which the quantizer looks for them.
const BY_NAME: &[(&str, Category)] = &[
    ("attn_qkv.weight", Category::AttentionFused),
    ("attn_kv_b.weight", Category::AttentionKeyValue),
    ("attn_v.weight", Category::AttentionValue),
    ("attn_k.weight", Category::AttentionKey),
    ("attn_q.weight", Category::AttentionQuery),
    ("attn_output.weight", Category::AttentionOutput),
    ("ffn_up", Category::FeedForwardUp),
    ("ffn_gate", Category::FeedForwardGate),
    ("ffn_down", Category::FeedForwardDown),
];

impl Category {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "output.weight" => Self::Output,
            "token_embd.weight" | "per_layer_token_embd.weight" => Self::TokenEmbedding,
            _ => BY_NAME
                .iter()
                .find(|(part, _)| name.contains(part))
                .map_or(Self::Other, |&(_, category)| category),
        }
    }

    /// Whether the tensor counts among those that hold the values' weights.
    pub(super) fn counts_as_value(self) -> bool {
        matches!(
            self,
            Self::AttentionValue | Self::AttentionFused | Self::AttentionKeyValue
        )
    }
}

/// Parts of names whose matrices stay as the converter wrote them.
const KEPT: &[&str] = &[
    "_norm.weight",
    "ffn_gate_inp.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "position_embd.weight",
    "token_types.weight",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
];

/// Whether the quantizer touches the tensor at all.
pub(super) fn is_quantized(tensor: &Tensor) -> bool {
    let matrix = tensor.dimensions[1..].iter().any(|&extent| extent > 1);
    matrix && tensor.name.ends_with("weight") && !KEPT.iter().any(|part| tensor.name.contains(part))
}
