//! Folders with a model in them.

use std::fs;
use std::path::{Path, PathBuf};

use shared::quant::FileType;

use super::input::Input;
use super::{Found, ModelError, SourceKind, config, fixed_format, gguf, name, open_format};
use crate::arguments::ModelChoice;
use crate::backend::Reads;
use crate::failure::Failure;

/// The model in a folder: the GGUF file that is there or that was chosen, else what the
/// config.json describes.
///
/// # Errors
/// Where there is neither, several that nothing chooses between, or the file cannot be read.
pub(super) fn read(
    folder: &Path,
    file_type: Option<FileType>,
    choice: &ModelChoice,
) -> Result<Found, Failure> {
    if let Some(file) = &choice.file {
        let path = folder.join(file);
        return gguf::read(&path, &gguf::name(&path));
    }
    let files = gguf_files(folder)?;
    let config_path = folder.join("config.json");
    let wanted: Vec<&PathBuf> = files
        .iter()
        .filter(|path| match file_type {
            None => true,
            Some(file_type) => name::in_file_name(&file_name(path)) == Some(file_type),
        })
        .collect();
    match wanted.as_slice() {
        [path] => fixed_format(gguf::read(path, &gguf::name(path))?, file_type),
        [] if config_path.is_file() => open_format(
            config::read(Input::open(&config_path)?, choice, Reads::Gguf)?.model,
            SourceKind::Config,
            &config_path.to_string_lossy(),
            file_type,
        ),
        [] if files.is_empty() => Err(ModelError::EmptyFolder {
            folder: folder.into(),
        }
        .into()),
        _ => Err(ModelError::SeveralFiles {
            folder: folder.into(),
            files: files.iter().map(|path| file_name(path)).collect(),
        }
        .into()),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The GGUF files of language models, of split ones the first, in alphabetical order.
pub(super) fn gguf_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| Failure::File {
        path: folder.into(),
        error,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let further_shard = gguf::name(&path)
            != path.file_stem().unwrap_or_default().to_string_lossy()
            && !file_name(&path).contains("-00001-of-");
        // Projectors of vision models lie beside them.
        let projector = file_name(&path).to_ascii_lowercase().starts_with("mmproj");
        if gguf::has_gguf_name(&path) && !further_shard && !projector {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
