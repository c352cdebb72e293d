//! Files, read in pieces, and only their headers.

use std::sync::Arc;

use js_sys::Uint8Array;
use leptos::task::spawn_local;
use shared::source::gguf::{HeaderReader, Progress};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use crate::file::{FileError, HeaderFile, Kind, LARGEST_CONFIG, from_config, from_headers, kind};
use crate::model::Loaded;
use crate::store::{Reading, Store};

/// Bytes read at once.
const PIECE: u64 = 1 << 20;

/// Reads the headers of these files and asks about their model.
pub(super) fn read(store: Store, files: Vec<File>) {
    spawn_local(async move {
        match model(&files).await {
            Ok(loaded) => store.take_model(Arc::new(loaded)),
            Err(error) => store.set_reading(Reading::Failed {
                bound: error.bound().cloned(),
                error: Arc::new(error),
            }),
        }
    });
}

async fn model(files: &[File]) -> Result<Loaded, FileError> {
    let mut headers = Vec::new();
    for file in files {
        match kind(&file.name())? {
            Kind::Gguf => headers.push(header(file).await?),
            Kind::Config => {
                let name = file.name();
                if length(file) > LARGEST_CONFIG {
                    return Err(FileError::TooLarge { file: name });
                }
                let bytes = bytes(file, file).await?;
                return from_config(&name, &bytes);
            }
        }
    }
    from_headers(headers)
}

async fn header(file: &File) -> Result<HeaderFile, FileError> {
    let wrong = |error| FileError::Gguf {
        file: file.name(),
        error,
    };
    let length = length(file);
    let mut reader = HeaderReader::new();
    loop {
        let from = reader.position();
        if from >= length {
            break;
        }
        reader.skip_to_position();
        let to = from.saturating_add(PIECE).min(length);
        let piece = bytes(file, &slice(file, from, to)?).await?;
        if piece.is_empty() || reader.feed(&piece).map_err(wrong)? == Progress::Complete {
            break;
        }
    }
    Ok(HeaderFile {
        file: file.name(),
        header: reader.finish().map_err(wrong)?,
        length,
    })
}

/// Whole numbers up to 2^53, as JavaScript has them.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]
mod whole {
    pub(super) fn from_js(number: f64) -> u64 {
        number.max(0.0) as u64
    }

    pub(super) fn to_js(number: u64) -> f64 {
        number as f64
    }
}

fn length(blob: &Blob) -> u64 {
    whole::from_js(blob.size())
}

fn slice(file: &File, from: u64, to: u64) -> Result<Blob, FileError> {
    file.slice_with_f64_and_f64(whole::to_js(from), whole::to_js(to))
        .map_err(|_| FileError::Unreadable { file: file.name() })
}

async fn bytes(file: &File, blob: &Blob) -> Result<Vec<u8>, FileError> {
    match JsFuture::from(blob.array_buffer()).await {
        Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        Err(_) => Err(FileError::Unreadable { file: file.name() }),
    }
}
