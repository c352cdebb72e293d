//! Decoders of the first years that differ from Llama in a norm, a bias or a fused matrix.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, Part, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, rope};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["baichuan"],
        nested_defaults: &[],
        build: |fields| like_llama(fields, "baichuan"),
    },
    Family {
        model_types: &["xverse"],
        nested_defaults: &[],
        build: |fields| like_llama(fields, "xverse"),
    },
    Family {
        model_types: &["internlm"],
        nested_defaults: &[],
        build: |fields| like_llama(fields, "llama"),
    },
    Family {
        model_types: &["orion"],
        nested_defaults: &[],
        build: orion,
    },
    Family {
        model_types: &["olmo"],
        nested_defaults: &[],
        build: olmo,
    },
    Family {
        model_types: &["qwen"],
        nested_defaults: &[],
        build: qwen,
    },
    Family {
        model_types: &["nemotron"],
        nested_defaults: &[],
        build: nemotron,
    },
    Family {
        model_types: &["arcee"],
        nested_defaults: &[],
        build: |fields| without_gate(fields, "arcee", QueryKeyNorm::None),
    },
    Family {
        model_types: &["apertus", "apertus1p5_text", "apertus1p5"],
        nested_defaults: &[],
        build: |fields| without_gate(fields, "apertus", QueryKeyNorm::PerHead),
    },
];

fn like_llama(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let norms = [Norm::rms("attn_norm"), Norm::rms("ffn_norm")];
    blocks(&mut draft, fields, [&norms[0], &heads, &norms[1], &network])?;
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn orion(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "orion")?;
    let heads = Heads::read(fields)?;
    let network = Dense::gated(fields.width("intermediate_size")?);
    let norms = [Norm::layer("attn_norm"), Norm::layer("ffn_norm")];
    blocks(&mut draft, fields, [&norms[0], &heads, &norms[1], &network])?;
    draft.output_with_layer_norm(fields.tied(false)?);
    Ok(draft)
}

/// Its norms have no weights.
fn olmo(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "olmo")?;
    let heads = Heads::read(fields)?;
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[&heads, &network]);
    }
    draft.output_matrix(fields.tied(false)?);
    Ok(draft)
}

/// Its width counts gate and network together.
fn qwen(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "qwen")?;
    let heads = Heads {
        fused: true,
        input_bias: true,
        ..Heads::read(fields)?
    };
    let network = Dense::gated((fields.width("intermediate_size")? / 2).max(1));
    let norms = [Norm::rms("attn_norm"), Norm::rms("ffn_norm")];
    blocks(&mut draft, fields, [&norms[0], &heads, &norms[1], &network])?;
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn nemotron(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "nemotron")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let bias = fields.flag_or("mlp_bias", false)?;
    let network = Dense::plain(fields.width("intermediate_size")?, bias);
    let norms = [Norm::layer("attn_norm"), Norm::layer("ffn_norm")];
    blocks(&mut draft, fields, [&norms[0], &heads, &norms[1], &network])?;
    draft.output_with_layer_norm(fields.tied(false)?);
    Ok(draft)
}

fn without_gate(
    fields: &Fields<'_>,
    architecture: &str,
    norm: QueryKeyNorm,
) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        norm,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let bias = fields.flag_or("mlp_bias", false)?;
    let network = Dense::plain(fields.width("intermediate_size")?, bias);
    let norms = [Norm::rms("attn_norm"), Norm::rms("ffn_norm")];
    blocks(&mut draft, fields, [&norms[0], &heads, &norms[1], &network])?;
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// The same block in every layer.
fn blocks(
    draft: &mut Draft,
    fields: &Fields<'_>,
    parts: [&dyn Part; 4],
) -> Result<(), ConfigError> {
    for _ in 0..fields.layers()? {
        draft.block(&parts);
    }
    Ok(())
}
