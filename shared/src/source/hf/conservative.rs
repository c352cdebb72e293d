//! A bound from above for configurations whose model type is not known.

use alloc::vec::Vec;

use serde_json::Value;

use super::draft::Draft;
use super::part::{Dense, Heads, Mamba2, Mixture, Norm, QueryKeyNorm, SharedExperts};
use super::{ConfigError, Fields, encoder, json, quantization};
use crate::model::{Geometry, Model};

/// Fields that may hold the size of a head.
const HEAD_SIZES: &[&str] = &[
    "head_dim",
    "attention_head_dim",
    "global_head_dim",
    "qk_head_dim",
    "v_head_dim",
    "swa_head_dim",
    "kv_channels",
];
/// A head where the file does not say how many there are.
const SMALL_HEAD: u64 = 64;
/// Fields that may hold the number of KV heads.
const KV_HEADS: &[&str] = &[
    "num_key_value_heads",
    "num_global_key_value_heads",
    "swa_num_key_value_heads",
    "num_kv_heads",
    "n_head_kv",
    "multi_query_group_num",
    "num_attention_groups",
];
/// Fields that may hold the width of a dense network.
const DENSE_LENGTHS: &[&str] = &[
    "intermediate_size",
    "intermediate_size_mlp",
    "ffn_hidden_size",
    "ffn_dim",
    "n_inner",
    "d_ff",
    "block_ff_dim",
];
/// Fields that may hold the number of experts.
const EXPERTS: &[&str] = &[
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
    "moe_num_experts",
];
/// Fields that may hold the number of experts that every token uses.
const SHARED_EXPERTS: &[&str] = &[
    "n_shared_experts",
    "num_shared_experts",
    "num_shared_expert",
    "moe_num_shared_experts",
];

/// Reads a configuration of any model type as a bound from above: every layer caches keys and
/// values of the whole context with the largest heads that the file speaks of, has the widest
/// network and all experts, and a recurrent mixer beside the attention where the file speaks of
/// one.
///
/// # Errors
/// What is no configuration, and the standard fields (layers, widths, heads, vocabulary) where
/// they are missing or absurd.
pub fn read_config_conservative(bytes: &[u8], name: &str) -> Result<Model, ConfigError> {
    let root = json::parse_object(bytes)?;
    let fields = Fields::new(&root);
    let model_type = fields.model_types().next().unwrap_or("unknown");
    let mut draft = Draft::new(&fields, model_type)?;
    let heads = heads(&fields, draft.embedding())?;
    let networks = Networks::read(&fields, draft.embedding())?;
    let mixer = mixer(&fields, draft.embedding())?;
    let layers = layers(&fields)?;
    for _ in 0..layers {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads,
            &mixer.as_ref(),
            &Norm::layer("post_attention_norm"),
            &Norm::layer("ffn_norm"),
            &networks.dense,
            &networks.mixture.as_ref(),
            &Norm::layer("post_ffw_norm"),
        ]);
    }
    // Embeddings of the layers' own.
    if let Some(per_layer) = largest(&fields, "hidden_size_per_layer_input")? {
        let (embedding, vocabulary) = (draft.embedding(), draft.vocabulary());
        let all_layers = per_layer.max(1).saturating_mul(layers as u64);
        draft.tensor("per_layer_token_embd.weight", &[all_layers, vocabulary]);
        draft.tensor("per_layer_model_proj.weight", &[embedding, all_layers, 4]);
    }
    draft.output_with_layer_norm(fields.tied(false)?);
    let mut model = draft.finish(name, Geometry::Conservative)?;
    if let Some(config) = fields.object("quantization_config") {
        quantization::apply(config, &mut model);
    }
    model.vision = encoder::bound(&root, model.embedding_length);
    Ok(model)
}

