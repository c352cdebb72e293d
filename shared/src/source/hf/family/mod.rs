//! Families of models: how each puts its blocks together.

mod llama;
mod qwen3;

use super::draft::Draft;
use super::{ConfigError, Fields};

/// A family of models.
pub(super) struct Family {
    /// The `model_type`s that it reads.
    pub model_types: &'static [&'static str],
    /// The class defaults that sparse nested configurations rely on.
    pub nested_defaults: &'static [(&'static str, u64)],
    /// Puts the model together.
    pub build: fn(&Fields<'_>) -> Result<Draft, ConfigError>,
}

/// Every family that is known.
const FAMILIES: &[Family] = &[llama::FAMILY, qwen3::FAMILY];

/// The family of a `model_type`.
pub(super) fn find(model_type: &str) -> Option<&'static Family> {
    FAMILIES
        .iter()
        .find(|family| family.model_types.contains(&model_type))
}
