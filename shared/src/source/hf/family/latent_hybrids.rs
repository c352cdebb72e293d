//! Decoders of 2026 with latent attention among other things: A.X K1, Hunyuan 4, dots3, GLM-5
//! Next, Ling 3. What tells them apart is data.
//!
//! Source: the model classes of transformers 5.24.0; names as in the loaders of llama.cpp 0.6.0.

use super::Family;
use super::recipe;
use crate::model::Span;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{
    Dense, Indexer, KimiDelta, Lanes, Latent, LatentGate, Norm, Part, Prediction,
};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["axk1"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                sparse_end_norm: true,
                ..Variant::new("axk1")
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["hy_v4", "hy_v4_text", "hy_v4_vl_text", "hy_v4_vl"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                gate: LatentGate::PerElement,
                sinks: true,
                lanes: Some(false),
                ends_lanes: true,
                ..Variant::new("hy_v4")
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["dots3_note_text", "dots3_note"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                gate: LatentGate::PerHead,
                rope_norm: true,
                ..Variant::new("dots3note")
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["glm5_next_text", "glm5_next"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                lanes: Some(true),
                ..Variant::new("glm5-next")
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["bailing_hybrid"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                gate: LatentGate::PerHead,
                low_rank: false,
                ..Variant::new("bailingmoe3")
            };
            build(fields, &variant)
        },
    },
];

/// What tells these families apart.
struct Variant {
    architecture: &'static str,
    gate: LatentGate,
    sinks: bool,
    rope_norm: bool,
    /// Gates of linear attention are factored.
    low_rank: bool,
    /// A residual stream of several lanes, which are mixed or not.
    lanes: Option<bool>,
    /// What makes the lanes one is learned.
    ends_lanes: bool,
    /// A norm behind the experts.
    sparse_end_norm: bool,
}

impl Variant {
    const fn new(architecture: &'static str) -> Self {
        Self {
            architecture,
            gate: LatentGate::None,
            sinks: false,
            rope_norm: false,
            low_rank: true,
            lanes: None,
            ends_lanes: false,
            sparse_end_norm: false,
        }
    }

    fn latent(&self, fields: &Fields<'_>) -> Result<Latent, ConfigError> {
        Ok(Latent {
            gate: self.gate,
            sinks: self.sinks,
            rope_norm: self.rope_norm,
            ..Latent::read(fields)?
        })
    }
}

fn build(fields: &Fields<'_>, variant: &Variant) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, variant.architecture)?;
    let layers = fields.layers()?;
    let mixture = recipe::mixture(fields, true)?;
    let sparse = recipe::sparse_layers(fields, layers)?;
    let dense = match sparse.contains(&false) || mixture.is_none() {
        true => Some(Dense::gated(fields.width("intermediate_size")?)),
        false => None,
    };
    let lanes = match variant.lanes {
        Some(mixes) => Some(Lanes {
            count: fields.count_or("hc_mult", 4)?,
            mixes,
        }),
        None => None,
    };
    let kinds = fields.texts("layer_types", layers)?;
    let group = fields.count_or("layer_group_size", 0)?;
    let indexed = fields.texts("indexer_types", layers)?;
    let indexer = match fields.optional_width("index_head_dim")? {
        Some(_) => Some(PoolingIndexer {
            indexer: Indexer::read(fields)?,
            pool: fields.optional_width("index_kpool")?,
        }),
        None => None,
    };
    let norms = [Norm::rms("attn_norm"), Norm::rms("ffn_norm")];
    let end_norm = Norm::rms("post_ffw_norm");
    for (index, sparse) in sparse.into_iter().enumerate() {
        let own = fields.at_layer(index as u64);
        let kind = match &kinds {
            Some(kinds) => kinds.get(index).copied().unwrap_or_default(),
            // All but the last of every group are linear.
            None if group > 0 && !(index as u64 + 1).is_multiple_of(group) => "linear_attention",
            None => "full_attention",
        };
        let (latent, delta);
        let mixer: &dyn Part = if kind == "linear_attention" {
            delta = linear_attention(&own, variant)?;
            &delta
        } else {
            let span = match kind {
                "sliding_attention" => Span::Sliding {
                    window: own.width("sliding_window")?,
                },
                _ => Span::Full,
            };
            latent = Latent {
                span,
                ..variant.latent(&own)?
            };
            &latent
        };
        let chooses = match &indexed {
            Some(types) => types.get(index) == Some(&"full"),
            None => true,
        };
        let chooses = chooses && (kind == "indexed_attention" || kinds.is_none());
        let mixture = mixture.as_ref().filter(|_| sparse);
        draft.block(&[
            &norms[0],
            mixer,
            &indexer.as_ref().filter(|_| chooses),
            &norms[1],
            &mixture,
            &dense.as_ref().filter(|_| mixture.is_none()),
            &Some(&end_norm).filter(|_| variant.sparse_end_norm && mixture.is_some()),
            &lanes.as_ref(),
        ]);
    }
    for _ in 0..fields.prediction_layers("num_nextn_predict_layers")? {
        let latent = variant.latent(fields)?;
        draft.prediction_block(&[
            &norms[0],
            &latent,
            &indexer.as_ref(),
            &norms[1],
            &mixture.as_ref(),
            &Prediction::default(),
        ]);
    }
    if let Some(lanes) = lanes.filter(|_| variant.ends_lanes) {
        lanes.write_output(&mut draft);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn linear_attention(fields: &Fields<'_>, variant: &Variant) -> Result<KimiDelta, ConfigError> {
    Ok(KimiDelta {
        heads: fields.count_of(&["linear_num_heads", "num_attention_heads"])?,
        head_dim: fields.width_of(&["linear_head_dim", "head_dim"])?,
        conv_kernel: fields.width_of(&["linear_conv_kernel_dim", "short_conv_kernel_size"])?,
        low_rank: variant.low_rank,
    })
}

/// An indexer that may choose among keys of several tokens.
struct PoolingIndexer {
    indexer: Indexer,
    /// Tokens that become one key.
    pool: Option<u64>,
}

impl Part for PoolingIndexer {
    fn write(&self, block: &mut Block<'_>) {
        self.indexer.write(block);
        if let Some(pool) = self.pool {
            let (embedding, key_dim) = (block.embedding(), self.indexer.key_dim);
            block.linear("indexer_compressor_gate", embedding, key_dim, false);
            block.tensor("indexer_compressor_ape.weight", &[key_dim, pool]);
        }
    }
}
