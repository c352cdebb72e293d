//! `config.json` files on this machine.

use std::path::{Path, PathBuf};

use shared::model::Model;
use shared::source::hf::{read_config, read_config_beside, read_config_conservative};

use super::ModelError;
use super::input::Input;
use crate::arguments::ModelChoice;
use crate::failure::Failure;

/// No configuration is longer: the largest known have 200 KB.
const LONGEST: u64 = 16 * 1024 * 1024;

/// The model that a configuration describes, its weights as the checkpoint stores them.
///
/// # Errors
/// Where the file cannot be read or is no configuration.
pub(super) fn read(input: Input, choice: &ModelChoice) -> Result<Model, Failure> {
    let path = input.path().to_path_buf();
    let bytes = input.read_all(LONGEST)?;
    if looks_like_safetensors(&bytes) {
        return Err(ModelError::Safetensors { path }.into());
    }
    let name = name(&path);
    let model = match quantization_beside(&path) {
        _ if choice.conservative => read_config_conservative(&bytes, &name),
        Some(beside) => {
            let quantization = Input::open(&beside)?.read_all(LONGEST)?;
            read_config_beside(&bytes, &quantization, &name)
        }
        None => read_config(&bytes, &name),
    };
    model.map_err(|error| Failure::Config { path, error })
}

/// What ModelOpt writes beside a `config.json` of how the weights are quantized.
fn quantization_beside(path: &Path) -> Option<PathBuf> {
    let is_config = path.file_name().is_some_and(|name| name == "config.json");
    let beside = path.with_file_name("hf_quant_config.json");
    (is_config && beside.is_file()).then_some(beside)
}

/// `config.json` is named by its folder, any other file by itself.
fn name(path: &Path) -> String {
    let own = path.file_stem().unwrap_or_default();
    let full = path.canonicalize().unwrap_or_else(|_| path.into());
    let folder = full.parent().and_then(Path::file_name);
    match folder {
        Some(folder) if own == "config" => folder.to_string_lossy().into_owned(),
        _ => own.to_string_lossy().into_owned(),
    }
}

/// A safetensors file starts with the length of a JSON object, and the object.
fn looks_like_safetensors(bytes: &[u8]) -> bool {
    bytes
        .first_chunk::<8>()
        .is_some_and(|length| u64::from_le_bytes(*length) < 1 << 32 && bytes.get(8) == Some(&b'{'))
}
