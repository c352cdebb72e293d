//! The model that a handful of options describes.

use shared::model::Model;
use shared::source::manual::ManualGeometry;

use crate::arguments::{ManualOptions, UsageError};
use crate::failure::Failure;

/// The name shown for it.
pub(super) const NAME: &str = "manual";

/// A stand-in for the model with these numbers.
///
/// # Errors
/// Numbers that are missing, that no model has, or that contradict each other.
pub(super) fn read(options: &ManualOptions) -> Result<Model, Failure> {
    let needed = |value: Option<u64>, option: &str| {
        value.ok_or_else(|| UsageError::MissingOption {
            option: option.into(),
        })
    };
    let geometry = ManualGeometry {
        parameters: needed(options.num_params_b, "--num-params-b")?,
        layers: needed(options.num_layers, "--num-layers")?,
        hidden_size: needed(options.hidden_size, "--hidden-size")?,
        attention_heads: needed(options.num_attention_heads, "--num-attention-heads")?,
        key_value_heads: options.num_key_value_heads,
        head_dim: options.head_dim,
    };
    Ok(geometry.model(NAME)?)
}
