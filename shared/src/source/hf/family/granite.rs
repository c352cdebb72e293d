//! Granite: dense, with experts, and hybrids of Mamba 2 and attention (Granite 4, Bamba).

use alloc::vec;
use alloc::vec::Vec;

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mamba2, Mixture, Norm, Part, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["granite"],
        nested_defaults: &[],
        build: |fields| build(fields, "granite"),
    },
    Family {
        model_types: &["granitemoe", "granitemoeshared"],
        nested_defaults: &[],
        build: |fields| build(fields, "granitemoe"),
    },
    Family {
        model_types: &["granitemoehybrid", "bamba"],
        nested_defaults: &[],
        build: |fields| build(fields, "granitehybrid"),
    },
];

fn build(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let length = fields.optional_width("intermediate_size")?;
    let shared = fields.optional_width("shared_intermediate_size")?;
    let experts = match architecture {
        "granite" => 0,
        _ => fields.count_or("num_local_experts", 0)?,
    };
    let (dense, mixture);
    let network: &dyn Part = if experts > 0 {
        mixture = Mixture {
            shared: shared.and_then(SharedExperts::of),
            ..Mixture::new(
                experts,
                fields.count("num_experts_per_tok")?,
                fields.width("intermediate_size")?,
            )
        };
        &mixture
    } else {
        // Without experts the hybrids' network is the one that their experts would share.
        let length = shared.or(length).ok_or(ConfigError::MissingField {
            field: "intermediate_size",
        })?;
        dense = Dense {
            bias: fields.flag_or("mlp_bias", false)?,
            ..Dense::gated(length)
        };
        &dense
    };
    let layers = fields.layers()?;
    let recurrent: Vec<bool> = match fields.texts("layer_types", layers)? {
        _ if architecture != "granitehybrid" => vec![false; layers],
        Some(kinds) => kinds
            .iter()
            .map(|kind| ["mamba", "linear_attention"].contains(kind))
            .collect(),
        None => bamba_layers(fields, layers)?,
    };
    let mamba = match recurrent.contains(&true) {
        true => Some(mamba(fields, draft.embedding())?),
        false => None,
    };
    for is_mamba in recurrent {
        let mixer: &dyn Part = match &mamba {
            Some(mamba) if is_mamba => mamba,
            _ => &heads,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// All layers but those listed; none where nothing is said of such layers.
fn bamba_layers(fields: &Fields<'_>, layers: usize) -> Result<Vec<bool>, ConfigError> {
    if fields.value("mamba_d_state").is_none() {
        return Ok(vec![false; layers]);
    }
    let attending = fields.indices("attn_layer_indices")?.unwrap_or_default();
    Ok((0..layers as u64)
        .map(|index| !attending.contains(&index))
        .collect())
}

fn mamba(fields: &Fields<'_>, embedding: u64) -> Result<Mamba2, ConfigError> {
    let expand = fields.width_or("mamba_expand", 2)?;
    Ok(Mamba2 {
        inner: expand.saturating_mul(embedding),
        state: fields.width("mamba_d_state")?,
        groups: fields.count("mamba_n_groups")?,
        heads: fields.count("mamba_n_heads")?,
        conv_kernel: fields.width("mamba_d_conv")?,
        conv_bias: fields.flag_or("mamba_conv_bias", true)?,
        norm: true,
        bias: fields.flag_or("mamba_proj_bias", false)?,
    })
}
