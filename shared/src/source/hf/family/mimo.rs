//! MiMo-V2: other KV heads, and sinks, in the sliding layers; keys wider than values.

use super::Family;
use crate::model::Span;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["mimo_v2_flash", "mimo_v2"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "mimo2")?;
    let usual = Heads::read(fields)?;
    let full = Heads {
        value_dim: fields.width_or("v_head_dim", usual.value_dim)?,
        sinks: fields.flag_or("add_full_attention_sink_bias", false)?,
        ..usual
    };
    let sliding = Heads {
        query_heads: fields
            .count_or("swa_num_attention_heads", full.query_heads)?
            .max(1),
        kv_heads: fields
            .count_or("swa_num_key_value_heads", full.kv_heads)?
            .max(1),
        key_dim: fields.width_or("swa_head_dim", full.key_dim)?,
        value_dim: fields.width_or("swa_v_head_dim", full.value_dim)?,
        sinks: fields.flag_or("add_swa_attention_sink_bias", false)?,
        span: Span::Sliding {
            window: fields.width_of(&["sliding_window", "sliding_window_size"])?,
        },
        ..full
    };
    let mixture = Mixture {
        selection_bias: true,
        ..Mixture::new(
            fields.count("n_routed_experts")?,
            fields.count("num_experts_per_tok")?,
            fields.width("moe_intermediate_size")?,
        )
    };
    let dense = Dense::gated(fields.width("intermediate_size")?);
    let layers = fields.layers()?;
    let missing = |field| ConfigError::MissingField { field };
    let slides = fields
        .integers("hybrid_layer_pattern", layers)?
        .ok_or(missing("hybrid_layer_pattern"))?;
    let sparse = fields
        .integers("moe_layer_freq", layers)?
        .ok_or(missing("moe_layer_freq"))?;
    for (slides, sparse) in slides.into_iter().zip(sparse) {
        let heads = if slides > 0 { &sliding } else { &full };
        let network: &dyn Part = if sparse > 0 { &mixture } else { &dense };
        draft.block(&[
            &Norm::rms("attn_norm"),
            heads,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}
