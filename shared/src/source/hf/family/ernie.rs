//! ERNIE 4.5: dense and with experts.

use super::Family;
use crate::source::hf::draft::{Block, Draft};
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
    Family {
        model_types: &["ernie4_5_vl_moe_text", "ernie4_5_vl_moe"],
        nested_defaults: &[],
        build: |fields| build(fields, "ernie4_5-vl-moe"),
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
        "ernie4_5-moe" | "ernie4_5-vl-moe" => Some(mixture(fields)?),
        _ => None,
    };
    let for_images = match architecture {
        "ernie4_5-vl-moe" => image_experts(fields)?,
        _ => None,
    };
    let layers = fields.layers()? as u64;
    let kinds = fields.texts("mlp_layer_types", fields.layers()?)?;
    let first = fields.count_or("moe_layer_start_index", 1)?;
    let last = fields
        .signed_count("moe_layer_end_index")?
        .unwrap_or(layers);
    let interval = fields.count_or("moe_layer_interval", 1)?.max(1);
    for index in 0..layers {
        let sparse = match &kinds {
            Some(kinds) => {
                usize::try_from(index).is_ok_and(|index| kinds.get(index) == Some(&"sparse"))
            }
            None => index >= first && index <= last && (index + 1).is_multiple_of(interval),
        };
        let network: &dyn Part = match &mixture {
            Some(mixture) if sparse => mixture,
            _ => &dense,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            network,
            &for_images.as_ref().filter(|_| sparse),
        ]);
    }
    draft.output(fields.tied(true)?);
    Ok(draft)
}

fn mixture(fields: &Fields<'_>) -> Result<Mixture, ConfigError> {
    let length = first(fields, "moe_intermediate_size")?;
    let shared = fields.count_or("moe_num_shared_experts", 0)?;
    Ok(Mixture {
        selection_bias: true,
        shared: match SharedExperts::of(shared.saturating_mul(length)) {
            Some(shared) => Some(SharedExperts {
                bias: fields.flag_or("use_bias", false)?,
                ..shared
            }),
            None => None,
        },
        ..Mixture::new(
            first(fields, "moe_num_experts")?,
            fields.count_of(&["moe_k", "moe_topk"])?,
            length,
        )
    })
}

/// The first number of a list: what is said of text before what is said of images.
fn first(fields: &Fields<'_>, field: &'static str) -> Result<u64, ConfigError> {
    match fields.indices_or_one(field)?.first() {
        Some(&value) if value > 0 => Ok(value),
        _ => Err(ConfigError::MissingField { field }),
    }
}

/// The experts that tokens of images choose among.
fn image_experts(fields: &Fields<'_>) -> Result<Option<ImageExperts>, ConfigError> {
    let counts = fields.indices_or_one("moe_num_experts")?;
    let lengths = fields.indices_or_one("moe_intermediate_size")?;
    let Some(&length) = lengths.get(1) else {
        return Ok(None);
    };
    let count = counts.last().copied().unwrap_or_default();
    Ok((count > 0 && length > 0).then_some(ImageExperts { count, length }))
}

struct ImageExperts {
    count: u64,
    length: u64,
}

impl Part for ImageExperts {
    fn write(&self, block: &mut Block<'_>) {
        let (embedding, count) = (block.embedding(), self.count);
        block.linear("vision_ffn_gate_inp", embedding, count, false);
        block.tensor("vision_exp_probs_b.bias", &[count]);
        for (part, shape) in [
            ("gate", [embedding, self.length, count]),
            ("up", [embedding, self.length, count]),
            ("down", [self.length, embedding, count]),
        ] {
            block.tensor(&alloc::format!("vision_ffn_{part}_exps.weight"), &shape);
        }
    }
}
