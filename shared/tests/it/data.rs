//! Test data beside the tests.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use shared::model::Model;
use shared::source::gguf;

/// The path of a file under `tests/data`.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(relative)
}

/// The bytes of a gzip-compressed file under `tests/data`.
pub fn gunzip(relative: &str) -> Vec<u8> {
    let path = path(relative);
    let compressed = std::fs::read(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(compressed.as_slice())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// The GGUF header of a measured model; `None` where only its cases are kept.
pub fn header(model: &str, file_type: &str) -> Option<Vec<u8>> {
    let name = format!("llama_cpp/headers/{model}-{file_type}.gguf.gz");
    path(&name).exists().then(|| gunzip(&name))
}

/// The model of a measured header, read once.
pub fn model(model: &str, file_type: &str) -> Option<&'static Model> {
    static MODELS: Mutex<Option<HashMap<String, Option<&'static Model>>>> = Mutex::new(None);
    let name = format!("{model}-{file_type}");
    let mut models = MODELS.lock().unwrap();
    *models
        .get_or_insert_default()
        .entry(name.clone())
        .or_insert_with(|| {
            let bytes = header(model, file_type)?;
            let header =
                gguf::read_header(&bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let model = gguf::read_model(&header, &name);
            Some(Box::leak(Box::new(
                model.unwrap_or_else(|error| panic!("{name}: {error:?}")),
            )))
        })
}
