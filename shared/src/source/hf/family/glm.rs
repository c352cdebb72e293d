//! GLM-4 and GLM-4.5 (dense and with experts). Those with latent attention are with DeepSeek.

use super::{Family, recipe};
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{
    Dense, Gate, Heads, Mixture, Norm, Part, Prediction, QueryKeyNorm, SharedExperts,
};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["glm4"],
        nested_defaults: &[],
        build: |fields| dense(fields, false),
    },
    Family {
        model_types: &["glm4v_text", "glm4v", "glm46v_text", "glm46v"],
        nested_defaults: &[
            ("vocab_size", 151_552),
            ("hidden_size", 4_096),
            ("intermediate_size", 13_696),
            ("num_hidden_layers", 40),
            ("num_attention_heads", 32),
            ("num_key_value_heads", 2),
            ("max_position_embeddings", 32_768),
        ],
        build: |fields| dense(fields, true),
    },
    Family {
        model_types: &["glm"],
        nested_defaults: &[],
        build: first,
    },
    Family {
        model_types: &["chatglm"],
        nested_defaults: &[],
        build: chatglm,
    },
    Family {
        model_types: &["glm4_moe", "glm4v_moe_text", "glm4v_moe"],
        nested_defaults: &[],
        build: |fields| with_experts(fields, true),
    },
    Family {
        model_types: &["solar_open"],
        nested_defaults: &[],
        build: |fields| with_experts(fields, false),
    },
];

/// The first GLM-4 as transformers has it: without norms after attention and network.
fn first(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "chatglm")?;
    let heads = Heads {
        input_bias: fields.flag_or("attention_bias", false)?,
        ..Heads::read(fields)?
    };
    let network = Dense {
        gate: Gate::Fused,
        ..Dense::gated(fields.width("intermediate_size")?)
    };
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// ChatGLM and the first GLM-4 under their own field names.
fn chatglm(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "chatglm")?;
    let heads = match fields.optional_width("kv_channels")? {
        Some(head_dim) => Heads::read_with_dim(fields, head_dim)?,
        None => Heads::read(fields)?,
    };
    let kv_heads = match fields.flag_or("multi_query_attention", false)? {
        true => fields.count("multi_query_group_num")?,
        false => heads.query_heads,
    };
    let heads = Heads {
        kv_heads,
        fused: true,
        input_bias: fields.flag_or("add_qkv_bias", false)?,
        ..heads
    };
    let network = Dense {
        gate: Gate::Fused,
        ..Dense::gated(fields.width("ffn_hidden_size")?)
    };
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn dense(fields: &Fields<'_>, sees: bool) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "glm4")?;
    let heads = Heads {
        // The one that sees has them whatever the file says.
        input_bias: sees || fields.flag_or("attention_bias", false)?,
        ..Heads::read(fields)?
    };
    let network = Dense {
        gate: Gate::Fused,
        ..Dense::gated(fields.width("intermediate_size")?)
    };
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("post_attention_norm"),
            &Norm::rms("ffn_norm"),
            &network,
            &Norm::rms("post_ffw_norm"),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn with_experts(fields: &Fields<'_>, predicts: bool) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "glm4moe")?;
    let embedding = draft.embedding();
    let head_dim = embedding / fields.count("num_attention_heads")?;
    let head_dim = fields.width_or("head_dim", head_dim.max(1))?;
    let heads = Heads {
        input_bias: fields.flag_or("attention_bias", false)?,
        norm: QueryKeyNorm::PerHead.when(fields.flag_or("use_qk_norm", false)?),
        ..Heads::read_with_dim(fields, head_dim)?
    };
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("n_shared_experts", 0)?;
    let mixture = Mixture {
        selection_bias: true,
        shared: SharedExperts::of(length.saturating_mul(shared)),
        ..Mixture::new(
            fields.count("n_routed_experts")?,
            fields.count("num_experts_per_tok")?,
            length,
        )
    };
    let sparse = recipe::sparse_layers(fields, fields.layers()?)?;
    let dense = match sparse.contains(&false) {
        false => None,
        true => Some(Dense::gated(fields.width("intermediate_size")?)),
    };
    for sparse in sparse {
        let network: &dyn Part = match &dense {
            Some(dense) if !sparse => dense,
            _ => &mixture,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("post_attention_norm"),
            network,
        ]);
    }
    let predictions = match predicts {
        true => fields.prediction_layers("num_nextn_predict_layers")?,
        false => 0,
    };
    for _ in 0..predictions {
        draft.prediction_block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("post_attention_norm"),
            &mixture,
            &Prediction {
                own_vocabulary: true,
            },
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
