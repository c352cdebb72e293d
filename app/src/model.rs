//! The model asked about, from the catalogue or from a file.

use std::sync::Arc;

#[cfg(feature = "whole")]
use shared::catalogue::EntryError;
use shared::catalogue::{self, Entry, NotFound};
use shared::model::Model;
use shared::quant::{FileType, QuantizeError, quantize};
#[cfg(feature = "whole")]
use shared::quant::{Packing, pack};
use shared::text::{Language, UserMessage};

use crate::catalogue::model;
use crate::state::{ModelChoice, State};

/// A model that was read from files on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The file's name; of several, the first one's.
    pub file: String,
    /// What it holds.
    pub model: Arc<Model>,
    /// Whether the weights are quantized by choice: a configuration does not say how they are
    /// stored, a GGUF file does.
    pub open_format: bool,
    /// Whether a file ends before its tensor data does: the sizes are all in the header, but the
    /// engine will not load it so.
    pub cut_short: bool,
}

/// The model with its weights in a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The model.
    pub model: Arc<Model>,
    /// What the weights can be stored in.
    pub formats: Formats,
    /// What the engine's command line calls the model.
    pub reference: String,
    /// Whether its file ends before its tensor data does.
    pub cut_short: bool,
}

/// What a model's weights can be stored in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formats {
    /// The file's own format alone.
    Fixed(String),
    /// Any; this one is chosen.
    Open(FileType),
    #[cfg(feature = "whole")]
    /// A checkpoint's: any packing, this one of which is chosen; nothing for 16 bits.
    Packed {
        /// Its name.
        chosen: String,
        /// Whether 16 bits can be chosen too.
        plain: bool,
    },
}

/// Why there is no model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelError {
    /// The catalogue has no such name.
    NotFound(NotFound),
    /// The catalogue's entry cannot be read.
    #[cfg(feature = "whole")]
    Entry(EntryError),
    /// The weights cannot be had in this format.
    Quantize(QuantizeError),
    /// No format has this name.
    UnknownFormat {
        /// The name.
        name: String,
    },
    /// The address names a file that only the machine it was read on has.
    FileNotHere {
        /// Its name.
        file: String,
    },
}

impl ModelError {
    /// Whether the format is at fault and not the model.
    #[must_use]
    pub fn is_about_format(&self) -> bool {
        matches!(self, Self::UnknownFormat { .. } | Self::Quantize(_))
    }
}

impl UserMessage for ModelError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(error) => error.code(),
            #[cfg(feature = "whole")]
            Self::Entry(error) => error.code(),
            Self::Quantize(error) => error.code(),
            Self::UnknownFormat { .. } => "unknown_format",
            Self::FileNotHere { .. } => "file_not_here",
        }
    }

    fn message(&self, language: Language) -> String {
        match (self, language) {
            (Self::NotFound(error), _) => error.message(language),
            #[cfg(feature = "whole")]
            (Self::Entry(error), _) => error.message(language),
            (Self::Quantize(error), _) => error.message(language),
            (Self::UnknownFormat { name }, Language::Ja) => {
                format!("重みの形式「{name}」は知られていません")
            }
            (Self::UnknownFormat { name }, Language::En) => {
                format!("there is no weights format “{name}”")
            }
            (Self::FileNotHere { file }, Language::Ja) => {
                format!("このリンクは手元のファイル「{file}」から作られました")
            }
            (Self::FileNotHere { file }, Language::En) => {
                format!("this link was made from a file, “{file}”, which is not part of it")
            }
        }
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::NotFound(error) => error.hint(language),
            #[cfg(feature = "whole")]
            Self::Entry(error) => error.hint(language),
            Self::Quantize(error) => error.hint(language),
            Self::UnknownFormat { .. } => language
                .pick("一覧から選び直してください", "choose one from the list")
                .into(),
            Self::FileNotHere { .. } => language
                .pick(
                    "そのファイルをここに落とすか、モデルを名前で選んでください",
                    "drop that file here, or choose a model by name",
                )
                .into(),
        }
    }
}

