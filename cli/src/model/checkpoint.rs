//! Models for engines that read checkpoints as they are on the Hub, not GGUF files.

use std::path::Path;

use shared::catalogue;
use shared::model::Model;
use shared::quant::{FileType, quantize};

use super::config::{self, Configured};
use super::input::Input;
use super::{Found, ModelError, SourceKind, Warning, entry, folder, name, ollama, safetensors};
use crate::arguments::ModelChoice;
use crate::backend::Reads;
use crate::failure::Failure;

/// The model of this name: of the catalogue, or a local one of Ollama's in 16 bits.
///
/// # Errors
/// Where there is none.
pub(super) fn named(given: &str, named: &name::Named) -> Result<Found, Failure> {
    match entry(given, named) {
        Ok(entry) => {
            let mut model = stored(entry.checkpoint()?, named.file_type)?;
            if given.eq_ignore_ascii_case(entry.repository) {
                model.name = entry.repository.into();
            }
            let repository = entry.repository.to_owned();
            let kind = SourceKind::Catalogue;
            Ok(Found::new(model, repository.clone(), kind, repository))
        }
        Err(unknown) => match ollama::find(given)? {
            Some(local) => of_local(local, named.file_type),
            None => Err(unknown),
        },
    }
}

/// A checkpoint with its weights in the format asked for.
///
/// # Errors
/// Where it is quantized already, which engines load as it is, and what cannot be stored so.
fn stored(checkpoint: Model, asked: Option<FileType>) -> Result<Model, Failure> {
    let Some(file_type) = asked else {
        return Ok(checkpoint);
    };
    if checkpoint.quantization.is_some() && !file_type.base().is_quantized() {
        return Err(ModelError::PackedAlready {
            name: checkpoint.name,
            format: checkpoint.weights_format,
            asked: file_type.name().into(),
        }
        .into());
    }
    Ok(quantize(&checkpoint, file_type)?)
}

/// The checkpoint that a local file of Ollama's was made of: the catalogue's, or the file's own
/// tensors in 16 bits.
///
/// # Errors
/// What cannot be stored in the format asked for.
pub(super) fn of_local(local: Found, asked: Option<FileType>) -> Result<Found, Failure> {
    if let Ok(entry) = catalogue::find(&local.model.name) {
        let mut model = stored(entry.checkpoint()?, asked)?;
        model.name = local.model.name;
        let repository = entry.repository.to_owned();
        let kind = SourceKind::Catalogue;
        return Ok(Found::new(model, repository.clone(), kind, repository));
    }
    let model = quantize(&local.model, asked.unwrap_or(FileType::Bf16))?;
    let warning = Warning::AsCheckpoint {
        name: model.name.clone(),
    };
    let mut found = Found::new(
        model,
        local.model.name,
        local.source.kind,
        local.source.location,
    );
    found.warnings.push(warning);
    Ok(found)
}

/// The model that a folder's `config.json` describes, whatever GGUF files lie beside it.
///
/// # Errors
/// Where there is none.
pub(super) fn in_folder(
    path: &Path,
    asked: Option<FileType>,
    choice: &ModelChoice,
) -> Result<Found, Failure> {
    let config_path = path.join("config.json");
    if config_path.is_file() {
        return configured(Input::open(&config_path)?, asked, choice);
    }
    match folder::gguf_files(path)?.first() {
        Some(file) => Err(ModelError::GgufNotRead { path: file.clone() }.into()),
        None => Err(ModelError::EmptyFolder {
            folder: path.into(),
        }
        .into()),
    }
}

/// The checkpoint that a configuration describes, in the type that engines load it in.
///
/// # Errors
/// Where the file is no configuration, and what cannot be stored in the format asked for.
pub(super) fn configured(
    input: Input,
    asked: Option<FileType>,
    choice: &ModelChoice,
) -> Result<Found, Failure> {
    let path = input.path().to_path_buf();
    let Configured {
        model,
        checkpoint,
        type_open,
    } = config::read(input, choice, Reads::Checkpoints)?;
    let location = path.to_string_lossy();
    let is_plain = model.quantization.is_none();
    let folder = path.parent().filter(|_| type_open && is_plain);
    let seen = folder.and_then(safetensors::float_type);
    let mut found = described(model, SourceKind::Config, &location, asked.or(seen))?;
    if type_open && is_plain && asked.or(seen).is_none() && choice.packing().is_none() {
        found.warnings.push(Warning::TypeOpen {
            source: location.into_owned(),
        });
    }
    found.launch_name = checkpoint;
    Ok(found)
}

/// A model as its source describes it.
///
/// # Errors
/// What cannot be stored in the format asked for.
pub(super) fn described(
    model: Model,
    kind: SourceKind,
    location: &str,
    asked: Option<FileType>,
) -> Result<Found, Failure> {
    let model = stored(model, asked)?;
    let launch_name = model.name.clone();
    Ok(Found::new(model, launch_name, kind, location.into()))
}
