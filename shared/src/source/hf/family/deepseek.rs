//! DeepSeek V2, V3 and V3.2, and those built like them: Kimi K2, GLM-4.7-Flash, GLM-5, Youtu.

use super::Family;
use crate::source::hf::draft::Draft;
use crate::source::hf::part::{
    Dense, Indexer, Latent, Mixture, Norm, Part, Prediction, SharedExperts,
};
use crate::source::hf::{ConfigError, Conversion, Fields, rope};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["deepseek_v2"],
        nested_defaults: &[],
        build: |fields| build(fields, "deepseek2", false),
    },
    // The converter leaves the prediction layers of these out.
    Family {
        model_types: &["deepseek_v3", "kimi_k2", "kimi_k25", "youtu"],
        nested_defaults: &[],
        build: |fields| build(fields, "deepseek2", false),
    },
    Family {
        model_types: &["glm4_moe_lite"],
        nested_defaults: &[],
        build: |fields| build(fields, "deepseek2", true),
    },
    Family {
        model_types: &["deepseek_v32"],
        nested_defaults: &[],
        build: |fields| build(fields, "deepseek32", true),
    },
    Family {
        model_types: &["glm_moe_dsa"],
        nested_defaults: &[],
        build: |fields| build(fields, "glm-dsa", true),
    },
    // The engine caches full heads of this one.
    Family {
        model_types: &["minicpm3"],
        nested_defaults: &[],
        build: minicpm3,
    },
    Family {
        model_types: &["mistral4"],
        nested_defaults: &[],
        build: |fields| build(fields, "mistral4", false),
    },
];

fn build(fields: &Fields<'_>, architecture: &str, predicts: bool) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, architecture)?;
    let layers = fields.layers()?;
    let latent = Latent::read(fields)?;
    let sparse = matches!(architecture, "deepseek32" | "glm-dsa");
    let indexer = match sparse {
        true => Some(Indexer::read(fields)?),
        false => None,
    };
    let indexer_types = fields.texts("indexer_types", layers)?;
    let mixture = mixture(fields)?;
    let dense_layers = match &mixture {
        Some(_) => fields.count_or("first_k_dense_replace", 0)?,
        None => layers as u64,
    };
    let dense = match dense_layers {
        0 => Dense::gated(1),
        _ => Dense::gated(fields.width("intermediate_size")?),
    };
    let (attention_norm, network_norm) = (Norm::rms("attn_norm"), Norm::rms("ffn_norm"));
    for index in 0..layers {
        // GLM-5.2 and after share an indexer's choice between layers.
        let indexed = match &indexer_types {
            Some(types) => types.get(index) == Some(&"full"),
            None => true,
        };
        let indexer = indexer.as_ref().filter(|_| indexed);
        let network: &dyn Part = match &mixture {
            Some(mixture) if index as u64 >= dense_layers => mixture,
            _ => &dense,
        };
        draft.block(&[&attention_norm, &latent, &indexer, &network_norm, network]);
    }
    let predictions = match predicts {
        true => fields.prediction_layers("num_nextn_predict_layers")?,
        false => 0,
    };
    for _ in 0..predictions {
        let around = Prediction {
            own_vocabulary: architecture != "glm-dsa",
            ..Prediction::default()
        };
        draft.prediction_block(&[
            &attention_norm,
            &latent,
            &indexer.as_ref(),
            &network_norm,
            &mixture.as_ref(),
            &around,
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
fn mixture(fields: &Fields<'_>) -> Result<Option<Mixture>, ConfigError> {
    let count = fields.count_or("n_routed_experts", 0)?;
    if count == 0 {
        return Ok(None);
    }
    let length = fields.width("moe_intermediate_size")?;
    let shared = fields.count_or("n_shared_experts", 0)?;
    // DeepSeek V2 chooses without a bias and names its method; V3 and after all have one.
    let method = fields.text("topk_method").unwrap_or("noaux_tc");
    Ok(Some(Mixture {
        selection_bias: method == "noaux_tc",
        shared: SharedExperts::of(length.saturating_mul(shared)),
        ..Mixture::new(count, fields.count("num_experts_per_tok")?, length)
    }))
}
