//! Files, read in pieces, and only their headers.

use std::sync::Arc;

use crate::reactive::*;
use js_sys::Uint8Array;
use shared::source::gguf::{HeaderReader, Progress, read_adapter, read_projector};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use crate::beside::Slot;
use crate::engines;
use crate::file::{
    FileError, HeaderFile, Kind, LARGEST_CONFIG, beside, from_config, from_headers, kind, role,
};
use crate::model::Loaded;
use crate::store::{Reading, Store};

/// Bytes read at once.
const PIECE: u64 = 1 << 20;

/// Reads the headers of these files and asks about their model. What is loaded beside a model
/// goes to its place.
pub(super) fn read(store: Store, files: Vec<File>) {
    let backend = store.state.with_untracked(|state| state.backend.clone());
    let takes_beside = engines::find(&backend).is_some_and(|backend| !backend.beside.is_empty());
    spawn_local(async move {
        let mut beside = Vec::new();
        let model = model(&files, takes_beside.then_some(&mut beside)).await;
        for (slot, file) in &beside {
            take(store, *slot, file);
        }
        match model {
            Ok(Some(loaded)) => store.take_model(Arc::new(loaded)),
            Ok(None) => store.set_reading(Reading::Idle),
            Err(error) => store.set_reading(failed(error)),
        }
    });
}

/// Reads the headers of these files into a place of what runs beside the model.
pub(super) fn read_beside(store: Store, slot: Slot, files: Vec<File>) {
    store.set_beside_reading(slot, Reading::Busy);
    spawn_local(async move {
        if slot == Slot::Draft {
            match model(&files, None).await {
                Ok(Some(loaded)) => store.take_draft(Arc::new(loaded)),
                Ok(None) => store.set_beside_reading(slot, Reading::Idle),
                Err(error) => store.set_beside_reading(slot, failed(error)),
            }
            return;
        }
        for file in &files {
            let read = match kind(&file.name()) {
                Ok(Kind::Gguf) => header(file).await,
                Ok(Kind::Config) => Err(FileError::UnknownKind { file: file.name() }),
                Err(error) => Err(error),
            };
            match read {
                Ok(file) => take(store, slot, &file),
                Err(error) => {
                    store.set_beside_reading(slot, failed(error));
                    return;
                }
            }
        }
    });
}

/// Takes what a file holds into its place.
fn take(store: Store, slot: Slot, file: &HeaderFile) {
    let taken = match slot {
        Slot::Adapters => beside(file, read_adapter).map(|adapter| store.take_adapter(adapter)),
        Slot::Projector | Slot::Draft => {
            beside(file, read_projector).map(|projector| store.take_projector(projector))
        }
    };
    if let Err(error) = taken {
        store.set_beside_reading(slot, failed(error));
    }
}

fn failed(error: FileError) -> Reading {
    Reading::Failed {
        bound: error.bound().cloned(),
        error: Arc::new(error),
    }
}

/// The model in these files; those of `beside` are put there, and where nothing else is left
/// there is no model.
async fn model(
    files: &[File],
    mut beside: Option<&mut Vec<(Slot, HeaderFile)>>,
) -> Result<Option<Loaded>, FileError> {
    let mut headers = Vec::new();
    for file in files {
        match kind(&file.name())? {
            Kind::Gguf => {
                let file = header(file).await?;
                match (role(&file.header), beside.as_deref_mut()) {
                    (Some(slot), Some(beside)) => beside.push((slot, file)),
                    _ => headers.push(file),
                }
            }
            Kind::Config => {
                let name = file.name();
                if length(file) > LARGEST_CONFIG {
                    return Err(FileError::TooLarge { file: name });
                }
                let bytes = bytes(file, file).await?;
                return from_config(&name, &bytes).map(Some);
            }
        }
    }
    if headers.is_empty() && beside.is_some_and(|beside| !beside.is_empty()) {
        return Ok(None);
    }
    from_headers(headers).map(Some)
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