/// The model that was chosen, as the engine that was chosen reads it.
///
/// # Errors
/// Where there is no such model or no such format.
pub fn chosen(state: &State, loaded: Option<&Loaded>) -> Result<Chosen, ModelError> {
    #[cfg(feature = "whole")]
    if let Some(backend) = crate::engines::find(&state.backend)
        && backend.reads_checkpoints
    {
        return checkpoint(&state.model, &state.quant, backend.packing, loaded);
    }
    resolve(&state.model, &state.quant, loaded)
}

/// The model that was chosen, as its checkpoint stores it or, from 16 bits, packed as `quant` says;
/// `usual` is what an engine packs that loads no 16 bits.
///
/// # Errors
/// Where there is no such model or no such format.
#[cfg(feature = "whole")]
fn checkpoint(
    choice: &ModelChoice,
    quant: &str,
    usual: Option<&str>,
    loaded: Option<&Loaded>,
) -> Result<Chosen, ModelError> {
    let chosen = published(choice, loaded)?;
    let is_checkpoint = match choice {
        ModelChoice::Named(_) => true,
        ModelChoice::File(_) => loaded.is_some_and(|loaded| loaded.open_format),
    };
    if !is_checkpoint || chosen.model.quantization.is_some() {
        return Ok(chosen);
    }
    let asked = Packing::from_name(quant);
    // What is left of an engine that reads GGUF files says nothing here.
    if asked.is_none() && !quant.is_empty() && FileType::from_name(quant).is_none() {
        return Err(ModelError::UnknownFormat { name: quant.into() });
    }
    let packing = asked.or_else(|| usual.and_then(Packing::from_name));
    Ok(Chosen {
        formats: Formats::Packed {
            chosen: packing.map_or_else(String::new, |packing| packing.name()),
            plain: usual.is_none(),
        },
        model: match packing {
            Some(packing) => Arc::new(pack(&chosen.model, packing)),
            None => chosen.model,
        },
        reference: chosen.reference,
        cut_short: false,
    })
}

#[cfg(feature = "whole")]
fn published(choice: &ModelChoice, loaded: Option<&Loaded>) -> Result<Chosen, ModelError> {
    let ModelChoice::Named(name) = choice else {
        // A configuration leaves no format open to an engine that reads checkpoints, and a GGUF
        // file is for the engine to refuse.
        let mut loaded = loaded.cloned();
        if let Some(loaded) = &mut loaded {
            loaded.open_format = false;
        }
        let chosen = resolve(choice, "", loaded.as_ref())?;
        return Ok(Chosen {
            reference: chosen.model.name.clone(),
            ..chosen
        });
    };
    let entry = catalogue::find(name).map_err(ModelError::NotFound)?;
    let model = entry.checkpoint().map_err(ModelError::Entry)?;
    Ok(Chosen {
        formats: Formats::Fixed(model.weights_format.clone()),
        model: Arc::new(model),
        reference: entry.repository.into(),
        cut_short: false,
    })
}

/// The model that was chosen, with its weights in the format chosen.
///
/// # Errors
/// Where there is no such model or no such format.
pub fn resolve(
    choice: &ModelChoice,
    quant: &str,
    loaded: Option<&Loaded>,
) -> Result<Chosen, ModelError> {
    let asked = match quant {
        "" => None,
        // What is left of an engine that reads checkpoints says nothing here.
        #[cfg(feature = "whole")]
        name if Packing::from_name(name).is_some() && FileType::from_name(name).is_none() => None,
        name => Some(
            FileType::from_name(name)
                .ok_or_else(|| ModelError::UnknownFormat { name: name.into() })?,
        ),
    };
    match choice {
        ModelChoice::Named(name) => {
            let entry = catalogue::find(name).map_err(ModelError::NotFound)?;
            let model = model(entry, asked)
                .map(|model| model.map_err(ModelError::Quantize))
                .unwrap_or_else(|| {
                    Err(ModelError::NotFound(NotFound {
                        name: name.clone(),
                        suggestions: Vec::new(),
                    }))
                })?;
            Ok(Chosen {
                model: Arc::new(model),
                formats: Formats::Open(asked.unwrap_or(entry.file_type)),
                reference: match asked.filter(|&format| format != entry.file_type) {
                    None => entry.tag.into(),
                    Some(format) => in_format(entry, format),
                },
                cut_short: false,
            })
        }
        ModelChoice::File(file) => {
            let loaded = loaded
                .filter(|loaded| loaded.file == *file)
                .ok_or_else(|| ModelError::FileNotHere { file: file.clone() })?;
            if !loaded.open_format {
                return Ok(Chosen {
                    model: loaded.model.clone(),
                    formats: Formats::Fixed(loaded.model.weights_format.clone()),
                    reference: file.clone(),
                    cut_short: loaded.cut_short,
                });
            }
            let format = asked.unwrap_or(FileType::Q4KM);
            let model = quantize(&loaded.model, format).map_err(ModelError::Quantize)?;
            Ok(Chosen {
                reference: model.name.clone(),
                model: Arc::new(model),
                formats: Formats::Open(format),
                cut_short: false,
            })
        }
    }
}

