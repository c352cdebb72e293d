//! Llama and what is built like it.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILY: Family = Family {
    model_types: &["llama", "mistral"],
    nested_defaults: &[
        ("vocab_size", 32_000),
        ("hidden_size", 4_096),
        ("intermediate_size", 11_008),
        ("num_hidden_layers", 32),
        ("num_attention_heads", 32),
        ("max_position_embeddings", 2_048),
    ],
    build,
};

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "llama")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let network = Dense {
        bias: fields.flag_or("mlp_bias", false)?,
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
    if uses_llama3_rope(fields) {
        draft.tensor("rope_freqs.weight", &[heads.key_dim / 2]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Whether the converter writes a table of RoPE factors (the scaling that came with Llama 3.1).
pub(super) fn uses_llama3_rope(fields: &Fields<'_>) -> bool {
    ["rope_scaling", "rope_parameters"].iter().any(|field| {
        let Some(scaling) = fields.object(field) else {
            return false;
        };
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
        kind.and_then(serde_json::Value::as_str) == Some("llama3")
    })
}
