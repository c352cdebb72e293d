//! `config.json` files on this machine.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use shared::model::Model;
use shared::source::hf::{
    read_checkpoint, read_config, read_config_beside, read_config_conservative, says_float_type,
};

use super::input::Input;
use super::other_file::OtherFile;
use super::{ModelError, safetensors};
use crate::arguments::ModelChoice;
use crate::backend::Reads;
use crate::failure::Failure;

/// No configuration is longer: the largest known have 200 KB.
const LONGEST: u64 = 16 * 1024 * 1024;

/// What a configuration describes.
pub(super) struct Configured {
    /// The model, its weights as the checkpoint stores them.
    pub(super) model: Model,
    /// Where the checkpoint is, as the engine's command line would name it: its folder, or the
    /// repository that the configuration names where its folder has no weights.
    pub(super) checkpoint: String,
    /// Whether the type of the weights is neither said nor seen in the weights beside.
    pub(super) type_open: bool,
}

/// The model that a configuration describes, for an engine that `reads` it so.
///
/// # Errors
/// Where the file cannot be read or is no configuration.
pub(super) fn read(
    input: Input,
    choice: &ModelChoice,
    reads: Reads,
) -> Result<Configured, Failure> {
    let path = input.path().to_path_buf();
    let bytes = input.read_all(LONGEST)?;
    if safetensors::looks_like(&bytes) {
        return Err(ModelError::Safetensors { path }.into());
    }
    let object: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    let kind = OtherFile::of_bytes(&bytes).or_else(|| OtherFile::of_json(&object));
    if let Some(kind) = kind {
        return Err(ModelError::OtherFile { path, kind }.into());
    }
    let origin = object.get("_name_or_path").and_then(Value::as_str);
    let origin = origin.filter(|origin| is_repository(origin));
    let name = name(&path, origin);
    let beside = match quantization_beside(&path) {
        Some(beside) => Some(Input::open(&beside)?.read_all(LONGEST)?),
        None => None,
    };
    let model = match (&beside, reads) {
        _ if choice.conservative => read_config_conservative(&bytes, &name),
        (Some(beside), Reads::Gguf) => read_config_beside(&bytes, beside, &name),
        (None, Reads::Gguf) => read_config(&bytes, &name),
        (beside, Reads::Checkpoints | Reads::Either) => {
            read_checkpoint(&bytes, beside.as_deref(), &name)
        }
    };
    let type_open = !says_float_type(&bytes).unwrap_or(true);
    let model = model.map_err(|error| Failure::Config {
        path: path.clone(),
        error,
    })?;
    Ok(Configured {
        checkpoint: checkpoint(&path, origin),
        model,
        type_open,
    })
}

/// What ModelOpt writes beside a `config.json` of how the weights are quantized.
fn quantization_beside(path: &Path) -> Option<PathBuf> {
    let beside = path.with_file_name("hf_quant_config.json");
    (is_config(path) && beside.is_file()).then_some(beside)
}

fn is_config(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "config.json")
}

/// Whether it has the form of a repository, `owner/name`: what else `_name_or_path` holds are
/// paths of its author's machine.
fn is_repository(origin: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '~'])
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let mut parts = origin.split('/');
    let (owner, name) = (parts.next(), parts.next());
    parts.next().is_none() && owner.is_some_and(plain) && name.is_some_and(plain)
}

/// `config.json` is named by its folder, any other file by the repository that it names, or by
/// itself.
fn name(path: &Path, origin: Option<&str>) -> String {
    let own = path.file_stem().unwrap_or_default().to_string_lossy();
    let full = path.canonicalize().unwrap_or_else(|_| path.into());
    let folder = full.parent().and_then(Path::file_name);
    let original = origin.and_then(|origin| origin.rsplit('/').next());
    match (folder, original) {
        (Some(folder), _) if own == "config" && is_regular(&full) => {
            folder.to_string_lossy().into_owned()
        }
        (_, Some(original)) => original.into(),
        _ => own.into_owned(),
    }
}

/// Whether the file is one, and no pipe, whose folder says nothing.
fn is_regular(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// What the engine's command line calls the checkpoint.
fn checkpoint(path: &Path, origin: Option<&str>) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match origin {
        Some(origin) if safetensors::first(folder).is_none() => origin.into(),
        _ if is_config(path) => folder.to_string_lossy().into_owned(),
        _ => name(path, origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_from_paths() {
        assert!(is_repository("Qwen/Qwen3-8B"));
        for path in ["", "x", "./x", "~/x", "/models/x", "a/b/c", "/x", "a b/c"] {
            assert!(!is_repository(path), "{path}");
        }
    }
}
