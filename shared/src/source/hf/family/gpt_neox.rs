//! Older decoders with layer norms and fused matrices: GPT-NeoX, Falcon, GPT-2, StarCoder.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["gpt_neox"],
        nested_defaults: &[],
        build: gpt_neox,
    },
    Family {
        model_types: &["falcon", "RefinedWeb", "RefinedWebModel"],
        nested_defaults: &[],
        build: falcon,
    },
    Family {
        model_types: &["gpt2"],
        nested_defaults: &[],
        build: |fields| gpt2(fields, "gpt2"),
    },
    Family {
        model_types: &["gpt_bigcode"],
        nested_defaults: &[],
        build: |fields| gpt2(fields, "starcoder"),
    },
];

fn gpt_neox(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "gptneox")?;
    let bias = fields.flag_or("attention_bias", true)?;
    let heads = Heads {
        fused: true,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let network = Dense::plain(fields.width("intermediate_size")?, true);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads,
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    draft.output_with_layer_norm(fields.tied(false)?);
    Ok(draft)
}

fn falcon(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "falcon")?;
    let usual = Heads::read(fields)?;
    let newer = fields.flag_or("new_decoder_architecture", false)?;
    let kv_heads = if newer {
        let field = "num_kv_heads";
        fields.count_or(field, fields.count_or("n_head_kv", usual.query_heads)?)?
    } else if fields.flag_or("multi_query", true)? {
        1
    } else {
        usual.query_heads
    };
    let bias = fields.flag_or("bias", false)?;
    let heads = Heads {
        fused: true,
        kv_heads,
        input_bias: bias,
        output_bias: bias,
        ..usual
    };
    let embedding = draft.embedding();
    let length = fields.width_or("ffn_hidden_size", embedding.saturating_mul(4))?;
    let network = Dense::plain(length, bias);
    let second_norm = Norm::layer("attn_norm_2");
    let two_norms = newer && fields.count_or("num_ln_in_parallel_attn", 2)? == 2;
    let second_norm = two_norms.then_some(&second_norm);
    for _ in 0..fields.layers()? {
        draft.block(&[&Norm::layer("attn_norm"), &second_norm, &heads, &network]);
    }
    // The checkpoints store the output matrix although the class ties it.
    draft.output_with_layer_norm(false);
    Ok(draft)
}

fn gpt2(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let usual = Heads::read(fields)?;
    let heads = Heads {
        kv_heads: match fields.flag_or("multi_query", false)? {
            true => 1,
            false => usual.query_heads,
        },
        fused: true,
        input_bias: true,
        output_bias: true,
        ..usual
    };
    let embedding = draft.embedding();
    let length = fields.width_or("n_inner", embedding.saturating_mul(4))?;
    let network = Dense::plain(length, true);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads,
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    let positions = fields.context()?.ok_or(ConfigError::MissingField {
        field: "n_positions",
    })?;
    draft.tensor("position_embd.weight", &[embedding, positions]);
    draft.output_with_layer_norm(fields.tied(true)?);
    Ok(draft)
}
