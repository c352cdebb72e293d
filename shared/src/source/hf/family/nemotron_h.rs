//! Nemotron-H and Nemotron 3: blocks of a single part each, which a pattern names.

use alloc::vec::Vec;

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{
    Dense, ExpertGate, Heads, Mamba2, Mixture, Norm, Part, Prediction, SharedExperts,
};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["nemotron_h"],
    nested_defaults: &[],
    build,
}];

#[derive(Clone, Copy)]
enum Kind {
    Mamba,
    Attention,
    Dense,
    Experts,
}

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let kinds = kinds(fields)?;
    let experts = fields.count_or("num_experts_per_tok", 0)? > 0;
    let architecture = if experts {
        "nemotron_h_moe"
    } else {
        "nemotron_h"
    };
    let mut draft = Draft::new(fields, architecture)?;
    let head_dim = fields.width_of(&["head_dim", "attention_head_dim"])?;
    let heads = Heads::read_with_dim(fields, head_dim)?;
    let mamba_heads = fields.count("mamba_num_heads")?;
    let mamba = Mamba2 {
        inner: mamba_heads.saturating_mul(fields.width("mamba_head_dim")?),
        state: fields.width("ssm_state_size")?,
        groups: fields.count("n_groups")?,
        heads: mamba_heads,
        conv_kernel: fields.width("conv_kernel")?,
        conv_bias: fields.flag_or("use_conv_bias", true)?,
        norm: true,
        bias: fields.flag_or("use_bias", false)?,
    };
    let dense = Dense::plain(
        fields.width("intermediate_size")?,
        fields.flag_or("mlp_bias", false)?,
    );
    let mixture = match experts {
        true => Some(mixture(fields)?),
        false => None,
    };
    let norm = Norm::rms("attn_norm");
    for kind in kinds {
        let part: &dyn Part = match (kind, &mixture) {
            (Kind::Mamba, _) => &mamba,
            (Kind::Attention, _) => &heads,
            (Kind::Experts, Some(mixture)) => mixture,
            (Kind::Experts, None) | (Kind::Dense, _) => &dense,
        };
        draft.block(&[&norm, part]);
    }
    if let Some(mixture) = &mixture {
        for _ in 0..fields.prediction_layers("num_nextn_predict_layers")? {
            draft.prediction_block(&[
                &norm,
                &heads,
                &Norm::rms("post_attention_norm"),
                mixture,
                &Prediction::default(),
            ]);
        }
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn mixture(fields: &Fields<'_>) -> Result<Mixture, ConfigError> {
    let shared = fields.width("moe_shared_expert_intermediate_size")?;
    Ok(Mixture {
        selection_bias: true,
        gate: ExpertGate::None,
        shared: SharedExperts::of(shared),
        latent: fields.optional_width("moe_latent_size")?,
        ..Mixture::new(
            fields.count("n_routed_experts")?,
            fields.count("num_experts_per_tok")?,
            fields.width("moe_intermediate_size")?,
        )
    })
}

/// The kinds of all blocks: a letter each, or a word each in newer files.
fn kinds(fields: &Fields<'_>) -> Result<Vec<Kind>, ConfigError> {
    if let Some(pattern) = fields.text("hybrid_override_pattern") {
        let field = "hybrid_override_pattern";
        let letters = pattern.chars().map(|letter| match letter {
            'M' => Ok(Kind::Mamba),
            '*' => Ok(Kind::Attention),
            '-' => Ok(Kind::Dense),
            'E' => Ok(Kind::Experts),
            other => Err(ConfigError::UnknownEntry {
                field,
                entry: other.into(),
            }),
        });
        return fields.at_most_all_layers(field, pattern.len(), letters);
    }
    let field = "layers_block_type";
    let words = fields.all_texts(field)?;
    let kinds = words.iter().map(|&word| match word {
        "mamba" | "linear_attention" => Ok(Kind::Mamba),
        "attention" | "full_attention" => Ok(Kind::Attention),
        "mlp" | "dense" => Ok(Kind::Dense),
        "moe" => Ok(Kind::Experts),
        other => Err(ConfigError::UnknownEntry {
            field,
            entry: other.into(),
        }),
    });
    fields.at_most_all_layers(field, words.len(), kinds)
}
