//! Phi: 1 and 2 with layer norms, 3 and 4 with fused matrices, and Phi-3.5-MoE.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Gate, Heads, Mixture, Norm};
use crate::source::hf::{ConfigError, Fields, rope, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["phi"],
        nested_defaults: &[],
        build: phi2,
    },
    Family {
        model_types: &["phi3", "phi3_v", "phi4mm", "phi4_multimodal"],
        nested_defaults: &[],
        build: phi3,
    },
    Family {
        model_types: &["phimoe"],
        nested_defaults: &[],
        build: phimoe,
    },
];

fn phi2(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "phi2")?;
    let heads = Heads {
        input_bias: true,
        output_bias: true,
        ..Heads::read(fields)?
    };
    let network = Dense::plain(fields.width("intermediate_size")?, true);
    for _ in 0..fields.layers()? {
        draft.block(&[&Norm::layer("attn_norm"), &heads, &network]);
    }
    draft.output_with_biases();
    Ok(draft)
}

fn phi3(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "phi3")?;
    let heads = Heads {
        fused: true,
        ..Heads::read(fields)?
    };
    let network = Dense {
        gate: Gate::Fused,
        ..Dense::gated(fields.width("intermediate_size")?)
    };
    let sliding_window = fields.optional_width("sliding_window")?;
    for span in window::same_everywhere(fields.layers()?, sliding_window) {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads.with_span(span),
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    rope::add_long_tables(&mut draft, fields);
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn phimoe(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "phimoe")?;
    let bias = fields.flag_or("attention_bias", true)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let mixture = Mixture::new(
        fields.count("num_local_experts")?,
        fields.count("num_experts_per_tok")?,
        fields.width("intermediate_size")?,
    );
    let sliding_window = fields.optional_width("sliding_window")?;
    for span in window::same_everywhere(fields.layers()?, sliding_window) {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads.with_span(span),
            &Norm::layer("ffn_norm"),
            &mixture,
        ]);
    }
    rope::add_long_tables(&mut draft, fields);
    match fields.flag_or("lm_head_bias", false)? {
        true => draft.output_with_biases(),
        false => draft.output_with_layer_norm(fields.tied(false)?),
    }
    Ok(draft)
}
