//! OLMo 2 and 3, and OLMoE: norms over all queries and keys together.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["olmo2"],
        nested_defaults: &[],
        build: |fields| dense(fields, None),
    },
    Family {
        model_types: &["olmo3"],
        nested_defaults: &[],
        build: |fields| dense(fields, fields.optional_width("sliding_window")?),
    },
    Family {
        model_types: &["olmoe"],
        nested_defaults: &[],
        build: experts,
    },
];

/// OLMo 3 attends in full in every fourth layer.
const PERIOD: u64 = 4;

fn heads(fields: &Fields<'_>) -> Result<Heads, ConfigError> {
    Ok(Heads {
        norm: QueryKeyNorm::Whole,
        ..Heads::read(fields)?
    })
}

fn dense(fields: &Fields<'_>, sliding_window: Option<u64>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "olmo2")?;
    let heads = heads(fields)?;
    let network = Dense::gated(fields.width("intermediate_size")?);
    for span in window::listed_or_every(fields, fields.layers()?, sliding_window, PERIOD)? {
        draft.block(&[
            &heads.with_span(span),
            &Norm::rms("post_attention_norm"),
            &network,
            &Norm::rms("post_ffw_norm"),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn experts(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "olmoe")?;
    let heads = heads(fields)?;
    let mixture = Mixture::new(
        fields.count("num_experts")?,
        fields.count("num_experts_per_tok")?,
        fields.width("intermediate_size")?,
    );
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
