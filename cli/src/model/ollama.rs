//! Models that Ollama keeps on this machine, read without its server: manifests name the
//! files, and the files are GGUF.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use shared::quant::FileType;

use super::{Found, ModelError, fixed_format, gguf};
use crate::failure::Failure;

/// The layer of a manifest that is the model.
const MODEL_LAYER: &str = "application/vnd.ollama.image.model";
/// Ollama's own registry and the account that its library belongs to: left out of names.
const DEFAULT_PREFIXES: [&str; 2] = ["registry.ollama.ai/library/", "registry.ollama.ai/"];

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    #[serde(rename = "mediaType")]
    media_type: String,
    digest: String,
}

/// Every local model, in alphabetical order.
///
/// # Errors
/// Where there is none.
pub(super) fn all(file_type: Option<FileType>) -> Result<Vec<Result<Found, Failure>>, Failure> {
    let store = store();
    let mut manifests = Vec::new();
    if let Some(store) = &store {
        collect(&store.join("manifests"), 0, &mut manifests);
    }
    manifests.sort();
    let models: Vec<_> = store
        .iter()
        .flat_map(|store| {
            manifests.iter().filter_map(|path| {
                let name = name(&store.join("manifests"), path)?;
                read(store, path, &name, file_type).transpose()
            })
        })
        .collect();
    if models.is_empty() {
        return Err(ModelError::NoLocalModels { folder: store }.into());
    }
    Ok(models)
}

/// The local model of this name, where there is one.
///
/// # Errors
/// Where it is there and cannot be read.
pub(super) fn find(name: &str) -> Result<Option<Found>, Failure> {
    let Some(store) = store() else {
        return Ok(None);
    };
    let (model, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let simple = |part: &str| {
        !part.is_empty()
            && part
                .split('/')
                .all(|word| !word.is_empty() && !word.starts_with('.'))
    };
    if !simple(model) || !simple(tag) || tag.contains('/') {
        return Ok(None);
    }
    let prefix = match model.matches('/').count() {
        0 => DEFAULT_PREFIXES[0],
        1 => DEFAULT_PREFIXES[1],
        _ => "",
    };
    let path = store
        .join("manifests")
        .join(format!("{prefix}{model}"))
        .join(tag);
    if !path.is_file() {
        return Ok(None);
    }
    read(&store, &path, name, None)
}

/// The folder of Ollama's models.
fn store() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("OLLAMA_MODELS").filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    let own = env::home_dir().map(|home| home.join(".ollama").join("models"));
    // Where the installer for Linux makes Ollama a service, its user keeps the models.
    let service = PathBuf::from("/usr/share/ollama/.ollama/models");
    match own {
        Some(own) if own.join("manifests").is_dir() || !service.is_dir() => Some(own),
        _ => Some(service),
    }
}

/// Manifests lie at registry/account/model/tag.
fn collect(folder: &Path, depth: usize, manifests: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if path.is_dir() && depth < 4 {
            collect(&path, depth + 1, manifests);
        } else if path.is_file() && depth > 0 && !hidden {
            manifests.push(path);
        }
    }
}

/// The name by which Ollama knows a manifest.
fn name(manifests: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(manifests).ok()?;
    let parts: Vec<_> = relative
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let (tag, model) = parts.split_last()?;
    let model = model.join("/");
    let short = DEFAULT_PREFIXES
        .iter()
        .find_map(|prefix| model.strip_prefix(prefix))
        .unwrap_or(&model);
    Some(format!("{short}:{tag}"))
}

/// The model of a manifest; `None` where it has none (a model of the cloud, say).
fn read(
    store: &Path,
    manifest: &Path,
    name: &str,
    file_type: Option<FileType>,
) -> Result<Option<Found>, Failure> {
    let text = fs::read(manifest).map_err(|error| Failure::File {
        path: manifest.into(),
        error,
    })?;
    let parsed: Manifest = serde_json::from_slice(&text).map_err(|_| ModelError::BadManifest {
        path: manifest.into(),
    })?;
    let Some(layer) = parsed
        .layers
        .iter()
        .find(|layer| layer.media_type == MODEL_LAYER)
    else {
        return Ok(None);
    };
    let digest = layer.digest.replace(':', "-");
    if digest.contains(['/', '\\']) {
        return Err(ModelError::BadManifest {
            path: manifest.into(),
        }
        .into());
    }
    let blob = store.join("blobs").join(digest);
    let mut found = gguf::read(&blob, name)?;
    // The command line holds in any folder.
    if let Ok(path) = std::path::absolute(&blob) {
        found.launch_name = path.to_string_lossy().into_owned();
    }
    found.ollama_tag = Some(name.into());
    fixed_format(found, file_type).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_ollama_shows() {
        let manifests = Path::new("/m");
        for (path, expected) in [
            ("/m/registry.ollama.ai/library/qwen3/8b", "qwen3:8b"),
            (
                "/m/registry.ollama.ai/openbmb/minicpm-v4.5/latest",
                "openbmb/minicpm-v4.5:latest",
            ),
            (
                "/m/hf.co/unsloth/Qwen3-8B-GGUF/Q4_K_M",
                "hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M",
            ),
        ] {
            assert_eq!(name(manifests, Path::new(path)).as_deref(), Some(expected));
        }
    }
}
