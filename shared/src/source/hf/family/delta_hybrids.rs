//! Hybrids of gated delta nets and attention: OLMo Hybrid (norms before the one and behind the
//! other) and Lara.
//!
//! Source: the model classes of transformers 5.24.0.

use super::{Family, recipe};
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{DeltaNet, Dense, Heads, Norm, Part, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["olmo_hybrid"],
        nested_defaults: &[],
        build: olmo,
    },
    Family {
        model_types: &["lara_mini"],
        nested_defaults: &[],
        build: lara,
    },
];

fn delta_net(fields: &Fields<'_>) -> Result<DeltaNet, ConfigError> {
    Ok(DeltaNet {
        key_heads: fields.count("linear_num_key_heads")?,
        key_dim: fields.width("linear_key_head_dim")?,
        value_heads: fields.count("linear_num_value_heads")?,
        value_dim: fields.width("linear_value_head_dim")?,
        conv_kernel: fields.width_or("linear_conv_kernel_dim", 4)?,
        joint_gates: false,
    })
}

/// Experts in every layer, windows in most of those that attend.
fn lara(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "lara_mini")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let delta_net = delta_net(fields)?;
    let mixture = recipe::mixture(fields, false)?;
    let layers = fields.layers()?;
    let missing = ConfigError::MissingField {
        field: "layer_types",
    };
    let kinds = fields.texts("layer_types", layers)?.ok_or(missing)?;
    let sliding_window = fields.optional_width("sliding_window")?;
    let spans = window::listed(fields, layers, sliding_window)?.unwrap_or_default();
    for (kind, span) in kinds.into_iter().zip(spans) {
        let heads = heads.with_span(span);
        let mixer: &dyn Part = match kind {
            "linear_attention" => &delta_net,
            _ => &heads,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &Norm::rms("ffn_norm"),
            &mixture.as_ref(),
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

fn olmo(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "olmo_hybrid")?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        norm: QueryKeyNorm::Whole,
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let delta_net = delta_net(fields)?;
    let network = Dense::gated(fields.width("intermediate_size")?);
    let layers = fields.layers()?;
    let kinds = fields.texts("layer_types", layers)?;
    for index in 0..layers {
        let attends = match &kinds {
            Some(kinds) => kinds.get(index) == Some(&"full_attention"),
            None => index % 4 == 3,
        };
        if attends {
            draft.block(&[
                &heads,
                &Norm::rms("post_attention_norm"),
                &network,
                &Norm::rms("post_ffw_norm"),
            ]);
        } else {
            draft.block(&[
                &Norm::rms("attn_norm"),
                &delta_net,
                &Norm::rms("ffn_norm"),
                &network,
            ]);
        }
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