/// Layers by their number, or by a pattern that names them one by one.
fn layers(fields: &Fields<'_>) -> Result<usize, ConfigError> {
    const PATTERNS: [&str; 4] = [
        "hybrid_override_pattern",
        "layers_block_type",
        "layer_types",
        "block_configs",
    ];
    let stated = fields.layers();
    if !matches!(stated, Err(ConfigError::MissingField { .. })) {
        return stated;
    }
    for field in PATTERNS {
        let entries = match fields.value(field) {
            Some(Value::String(pattern)) => pattern.len(),
            Some(Value::Array(list)) => list.len(),
            _ => continue,
        };
        return fields
            .at_most_all_layers(field, entries, (0..entries).map(Ok))
            .map(|all| all.len());
    }
    stated
}

fn heads(fields: &Fields<'_>, embedding: u64) -> Result<Heads, ConfigError> {
    let names = [
        "num_attention_heads",
        "n_head",
        "n_heads",
        "num_heads",
        "encoder_attention_heads",
        "decoder_attention_heads",
    ];
    let mut query_heads = 0;
    for name in names {
        query_heads = query_heads.max(largest(fields, name)?.unwrap_or(0));
    }
    // Mixers without heads are taken for attention all the same.
    if query_heads == 0 {
        query_heads = (embedding / SMALL_HEAD).max(1);
    }
    let mut key_dim = embedding.div_ceil(query_heads);
    for field in HEAD_SIZES {
        key_dim = key_dim.max(largest(fields, field)?.unwrap_or(0));
    }
    let rotary = largest(fields, "qk_rope_head_dim")?.unwrap_or(0);
    let other = largest(fields, "qk_nope_head_dim")?.unwrap_or(0);
    let mut kv_heads = None;
    for field in KV_HEADS {
        kv_heads = kv_heads.max(largest(fields, field)?);
    }
    let key_dim = key_dim.max(rotary.saturating_add(other));
    Ok(Heads {
        query_heads,
        kv_heads: kv_heads.filter(|&heads| heads > 0).unwrap_or(query_heads),
        input_bias: true,
        output_bias: true,
        norm: QueryKeyNorm::Whole,
        output_gate: has_gate(fields),
        sinks: true,
        ..Heads::with_dim(query_heads, key_dim)
    })
}

/// Whether a field speaks of a gate over attention's output.
fn has_gate(fields: &Fields<'_>) -> bool {
    [
        "gating",
        "use_gated_attention",
        "attn_output_gate",
        "use_attention_gate",
    ]
    .iter()
    .any(|field| fields.value(field).is_some())
}

/// A Mamba 2 as large as any recurrent mixer that the file may mean: the others have the same
/// sizes under other names.
fn mixer(fields: &Fields<'_>, embedding: u64) -> Result<Option<Mamba2>, ConfigError> {
    let delta = fields.inner("linear_attn_config");
    let number = |field| Ok(largest(fields, field)?.unwrap_or(0));
    let product = |factor, other| -> Result<u64, ConfigError> {
        Ok(u64::saturating_mul(number(factor)?, number(other)?))
    };
    let (delta_heads, delta_dim) = match delta {
        Some(delta) => (
            delta.count_or("num_heads", 0)?,
            delta.width_or("head_dim", 1)?,
        ),
        None => (0, 1),
    };
    let short_kernel = number("conv_L_cache")?;
    let inner = number("mamba_d_ssm")?
        .max(number("mamba_expand")?.saturating_mul(embedding))
        .max(number("expand")?.saturating_mul(embedding))
        .max(product("mamba_num_heads", "mamba_head_dim")?)
        .max(product("mamba_n_heads", "mamba_d_head")?)
        .max(product("linear_num_value_heads", "linear_value_head_dim")?)
        .max(delta_heads.saturating_mul(delta_dim))
        .max(if short_kernel > 0 { embedding } else { 0 });
    if inner == 0 {
        return Ok(None);
    }
    let state = number("mamba_d_state")?
        .max(number("ssm_state_size")?)
        .max(number("state_size")?)
        .max(number("linear_key_head_dim")?)
        .max(delta_dim);
    let groups = number("mamba_n_groups")?
        .max(number("n_groups")?)
        .max(number("linear_num_key_heads")?)
        .max(delta_heads)
        .max(1);
    let conv_kernel = number("mamba_d_conv")?
        .max(number("conv_kernel")?)
        .max(number("linear_conv_kernel_dim")?)
        .max(short_kernel)
        .max(4);
    Ok(Some(Mamba2 {
        inner,
        state,
        groups,
        heads: inner,
        conv_kernel,
        conv_bias: true,
        norm: true,
        bias: true,
    }))
}

