//! StarCoder2: layer norms and biases everywhere, no gates.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Norm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["starcoder2"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "starcoder2")?;
    let bias = fields.flag_or("use_bias", true)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let network = Dense::plain(fields.width("intermediate_size")?, bias);
    let sliding_window = fields.optional_width("sliding_window")?;
    for span in window::same_everywhere(fields.layers()?, sliding_window) {
        draft.block(&[
            &Norm::layer("attn_norm"),
            &heads.with_span(span),
            &Norm::layer("ffn_norm"),
            &network,
        ]);
    }
    draft.output_with_layer_norm(fields.tied(true)?);
    Ok(draft)
}
