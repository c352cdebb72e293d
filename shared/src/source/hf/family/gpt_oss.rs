//! gpt-oss: sinks, biases everywhere, experts in every layer, a window in every second.

use serde_json::Value;

use super::Family;
use crate::quant::TensorType;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Heads, Mixture, Norm};
use crate::source::hf::{ConfigError, Fields, window};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["gpt_oss"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "gpt-oss")?;
    let bias = fields.flag_or("attention_bias", true)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        sinks: true,
        ..Heads::read(fields)?
    };
    let method = fields
        .object("quantization_config")
        .and_then(|quantization| quantization.get("quant_method"))
        .and_then(Value::as_str);
    let mixture = Mixture {
        router_bias: true,
        expert_bias: true,
        stored_as: (method == Some("mxfp4")).then_some(TensorType::Mxfp4),
        ..Mixture::new(
            fields.count("num_local_experts")?,
            fields.count_of(&["num_experts_per_tok", "experts_per_token"])?,
            fields.width("intermediate_size")?,
        )
    };
    let sliding_window = fields.optional_width("sliding_window")?;
    for span in window::listed_or_every(fields, fields.layers()?, sliding_window, 2)? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads.with_span(span),
            &Norm::rms("post_attention_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
