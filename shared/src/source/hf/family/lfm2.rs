//! LFM2: gated short convolutions, and attention in some layers.

use alloc::vec::Vec;

use super::Family;
use super::recipe::{Gated, OutputGate};
use crate::model::Span;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, QueryKeyNorm, ShortConvolution};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["lfm2", "lfm2_vl"],
        nested_defaults: &[
            ("vocab_size", 65_536),
            ("hidden_size", 2_560),
            ("intermediate_size", 12_288),
            ("num_hidden_layers", 32),
            ("num_attention_heads", 32),
            ("num_key_value_heads", 8),
            ("conv_L_cache", 3),
            ("max_position_embeddings", 128_000),
        ],
        build: |fields| build(fields, "lfm2"),
    },
    Family {
        model_types: &["lfm2_moe"],
        nested_defaults: &[],
        build: |fields| build(fields, "lfm2moe"),
    },
    Family {
        model_types: &["lfm3", "lfm3_vl"],
        nested_defaults: &[],
        build: |fields| build(fields, "lfm3"),
    },
];

fn build(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        ..Heads::read(fields)?
    };
    let convolution = ShortConvolution {
        conv_kernel: fields.width("conv_L_cache")?,
    };
    let dense = Dense::gated(length(fields)?);
    let mixture = match architecture {
        "lfm2moe" => Some(Mixture {
            selection_bias: fields.flag_or("use_expert_bias", true)?,
            ..Mixture::new(
                fields.count("num_experts")?,
                fields.count("num_experts_per_tok")?,
                fields.width("moe_intermediate_size")?,
            )
        }),
        _ => None,
    };
    let dense_layers = fields.count_or("num_dense_layers", 0)?;
    let layers = fields.layers()?;
    let attends = attending(fields, layers)?;
    let sliding_window = fields.optional_width("sliding_window")?;
    let spans = window::listed(fields, layers, sliding_window)?
        .unwrap_or_else(|| alloc::vec![Span::Full; layers]);
    let third = architecture == "lfm3";
    let gated = third && fields.flag_or("use_attention_gate", true)?;
    let around = third && fields.flag_or("use_sandwich_norm", true)?;
    let after_mixer = around.then_some(Norm::rms("post_attention_norm"));
    let after_network = around.then_some(Norm::rms("post_ffw_norm"));
    for ((index, attends), span) in (0u64..).zip(attends).zip(spans) {
        let attention = Gated {
            heads: heads.with_span(span),
            gate: gated.then_some(OutputGate::PerHead),
        };
        let mixer: &dyn Part = if attends { &attention } else { &convolution };
        let network: &dyn Part = match &mixture {
            Some(mixture) if index >= dense_layers => mixture,
            _ => &dense,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            mixer,
            &after_mixer.as_ref(),
            &Norm::rms("ffn_norm"),
            network,
            &after_network.as_ref(),
        ]);
    }
    // The norm before the output goes by the name of the embedding's.
    let embedding = draft.embedding();
    draft.tensor("token_embd_norm.weight", &[embedding]);
    let tied = fields.flag_or("tie_embedding", true)?;
    draft.output_matrix(fields.tied(tied)?);
    Ok(draft)
}

/// Which layers attend: by name, or by index in older files.
fn attending(fields: &Fields<'_>, layers: usize) -> Result<Vec<bool>, ConfigError> {
    if let Some(kinds) = fields.texts("layer_types", layers)? {
        return Ok(kinds.iter().map(|&kind| kind != "conv").collect());
    }
    let indices = fields
        .indices("full_attn_idxs")?
        .ok_or(ConfigError::MissingField {
            field: "layer_types",
        })?;
    Ok((0..layers as u64)
        .map(|index| indices.contains(&index))
        .collect())
}

/// The network's width: two thirds of what the file says, in whole multiples, where it asks
/// for that.
fn length(fields: &Fields<'_>) -> Result<u64, ConfigError> {
    let stated = fields.width_of(&["block_ff_dim", "intermediate_size"])?;
    if !fields.flag_or("block_auto_adjust_ff_dim", false)? {
        return Ok(stated);
    }
    let multiple = fields.width_or("block_multiple_of", 256)?;
    let adjusted = fields.scaled("block_ffn_dim_multiplier", stated.saturating_mul(2) / 3)?;
    Ok(adjusted.next_multiple_of(multiple))
}
