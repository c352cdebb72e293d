//! Hugging Face `config.json`: bytes in, model out.
//!
//! The tensors are those that llama.cpp's converter writes for the checkpoint, under their GGUF
//! names, before any quantization. Each family is a file of [`family`], put together from the
//! parts of [`part`].

mod draft;
mod error;
mod family;
mod fields;
mod json;
mod part;

pub use error::{ConfigError, Expected};

use crate::model::{Geometry, Model};
use fields::Fields;

/// Reads the model that a `config.json` describes; `name` is what people call it.
///
/// # Errors
/// What is no configuration, a model type without known rules, and fields that are missing,
/// absurd or contradict each other.
pub fn read_config(bytes: &[u8], name: &str) -> Result<Model, ConfigError> {
    let root = json::parse_object(bytes)?;
    let fields = Fields::new(&root);
    let family = fields.model_types().find_map(family::find).ok_or_else(|| {
        match fields.model_types().next() {
            Some(model_type) => ConfigError::UnknownModelType {
                model_type: model_type.into(),
            },
            None => ConfigError::MissingField {
                field: "model_type",
            },
        }
    })?;
    let fields = fields.with_defaults(family.nested_defaults);
    (family.build)(&fields)?.finish(name, Geometry::Known)
}
