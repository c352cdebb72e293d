//! Ling and Ring (Bailing): two generations under one `model_type`.

use serde_json::Value;

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, QueryKeyNorm, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["bailing_moe", "bailing_moe_v2"],
    nested_defaults: &[],
    build: |fields| match is_second(fields) {
        true => build(fields, "bailingmoe2"),
        false => build(fields, "bailingmoe"),
    },
}];

fn is_second(fields: &Fields<'_>) -> bool {
    fields.text("model_type") == Some("bailing_moe_v2")
        || fields
            .value("architectures")
            .and_then(|architectures| architectures.get(0))
            .and_then(Value::as_str)
            .is_some_and(|architecture| architecture.starts_with("BailingMoeV2"))
}

fn build(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let second = architecture == "bailingmoe2";
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("use_qkv_bias", false)?;
    let heads = Heads {
        fused: second,
        norm: QueryKeyNorm::PerHead.when(second),
        input_bias: bias,
        output_bias: fields.flag_or("use_bias", false)?,
        ..Heads::read(fields)?
    };
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("num_shared_experts", 0)?;
    let shared_each = fields.width_or("moe_shared_expert_intermediate_size", length)?;
    let mixture = Mixture {
        selection_bias: second,
        shared: SharedExperts::of(shared.saturating_mul(shared_each)),
        ..Mixture::new(
            fields.count("num_experts")?,
            fields.count("num_experts_per_tok")?,
            length,
        )
    };
    let dense = Dense::gated(fields.width("intermediate_size")?);
    let dense_layers = fields.count_or("first_k_dense_replace", 0)?;
    for index in 0..fields.layers()? as u64 {
        let network: &dyn Part = if index < dense_layers {
            &dense
        } else {
            &mixture
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
