//! Hunyuan: dense and with experts.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, QueryKeyNorm, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["hunyuan_v1_dense"],
        nested_defaults: &[],
        build: dense,
    },
    Family {
        model_types: &["hunyuan_v1_moe"],
        nested_defaults: &[],
        build: experts,
    },
];

fn heads(fields: &Fields<'_>) -> Result<Heads, ConfigError> {
    let heads = match fields.optional_width("attention_head_dim")? {
        Some(head_dim) if fields.optional_width("head_dim")?.is_none() => {
            Heads::read_with_dim(fields, head_dim)?
        }
        _ => Heads::read(fields)?,
    };
    Ok(Heads {
        norm: QueryKeyNorm::PerHead.when(fields.flag_or("use_qk_norm", true)?),
        ..heads
    })
}

fn dense(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "hunyuan-dense")?;
    let heads = heads(fields)?;
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn experts(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "hunyuan-moe")?;
    let heads = heads(fields)?;
    let count = fields.count("num_experts")?;
    let layers = fields.layers()?;
    let used = fields.width_per_layer("moe_topk", layers)?;
    let shared = fields.width_per_layer("num_shared_expert", layers)?;
    let lengths = match fields.value("moe_intermediate_size") {
        Some(_) => fields.width_per_layer("moe_intermediate_size", layers)?,
        None => fields.width_per_layer("intermediate_size", layers)?,
    };
    for ((used, shared), length) in used.into_iter().zip(shared).zip(lengths) {
        let mixture = Mixture {
            shared: SharedExperts::of(shared.saturating_mul(length)),
            ..Mixture::new(count, used, length)
        };
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