struct Networks {
    dense: Dense,
    mixture: Option<Mixture>,
}

impl Networks {
    fn read(fields: &Fields<'_>, embedding: u64) -> Result<Self, ConfigError> {
        let first_of = |names: &[&'static str]| {
            let values: Result<Vec<_>, _> =
                names.iter().map(|name| largest(fields, name)).collect();
            values.map(|values| values.into_iter().max().flatten())
        };
        let length = first_of(DENSE_LENGTHS)?
            .filter(|&length| length > 0)
            .unwrap_or(embedding.saturating_mul(4));
        let twice = fields.flag_or("use_double_wide_mlp", false)?;
        let dense = Dense {
            bias: true,
            ..Dense::gated(length.saturating_mul(if twice { 2 } else { 1 }))
        };
        let mut count = 0;
        for field in EXPERTS {
            count = count.max(total(fields, field)?);
        }
        // One number of experts, and a width for each of several lists of them.
        if let Some(Value::Array(widths)) = fields.value("moe_intermediate_size")
            && widths.len() <= MOST_LISTS
        {
            count = count.saturating_mul(widths.len().max(1) as u64);
        }
        if count <= 1 {
            return Ok(Self {
                dense,
                mixture: None,
            });
        }
        let own = first_of(&["moe_intermediate_size", "expert_intermediate_size"])?;
        let expert = own.filter(|&length| length > 0).unwrap_or(length);
        let shared = first_of(SHARED_EXPERTS)?
            .unwrap_or(0)
            .saturating_mul(expert);
        let stated = first_of(&[
            "shared_expert_intermediate_size",
            "moe_shared_expert_intermediate_size",
            "shared_intermediate_size",
        ])?;
        Ok(Self {
            dense,
            mixture: Some(Mixture {
                selection_bias: true,
                shared: SharedExperts::of(shared.max(stated.unwrap_or(0))),
                ..Mixture::new(count, 1, expert)
            }),
        })
    }
}

/// More lists of experts than any model has; longer ones have an entry per layer.
const MOST_LISTS: usize = 4;

/// Objects within the language model's that hold some of its sizes.
const PARTS: &[&str] = &["ffn_config", "attn_config", "moe_config", "ssm_cfg"];

/// The largest number in a field, which may be one for all layers or a list, here or in a part.
fn largest(fields: &Fields<'_>, field: &'static str) -> Result<Option<u64>, ConfigError> {
    let own = numbers(fields, field)?;
    let mut largest = own.into_iter().max();
    for part in PARTS {
        if let Some(part) = fields.inner(part) {
            largest = largest.max(numbers(&part, field)?.into_iter().max());
        }
    }
    let by_layer = fields.object("per_layer_config").is_some();
    let layers = fields.layers().unwrap_or(0);
    for index in (0..layers as u64).filter(|_| by_layer) {
        let layer = numbers(&fields.at_layer(index), field)?;
        largest = largest.max(layer.into_iter().max());
    }
    Ok(largest)
}

/// The numbers in a field together: several lists of experts.
fn total(fields: &Fields<'_>, field: &'static str) -> Result<u64, ConfigError> {
    let own = numbers(fields, field)?;
    let sum = own.into_iter().fold(0, u64::saturating_add);
    Ok(sum.max(largest(fields, field)?.unwrap_or(0)))
}

fn numbers(fields: &Fields<'_>, field: &'static str) -> Result<Vec<u64>, ConfigError> {
    match fields.value(field) {
        Some(Value::Array(list)) => Ok(fields.integers(field, list.len())?.unwrap_or_default()),
        _ => Ok(fields.optional_width(field)?.into_iter().collect()),
    }
}
