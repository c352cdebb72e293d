//! DeepSeek V2, V3 and V3.2, and those built like them: Kimi K2, GLM-4.7-Flash, GLM-5, Youtu.

use super::Family;
use super::recipe::{self, Recipe};
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{
    Dense, ExpertGate, Indexer, Latent, Mixture, Norm, Prediction, SharedExperts,
};
use crate::source::hf::{ConfigError, Conversion, Fields, rope};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["deepseek_v2"],
        nested_defaults: &[],
        build: |fields| {
            // The smallest of DeepSeek-VL2, and DeepSeek-OCR, have ordinary heads.
            if !fields.flag_or("use_mla", true)? {
                return recipe::build(fields, &WITHOUT_LATENT);
            }
            let variant = Variant {
                selection_bias: fields.text("topk_method") == Some("noaux_tc"),
                ..DEEPSEEK_V3
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &[
            "deepseek_v3",
            "kimi_k2",
            "kimi_k25",
            "kimi_vl",
            "youtu",
            "sarvam_mla",
        ],
        nested_defaults: &[],
        build: |fields| build(fields, &DEEPSEEK_V3),
    },
    Family {
        model_types: &["glm4_moe_lite"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                prediction: Some(WITH_VOCABULARY),
                ..DEEPSEEK_V3
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["deepseek_v32"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                architecture: "deepseek32",
                sparse: true,
                prediction: Some(WITH_VOCABULARY),
                ..DEEPSEEK_V3
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["glm_moe_dsa"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                architecture: "glm-dsa",
                sparse: true,
                prediction: Some(WITHOUT_VOCABULARY),
                ..DEEPSEEK_V3
            };
            build(fields, &variant)
        },
    },
    Family {
        model_types: &["mistral4"],
        nested_defaults: &[],
        build: |fields| {
            let variant = Variant {
                architecture: "mistral4",
                selection_bias: false,
                gate: ExpertGate::Fused,
                ..DEEPSEEK_V3
            };
            build(fields, &variant)
        },
    },
    // The engine caches full heads of this one.
    Family {
        model_types: &["minicpm3"],
        nested_defaults: &[],
        build: minicpm3,
    },
];

/// What tells these families apart.
struct Variant {
    architecture: &'static str,
    /// An indexer selects the tokens attended to.
    sparse: bool,
    /// A bias that only the choice of experts uses.
    selection_bias: bool,
    gate: ExpertGate,
    /// What the layers that predict further tokens have, where the converter writes them.
    prediction: Option<Prediction>,
}

const WITHOUT_LATENT: Recipe = Recipe::new(&[], "deepseek2-ocr");

const DEEPSEEK_V3: Variant = Variant {
    architecture: "deepseek2",
    sparse: false,
    selection_bias: true,
    gate: ExpertGate::Separate,
    prediction: None,
};

const WITHOUT_VOCABULARY: Prediction = Prediction {
    own_vocabulary: false,
};

const WITH_VOCABULARY: Prediction = Prediction {
    own_vocabulary: true,
};

fn build(fields: &Fields<'_>, variant: &Variant) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, variant.architecture)?;
    let layers = fields.layers()?;
    let latent = Latent::read(fields)?;
    let indexer = match variant.sparse {
        true => Some(Indexer::read(fields)?),
        false => None,
    };
    let indexer_types = fields.texts("indexer_types", layers)?;
    let mixture = mixture(fields, variant)?;
    let sparse_layers = match &mixture {
        Some(_) => recipe::sparse_layers(fields, layers)?,
        None => alloc::vec![false; layers],
    };
    let dense = match sparse_layers.contains(&false) {
        false => None,
        true => Some(Dense::gated(fields.width("intermediate_size")?)),
    };
    let (attention_norm, network_norm) = (Norm::rms("attn_norm"), Norm::rms("ffn_norm"));
    for (index, sparse) in sparse_layers.into_iter().enumerate() {
        // GLM-5.2 and after share an indexer's choice between layers.
        let indexed = match &indexer_types {
            Some(types) => types.get(index) == Some(&"full"),
            None => true,
        };
        let indexer = indexer.as_ref().filter(|_| indexed);
        draft.block(&[
            &attention_norm,
            &latent,
            &indexer,
            &network_norm,
            &mixture.as_ref().filter(|_| sparse),
            &dense.as_ref().filter(|_| !sparse),
        ]);
    }
    let predictions = match variant.prediction {
        Some(_) => fields.prediction_layers("num_nextn_predict_layers")?,
        None => 0,
    };
    for _ in 0..predictions {
        draft.prediction_block(&[
            &attention_norm,
            &latent,
            &indexer.as_ref(),
            &network_norm,
            &mixture.as_ref(),
            &variant.prediction.as_ref(),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn minicpm3(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "minicpm3")?;
    let usual = draft.embedding() / fields.count("num_attention_heads")?;
    let value_dim = fields.width_or("v_head_dim", usual.max(1))?;
    let latent = Latent {
        conversion: Conversion::BeforeLatentCache,
        ..Latent::read_with_value_dim(fields, value_dim)?
    };
    let network = Dense::gated(fields.width("intermediate_size")?);
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &latent,
            &Norm::rms("ffn_norm"),
            &network,
        ]);
    }
    rope::add_long_tables(&mut draft, fields);
    draft.output(fields.tied(true)?);
    Ok(draft)
}

/// The experts, where there are any.
fn mixture(fields: &Fields<'_>, variant: &Variant) -> Result<Option<Mixture>, ConfigError> {
    let count = fields.count_or("n_routed_experts", 0)?;
    if count == 0 {
        return Ok(None);
    }
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("n_shared_experts", 0)?;
    Ok(Some(Mixture {
        selection_bias: variant.selection_bias,
        gate: variant.gate,
        shared: SharedExperts::of(length.saturating_mul(shared)),
        ..Mixture::new(count, fields.count("num_experts_per_tok")?, length)
    }))
}
