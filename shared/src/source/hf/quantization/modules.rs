//! The names that checkpoints give to the linear layers of a block.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Parts of a tensor's GGUF name, and the modules that it is in checkpoints, within the block.
/// Several names are those of several families; of experts, the first stands for all.
const MODULES: &[(&str, &[&str])] = &[
    (
        "attn_q",
        &[
            "self_attn.q_proj",
            "mixer.q_proj",
            "attention.wq",
            "attn.wq_b",
        ],
    ),
    (
        "attn_k",
        &["self_attn.k_proj", "mixer.k_proj", "attention.wk"],
    ),
    (
        "attn_v",
        &["self_attn.v_proj", "mixer.v_proj", "attention.wv"],
    ),
    (
        "attn_qkv",
        &[
            "self_attn.qkv_proj",
            "linear_attn.in_proj_qkv",
            "linear_attn.in_proj_qkvz",
            "self_attention.query_key_value",
            "attention.query_key_value",
            "attention.wqkv",
            "attn.c_attn",
        ],
    ),
    (
        "attn_output",
        &[
            "self_attn.o_proj",
            "mixer.o_proj",
            "self_attn.dense",
            "self_attention.dense",
            "attention.dense",
            "attention.wo",
            "attn.c_proj",
        ],
    ),
    (
        "attn_gate",
        &["linear_attn.in_proj_z", "linear_attn.in_proj_qkvz"],
    ),
    ("attn_q_a", &["self_attn.q_a_proj"]),
    ("attn_q_b", &["self_attn.q_b_proj"]),
    ("attn_kv_a_mqa", &["self_attn.kv_a_proj_with_mqa"]),
    ("attn_kv_b", &["self_attn.kv_b_proj"]),
    ("attn_k_b", &["self_attn.kv_b_proj"]),
    ("attn_v_b", &["self_attn.kv_b_proj"]),
    ("indexer.attn_k", &["self_attn.indexer.wk"]),
    ("indexer.attn_q_b", &["self_attn.indexer.wq_b"]),
    (
        "ffn_gate",
        &["mlp.gate_proj", "feed_forward.w1", "feed_forward.gate_proj"],
    ),
    (
        "ffn_up",
        &[
            "mlp.up_proj",
            "mlp.gate_up_proj",
            "mixer.up_proj",
            "feed_forward.w3",
            "feed_forward.up_proj",
            "mlp.c_fc",
            "mlp.fc1",
            "mlp.dense_h_to_4h",
        ],
    ),
    (
        "ffn_down",
        &[
            "mlp.down_proj",
            "mixer.down_proj",
            "feed_forward.w2",
            "feed_forward.down_proj",
            "mlp.c_proj",
            "mlp.fc2",
            "mlp.dense_4h_to_h",
        ],
    ),
    (
        "ffn_gate_exps",
        &[
            "mlp.experts.0.gate_proj",
            "block_sparse_moe.experts.0.w1",
            "feed_forward.experts.0.gate_proj",
            "ffn.experts.0.w1",
        ],
    ),
    (
        "ffn_gate_up_exps",
        &["mlp.experts.gate_up_proj", "mlp.experts.0.gate_proj"],
    ),
    (
        "ffn_up_exps",
        &[
            "mlp.experts.0.up_proj",
            "block_sparse_moe.experts.0.w3",
            "feed_forward.experts.0.up_proj",
            "mixer.experts.0.up_proj",
            "ffn.experts.0.w3",
        ],
    ),
    (
        "ffn_down_exps",
        &[
            "mlp.experts.0.down_proj",
            "block_sparse_moe.experts.0.w2",
            "feed_forward.experts.0.down_proj",
            "mixer.experts.0.down_proj",
            "ffn.experts.0.w2",
        ],
    ),
    (
        "ffn_gate_shexp",
        &[
            "mlp.shared_experts.gate_proj",
            "mlp.shared_expert.gate_proj",
            "ffn.shared_experts.w1",
        ],
    ),
    (
        "ffn_up_shexp",
        &[
            "mlp.shared_experts.up_proj",
            "mlp.shared_expert.up_proj",
            "mixer.shared_experts.up_proj",
            "ffn.shared_experts.w3",
        ],
    ),
    (
        "ffn_down_shexp",
        &[
            "mlp.shared_experts.down_proj",
            "mlp.shared_expert.down_proj",
            "mixer.shared_experts.down_proj",
            "ffn.shared_experts.w2",
        ],
    ),
    ("ffn_latent_down", &["mixer.fc1_latent_proj"]),
    ("ffn_latent_up", &["mixer.fc2_latent_proj"]),
    ("ssm_in", &["mixer.in_proj", "mamba.in_proj"]),
    (
        "ssm_out",
        &["mixer.out_proj", "mamba.out_proj", "linear_attn.out_proj"],
    ),
    ("ssm_x", &["mamba.x_proj", "mixer.x_proj"]),
    ("ssm_dt", &["mamba.dt_proj", "mixer.dt_proj"]),
    ("ssm_alpha", &["linear_attn.in_proj_a"]),
    ("ssm_beta", &["linear_attn.in_proj_b", "self_attn.b_proj"]),
    ("ssm_ba", &["linear_attn.in_proj_ba"]),
    ("ssm_f_a", &["self_attn.f_a_proj"]),
    ("ssm_f_b", &["self_attn.f_b_proj"]),
    ("ssm_g_a", &["self_attn.g_a_proj"]),
    ("ssm_g_b", &["self_attn.g_b_proj"]),
    ("shortconv.in_proj", &["conv.in_proj"]),
    ("shortconv.out_proj", &["conv.out_proj"]),
    ("nextn.eh_proj", &["eh_proj"]),
    ("inp_gate", &["per_layer_input_gate"]),
    ("proj", &["per_layer_projection"]),
    ("laurel_l", &["laurel.linear_left"]),
    ("laurel_r", &["laurel.linear_right"]),
    ("altup_router", &["altup.modality_router"]),
];

/// What checkpoints put before `layers.`.
const PREFIXES: [&str; 3] = ["model.", "language_model.", "backbone."];

/// The names that the tensor's module may have, without what stands before `layers.`.
pub(super) fn names(tensor: &str) -> Vec<String> {
    let Some((block, part)) = tensor
        .strip_prefix("blk.")
        .and_then(|rest| rest.split_once('.'))
    else {
        return match tensor {
            "output.weight" => ["lm_head", "head"].map(String::from).into(),
            _ => Vec::new(),
        };
    };
    let part = part.strip_suffix(".weight").unwrap_or(part);
    let known = MODULES.iter().find(|(own, _)| *own == part);
    let modules = known.map_or(&[][..], |(_, modules)| modules);
    modules
        .iter()
        .map(|module| format!("layers.{block}.{module}"))
        .collect()
}

/// The name without what stands before `layers.`, where it is the whole language model's.
pub(super) fn without_prefix(mut name: &str) -> &str {
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        name = rest;
    }
    name
}
