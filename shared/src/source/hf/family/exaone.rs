//! EXAONE 3 and 4.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm, QueryKeyNorm};
use crate::source::hf::{ConfigError, Fields, rope, window};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["exaone"],
        nested_defaults: &[],
        build: third,
    },
    Family {
        model_types: &["exaone4"],
        nested_defaults: &[],
        build: fourth,
    },
];

fn third(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "exaone")?;
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
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn fourth(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "exaone4")?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead,
        ..Heads::read(fields)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    let sliding_window = fields.optional_width("sliding_window")?;
    // The pattern is a word such as LLLG: local, local, local, global.
    let pattern = fields.text("sliding_window_pattern").unwrap_or("LLLG");
    let period = pattern.len() as u64;
    for span in window::listed_or_every(fields, fields.layers()?, sliding_window, period)? {
        draft.block(&[
            &heads.with_span(span),
            &Norm::rms("post_attention_norm"),
            &network,
            &Norm::rms("post_ffw_norm"),
        ]);
    }
    rope::add_llama3_table(&mut draft, fields, heads.key_dim);
    draft.output(fields.tied(false)?);
    Ok(draft)
}