/// What programs call an entry's file in a format other than its tag's own: the tag of Ollama's
/// library for it, or a file. The program that the page opens with has no Ollama, and goes without
/// the library's tags.
fn in_format(entry: &Entry, format: FileType) -> String {
    #[cfg(feature = "whole")]
    if let Some(tag) = entry.ollama_tag(format) {
        return tag;
    }
    let name = entry.tag.replace(':', "-");
    [&name, "-", format.name(), ".gguf"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> ModelChoice {
        ModelChoice::Named(name.into())
    }

    #[test]
    fn a_name_has_the_format_of_its_tag_or_the_one_asked_for() {
        let own = resolve(&named("qwen3:8b"), "", None).unwrap();
        assert_eq!(own.model.weights_format, "Q4_K_M");
        let asked = resolve(&named("qwen3:8b"), "q8_0", None).unwrap();
        assert_eq!(asked.formats, Formats::Open(FileType::Q8_0));
        assert!(asked.model.weights_bytes() > own.model.weights_bytes());
        // Programs are told to load what was calculated.
        let reference = |quant| resolve(&named("qwen3:8b"), quant, None).unwrap().reference;
        assert_eq!(reference(""), "qwen3:8b");
        assert_eq!(reference("Q4_K_M"), "qwen3:8b");
        assert_eq!(reference("Q8_0"), "qwen3:8b-q8_0");
        assert_eq!(reference("Q5_K_M"), "qwen3-8b-Q5_K_M.gguf");
    }

    #[test]
    fn checkpoints_are_as_published_or_packed() {
        let plain = checkpoint(&named("qwen3:8b"), "Q4_K_M", None, None).unwrap();
        assert_eq!(plain.model.weights_format, "BF16");
        let packed = |quant, usual| checkpoint(&named("qwen3:8b"), quant, usual, None);
        let nf4 = packed("nf4", None).unwrap();
        assert_eq!(nf4.model.weights_format, "nf4");
        let usual = packed("", Some("gptq-int4-g128")).unwrap();
        assert_eq!(
            usual.formats,
            Formats::Packed {
                chosen: "gptq-int4-g128".into(),
                plain: false
            }
        );
        assert!(packed("nonsense", None).unwrap_err().is_about_format());
        let kept = resolve(&named("qwen3:8b"), "nf4", None).unwrap();
        assert_eq!(kept.model.weights_format, "Q4_K_M");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let error = resolve(&named("no such model"), "", None).unwrap_err();
        assert_eq!(error.code(), "model_not_found");
        let error = resolve(&named("qwen3:8b"), "Q99", None).unwrap_err();
        assert!(error.is_about_format());
        let error = resolve(&ModelChoice::File("a.gguf".into()), "", None).unwrap_err();
        assert_eq!(error.code(), "file_not_here");
    }

    #[test]
    fn a_file_keeps_its_own_format_and_a_configuration_takes_any() {
        let model = resolve(&named("qwen3:8b"), "BF16", None).unwrap().model;
        let mut loaded = Loaded {
            file: "mine.gguf".into(),
            model: model.clone(),
            open_format: false,
            cut_short: false,
        };
        let choice = ModelChoice::File("mine.gguf".into());
        let fixed = resolve(&choice, "Q8_0", Some(&loaded)).unwrap();
        assert_eq!(fixed.model, model);
        assert_eq!(fixed.reference, "mine.gguf");
        loaded.open_format = true;
        let open = resolve(&choice, "Q8_0", Some(&loaded)).unwrap();
        assert_eq!(open.formats, Formats::Open(FileType::Q8_0));
        assert!(open.model.weights_bytes() < model.weights_bytes());
    }
}
