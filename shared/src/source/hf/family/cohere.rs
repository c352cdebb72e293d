//! Command R (Cohere): one norm a block, the embedding is the output matrix.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["cohere"],
        nested_defaults: &[],
        build: |fields| build(fields, "command-r", None),
    },
    Family {
        model_types: &["cohere2"],
        nested_defaults: &[],
        build: |fields| {
            let window = fields.optional_width("sliding_window")?;
            build(fields, "cohere2", window)
        },
    },
];

fn build(
    fields: &Fields<'_>,
    architecture: &str,
    sliding_window: Option<u64>,
) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("attention_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        norm: QueryKeyNorm::EachHead.when(fields.flag_or("use_qk_norm", false)?),
        ..Heads::read(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let period = fields.count_or("sliding_window_pattern", 4)?;
    for span in window::listed_or_every(fields, fields.layers()?, sliding_window, period)? {
        draft.block(&[&Norm::rms("attn_norm"), &heads.with_span(span), &network]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}
