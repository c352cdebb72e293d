//! Files that hold a model: what is made of their headers, and what can be wrong with them.

use std::sync::Arc;

use shared::model::Model;
use shared::source::gguf::{GgufError, Header, Value, read_model};
use shared::source::hf::{ConfigError, read_config, read_config_conservative};
use shared::text::{Language, UserMessage};

use crate::beside::Slot;
use crate::model::Loaded;

/// The largest configuration that is read: a thousand times the usual.
pub const LARGEST_CONFIG: u64 = 4 << 20;

/// The header of a GGUF file.
#[derive(Debug, Clone, PartialEq)]
pub struct HeaderFile {
    /// The file's name.
    pub file: String,
    /// Its header.
    pub header: Header,
    /// Bytes of the whole file.
    pub length: u64,
}

/// Why files make no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// A GGUF file.
    Gguf {
        /// Its name.
        file: String,
        /// What is wrong with it.
        error: GgufError,
    },
    /// A configuration.
    Config {
        /// Its name.
        file: String,
        /// What is wrong with it.
        error: ConfigError,
        /// A bound from above, where the rules of its model type are not known.
        bound: Option<Arc<Loaded>>,
    },
    /// Neither of the two.
    UnknownKind {
        /// Its name.
        file: String,
    },
    /// A configuration that is far too large.
    TooLarge {
        /// Its name.
        file: String,
    },
    /// The browser could not read it.
    Unreadable {
        /// Its name.
        file: String,
    },
}

/// What a file is, going by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A model in GGUF.
    Gguf,
    /// A configuration.
    Config,
}

/// What the file of this name is.
///
/// # Errors
/// Where it is neither.
pub fn kind(file: &str) -> Result<Kind, FileError> {
    let name = file.to_lowercase();
    if name.ends_with(".gguf") {
        Ok(Kind::Gguf)
    } else if name.ends_with(".json") {
        Ok(Kind::Config)
    } else {
        Err(FileError::UnknownKind { file: file.into() })
    }
}

/// What a GGUF file is loaded beside a model as; `None` for a model.
#[must_use]
pub fn role(header: &Header) -> Option<Slot> {
    let kind = header.metadata.get("general.type").and_then(Value::as_str);
    if kind == Some("adapter") {
        return Some(Slot::Adapters);
    }
    (header.architecture() == Ok("clip")).then_some(Slot::Projector)
}

/// Reads a file that is loaded beside a model.
///
/// # Errors
/// Where it is something else.
pub fn beside<T>(
    file: &HeaderFile,
    read: fn(&Header) -> Result<T, GgufError>,
) -> Result<(String, Arc<T>), FileError> {
    match read(&file.header) {
        Ok(read) => Ok((file.file.clone(), Arc::new(read))),
        Err(error) => Err(FileError::Gguf {
            file: file.file.clone(),
            error,
        }),
    }
}

/// The model of one GGUF file or of all shards of a split one, in any order.
///
/// # Errors
/// Where they hold no language model, or not all of one.
pub fn from_headers(mut files: Vec<HeaderFile>) -> Result<Loaded, FileError> {
    files.sort_by_key(|file| file.header.split().map_or(0, |split| split.index));
    let cut_short = files
        .iter()
        .any(|file| file.length < file.header.file_length());
    let mut files = files.into_iter();
    let Some(first) = files.next() else {
        return Err(FileError::UnknownKind {
            file: String::new(),
        });
    };
    let name = first.file;
    let wrong = |error| FileError::Gguf {
        file: name.clone(),
        error,
    };
    let rest = files.map(|file| file.header).collect();
    let header = first.header.join_splits(rest).map_err(wrong)?;
    let model = read_model(&header, stem(&name)).map_err(wrong)?;
    Ok(Loaded {
        file: name,
        model: Arc::new(model),
        open_format: false,
        cut_short,
    })
}

/// The model that a `config.json` describes.
///
/// # Errors
/// Where it describes none that is known.
pub fn from_config(file: &str, bytes: &[u8]) -> Result<Loaded, FileError> {
    let name = stem(file);
    let loaded = |model: Model| Loaded {
        file: file.into(),
        model: Arc::new(model),
        open_format: true,
        cut_short: false,
    };
    read_config(bytes, name)
        .map(loaded)
        .map_err(|error| FileError::Config {
            file: file.into(),
            bound: match error {
                ConfigError::UnknownModelType { .. } => read_config_conservative(bytes, name).ok(),
                _ => None,
            }
            .map(|model| Arc::new(loaded(model))),
            error,
        })
}

