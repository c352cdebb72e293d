//! Files that are loaded beside a model; only their headers are read.

use std::path::Path;

use shared::catalogue;
use shared::model::{Model, Projector, Tensor, Vision};
use shared::source::gguf::{GgufError, Header, read_adapter, read_projector};

use super::gguf;
use crate::arguments::UsageError;
use crate::failure::Failure;

/// The model that drafts: a GGUF file, or an entry of the catalogue.
///
/// # Errors
/// Where it cannot be found or read, or is no language model.
pub(crate) fn draft(text: &str) -> Result<Model, Failure> {
    let path = Path::new(text);
    if path.exists() || super::name::looks_like_path(text) {
        return gguf::read(path, &gguf::name(path)).map(|found| found.model);
    }
    Ok(catalogue::find(text)?.model(None)?)
}

/// The projector in a file.
///
/// # Errors
/// Where it cannot be read or is none.
pub(crate) fn projector(path: &Path) -> Result<Projector, Failure> {
    read(path, read_projector)
}

/// The model's own projector, as its configuration tells of it.
///
/// # Errors
/// Where it tells of none.
pub(crate) fn own_projector(model: &Model) -> Result<Projector, UsageError> {
    let own = model.vision.as_ref().and_then(Vision::projector);
    own.ok_or_else(|| UsageError::NoOwnProjector {
        model: model.name.clone(),
    })
}

/// The tensors of a LoRA adapter.
///
/// # Errors
/// Where it cannot be read or is none.
pub(crate) fn adapter(path: &Path) -> Result<Vec<Tensor>, Failure> {
    read(path, read_adapter)
}

fn read<T>(path: &Path, read: fn(&Header) -> Result<T, GgufError>) -> Result<T, Failure> {
    let header = gguf::header(path)?;
    read(&header).map_err(|error| Failure::Gguf {
        path: path.into(),
        error,
    })
}
