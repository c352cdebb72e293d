//! Hugging Face `config.json`: bytes in, model out.
//!
//! The tensors are those that llama.cpp's converter writes for the checkpoint, under their GGUF
//! names, before any quantization. Each family is a file of [`family`], put together from the
//! parts of [`part`].
//!
//! Source: the converter of llama.cpp 0.5.0 and the loaders of 0.6.0.

mod conservative;
mod draft;
mod encoder;
mod error;
mod family;
mod fields;
mod json;
mod largest_item;
mod part;
mod quantization;
mod rope;
mod window;

pub use conservative::read_config_conservative;
pub use error::{ConfigError, Expected};

use alloc::string::String;

use serde_json::{Map, Value};

use crate::model::{Geometry, Model, Vision};
use fields::Fields;

/// How a GGUF file came to be, where that changes what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conversion {
    /// As the converter does it today.
    #[default]
    Current,
    /// Before files said that the latent of MLA can be cached (until April 2025): the engine
    /// caches full heads.
    BeforeLatentCache,
    /// Not converted: matrices in the checkpoint's own type, in single precision too.
    Checkpoint,
}

/// Reads the model that a `config.json` describes; `name` is what people call it.
///
/// # Errors
/// What is no configuration, a model type without known rules, and fields that are missing,
/// absurd or contradict each other.
pub fn read_config(bytes: &[u8], name: &str) -> Result<Model, ConfigError> {
    read_config_of(bytes, name, Conversion::default())
}

/// The same for a GGUF file that came to be in another way than today's.
///
/// # Errors
/// As [`read_config`].
pub fn read_config_of(
    bytes: &[u8],
    name: &str,
    conversion: Conversion,
) -> Result<Model, ConfigError> {
    let root = json::parse_object(bytes)?;
    read_object(&root, name, conversion)
}

/// Reads a configuration and what ModelOpt wrote beside it, `hf_quant_config.json`, which counts
/// where the configuration itself does not say how the weights are quantized.
///
/// # Errors
/// As [`read_config`].
pub fn read_config_beside(
    bytes: &[u8],
    quantization: &[u8],
    name: &str,
) -> Result<Model, ConfigError> {
    let root = with_quantization(bytes, quantization)?;
    read_object(&root, name, Conversion::default())
}

fn with_quantization(bytes: &[u8], quantization: &[u8]) -> Result<Map<String, Value>, ConfigError> {
    let mut root = json::parse_object(bytes)?;
    if !root.contains_key("quantization_config") {
        let beside = json::parse_object(quantization)?;
        root.insert("quantization_config".into(), beside.into());
    }
    Ok(root)
}

/// Reads the checkpoint that a configuration describes, as engines load it that need no
/// conversion; `quantization` as for [`read_config_beside`].
///
/// # Errors
/// As [`read_config`].
pub fn read_checkpoint(
    bytes: &[u8],
    quantization: Option<&[u8]>,
    name: &str,
) -> Result<Model, ConfigError> {
    let root = match quantization {
        Some(quantization) => with_quantization(bytes, quantization)?,
        None => json::parse_object(bytes)?,
    };
    read_object(&root, name, Conversion::Checkpoint)
}

/// Whether a configuration says the type of its checkpoint's numbers (`dtype`, `torch_dtype`).
///
/// # Errors
/// What is no JSON object.
pub fn says_float_type(bytes: &[u8]) -> Result<bool, ConfigError> {
    let root = json::parse_object(bytes)?;
    Ok(draft::float_name(&Fields::new(&root)).is_some())
}

fn read_object(
    root: &Map<String, Value>,
    name: &str,
    conversion: Conversion,
) -> Result<Model, ConfigError> {
    let fields = Fields::new(root);
    let family = fields.model_types().find_map(family::find).ok_or_else(|| {
        match fields.model_types().next() {
            Some(model_type) if ENCODERS.contains(&model_type) => ConfigError::NotGenerative {
                model_type: model_type.into(),
            },
            Some(model_type) => ConfigError::UnknownModelType {
                model_type: model_type.into(),
            },
            None => ConfigError::MissingField {
                field: "model_type",
            },
        }
    })?;
    let fields = fields
        .with_defaults(family.nested_defaults())
        .with_conversion(conversion);
    let mut model = family.build(&fields)?.finish(name, Geometry::Known)?;
    if let Some(config) = fields.object("quantization_config") {
        quantization::apply(config, &mut model);
    }
    model.vision = encoder::encoder(root, model.embedding_length).map(|vision| Vision {
        item: largest_item::largest_item(root),
        ..vision
    });
    model.stretched_context_length = model
        .trained_context_length
        .and_then(|context| rope::stretched(&fields, context));
    Ok(model)
}

/// Models of text that generate none, or only from another text or sound.
const ENCODERS: &[&str] = &[
    "albert",
    "bart",
    "bert",
    "big_bird",
    "camembert",
    "clap",
    "clip",
    "deberta",
    "deberta-v2",
    "distilbert",
    "electra",
    "ernie",
    "eurobert",
    "longformer",
    "marian",
    "mbart",
    "modernbert",
    "mpnet",
    "mt5",
    "new",
    "nomic_bert",
    "pegasus",
    "roberta",
    "siglip",
    "siglip2",
    "t5",
    "umt5",
    "vit",
    "wav2vec2",
    "whisper",
    "xlm-roberta",
];

/// Every `model_type` that [`read_config`] reads.
pub fn model_types() -> impl Iterator<Item = &'static str> {
    family::model_types()
}
