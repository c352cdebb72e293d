//! Hunyuan: dense and with experts.

use super::Family;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, QueryKeyNorm, SharedExperts};
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
        build: |fields| experts(fields, "hunyuan-moe"),
    },
    Family {
        model_types: &["hunyuan"],
        nested_defaults: &[],
        build: |fields| experts(fields, "hunyuan-large"),
    },
];

fn heads(fields: &Fields<'_>) -> Result<Heads, ConfigError> {
    let heads = match fields.optional_width("attention_head_dim")? {
        Some(head_dim) if fields.optional_width("head_dim")?.is_none() => {
            Heads::read_with_dim(fields, head_dim)?
        }
        _ => Heads::read(fields)?,
    };
    let bias = fields.flag_or("attention_bias", false)?;
    Ok(Heads {
        norm: QueryKeyNorm::PerHead.when(fields.flag_or("use_qk_norm", true)?),
        input_bias: bias,
        output_bias: bias,
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

fn experts(fields: &Fields<'_>, architecture: &str) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let heads = heads(fields)?;
    let count = fields.count("num_experts")?;
    let layers = fields.layers()?;
    let used = fields.width_per_layer("moe_topk", layers)?;
    let shared = fields.width_per_layer("num_shared_expert", layers)?;
    let lengths = match fields.value("moe_intermediate_size") {
        Some(_) => fields.width_per_layer("moe_intermediate_size", layers)?,
        None => fields.width_per_layer("intermediate_size", layers)?,
    };
    // Hunyuan-Large: all but the first of so many layers read the cache of that one.
    let sharing = match fields.flag_or("use_cla", false)? {
        true => fields.count_or("cla_share_factor", 1)?.max(1),
        false => 1,
    };
    let per_layer = used.into_iter().zip(shared).zip(lengths).zip(0u64..);
    for (((used, shared), length), index) in per_layer {
        let reader = ReadingHeads(heads);
        let attention: &dyn Part = match index.is_multiple_of(sharing) {
            true => &heads,
            false => &reader,
        };
        let mixture = Mixture {
            shared: SharedExperts::of(shared.saturating_mul(length)),
            ..Mixture::new(count, used, length)
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            attention,
            &Norm::rms("ffn_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// Heads that read another layer's cache.
struct ReadingHeads(Heads);

impl Part for ReadingHeads {
    fn write(&self, block: &mut Block<'_>) {
        let heads = Heads {
            shares_cache: true,
            ..self.0
        };
        let embedding = block.embedding();
        let queries = heads.query_heads.saturating_mul(heads.key_dim);
        block.linear("attn_q", embedding, queries, heads.input_bias);
        block.linear("attn_output", queries, embedding, heads.output_bias);
        if heads.norm != QueryKeyNorm::None {
            block.tensor("attn_q_norm.weight", &[heads.key_dim]);
            block.tensor("attn_k_norm.weight", &[heads.key_dim]);
        }
        block.layer.attention = heads.cached();
    }
}
