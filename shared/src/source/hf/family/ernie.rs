//! ERNIE 4.5: dense and with experts.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["ernie4_5"],
        nested_defaults: &[],
        build: |fields| build(fields, "ernie4_5"),
    },
    Family {
        model_types: &["paddleocr_vl_text", "paddleocr_vl"],
        nested_defaults: &[],
        build: |fields| build(fields, "paddleocr"),
    },
    Family {
        model_types: &["ernie4_5_moe"],
        nested_defaults: &[],
        build: |fields| build(fields, "ernie4_5-moe"),
    },
];

fn build(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let bias = fields.flag_or("use_bias", false)?;
    let heads = Heads {
        input_bias: bias,
        output_bias: bias,
        ..Heads::read(fields)?
    };
    let dense = Dense {
        bias,
        ..Dense::gated(fields.width("intermediate_size")?)
    };
    let mixture = match architecture {
        "ernie4_5-moe" => Some(mixture(fields)?),
        _ => None,
    };
    let layers = fields.layers()? as u64;
    let first = fields.count_or("moe_layer_start_index", 1)?;
    let last = fields
        .signed_count("moe_layer_end_index")?
        .unwrap_or(layers);
    let interval = fields.count_or("moe_layer_interval", 1)?.max(1);
    for index in 0..layers {
        let sparse = index >= first && index <= last && (index + 1).is_multiple_of(interval);
        let network: &dyn Part = match &mixture {
            Some(mixture) if sparse => mixture,
            _ => &dense,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

fn mixture(fields: &Fields<'_>) -> Result<Mixture, ConfigError> {
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("moe_num_shared_experts", 0)?;
    Ok(Mixture {
        selection_bias: true,
        shared: SharedExperts::of(shared.saturating_mul(length)),
        ..Mixture::new(
            fields.count("moe_num_experts")?,
            fields.count_of(&["moe_k", "moe_topk"])?,
            length,
        )
    })
}
