//! MiMo-V2: other KV heads, and sinks, in the sliding layers; keys wider than values.

use alloc::vec::Vec;

use super::{Family, recipe};
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
    // Transformers' own files leave what the sliding layers have to the class.
    let implied = fields.value("layer_types").is_some();
    let usual_kv_heads = match implied {
        true => full.kv_heads.saturating_mul(2),
        false => full.kv_heads,
    };
    let sliding = Heads {
        query_heads: fields
            .count_or("swa_num_attention_heads", full.query_heads)?
            .max(1),
        kv_heads: fields
            .count_or("swa_num_key_value_heads", usual_kv_heads)?
            .max(1),
        key_dim: fields.width_or("swa_head_dim", full.key_dim)?,
        value_dim: fields.width_or("swa_v_head_dim", full.value_dim)?,
        sinks: fields.flag_or("add_swa_attention_sink_bias", implied)?,
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
    let slides: Vec<bool> = match fields.texts("layer_types", layers)? {
        Some(kinds) => kinds
            .iter()
            .map(|&kind| kind == "sliding_attention")
            .collect(),
        None => fields
            .integers("hybrid_layer_pattern", layers)?
            .ok_or(missing("hybrid_layer_pattern"))?
            .into_iter()
            .map(|slides| slides > 0)
            .collect(),
    };
    let sparse = recipe::sparse_layers(fields, layers)?;
    for (slides, sparse) in slides.into_iter().zip(sparse) {
        let heads = if slides { &sliding } else { &full };
        let network: &dyn Part = if sparse { &mixture } else { &dense };
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