/// The name without its ending, and without the number of a shard.
fn stem(file: &str) -> &str {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let Some((name, number)) = stem.split_once("-00001-of-") else {
        return stem;
    };
    if number.bytes().all(|digit| digit.is_ascii_digit()) {
        name
    } else {
        stem
    }
}

impl FileError {
    /// A model that bounds the file's from above, where its rules are not known.
    #[must_use]
    pub fn bound(&self) -> Option<&Arc<Loaded>> {
        match self {
            Self::Config { bound, .. } => bound.as_ref(),
            _ => None,
        }
    }
}

impl UserMessage for FileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Gguf { error, .. } => error.code(),
            Self::Config { error, .. } => error.code(),
            Self::UnknownKind { .. } => "unknown_file",
            Self::TooLarge { .. } => "file_too_large",
            Self::Unreadable { .. } => "file_unreadable",
        }
    }

    fn message(&self, language: Language) -> String {
        let (file, words) = match self {
            Self::Gguf { file, error } => (file, error.message(language)),
            Self::Config { file, error, .. } => (file, error.message(language)),
            Self::UnknownKind { file } => (
                file,
                language
                    .pick(
                        ".gguf でも config.json でもありません",
                        "neither a .gguf nor a config.json",
                    )
                    .into(),
            ),
            Self::TooLarge { file } => (
                file,
                language
                    .pick(
                        "config.json にしては大きすぎます",
                        "far too large for a config.json",
                    )
                    .into(),
            ),
            Self::Unreadable { file } => (
                file,
                language
                    .pick("ブラウザーが読み取れません", "the browser cannot read it")
                    .into(),
            ),
        };
        format!("{file}: {words}")
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::Gguf { error, .. } => error.hint(language),
            Self::Config { error, .. } => error.hint(language),
            Self::UnknownKind { .. } | Self::TooLarge { .. } => language
                .pick(
                    ".gguf(分割されていればすべて)か、Hugging Face の config.json を選んでください",
                    "choose a .gguf (all parts of a split one) or the config.json of a Hugging Face repository",
                )
                .into(),
            Self::Unreadable { .. } => language
                .pick(
                    "ファイルが移動されていないか、読み取りが許可されているか確かめてください",
                    "see whether the file was moved and may be read",
                )
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::model::Geometry;

    #[test]
    fn files_go_by_their_names() {
        assert_eq!(kind("a.GGUF"), Ok(Kind::Gguf));
        assert_eq!(kind("config.json"), Ok(Kind::Config));
        assert_eq!(kind("a.safetensors").unwrap_err().code(), "unknown_file");
        assert_eq!(stem("Qwen3-8B.Q4_K_M.gguf"), "Qwen3-8B.Q4_K_M");
        assert_eq!(stem("big-00001-of-00003.gguf"), "big");
        assert_eq!(stem("config"), "config");
    }

    #[test]
    fn an_unknown_model_type_is_refused_with_a_bound_to_hand() {
        let config = br#"{"model_type":"of_2030","hidden_size":4096,"num_hidden_layers":32,
            "num_attention_heads":32,"num_key_value_heads":8,"intermediate_size":14336,
            "vocab_size":128256,"max_position_embeddings":32768}"#;
        let error = from_config("config.json", config).unwrap_err();
        assert!(error.message(Language::Ja).contains("of_2030"));
        let bound = error.bound().unwrap();
        assert_eq!(bound.model.geometry, Geometry::Conservative);
        assert_eq!(bound.model.layers.len(), 32);
        let broken = from_config("config.json", b"{").unwrap_err();
        assert!(broken.bound().is_none());
    }

    #[test]
    fn what_is_wrong_names_the_file() {
        let error = from_config("config.json", b"{").unwrap_err();
        assert!(error.message(Language::En).starts_with("config.json: "));
        assert_eq!(error.code(), "config_not_json");
        assert!(!error.hint(Language::Ja).is_empty());
    }
}
