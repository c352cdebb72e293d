//! Why the catalogue has no answer.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Entry;
#[cfg(feature = "configs")]
use crate::quant::QuantizeError;
#[cfg(feature = "configs")]
use crate::source::hf::ConfigError;
use crate::text::{Language, UserMessage};

/// No model of this name is in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// The name asked for.
    pub name: String,
    /// Models of similar names, the most similar first.
    pub suggestions: Vec<&'static Entry>,
}

impl UserMessage for NotFound {
    fn code(&self) -> &'static str {
        "model_not_found"
    }

    fn message(&self, language: Language) -> String {
        let name = &self.name;
        match language {
            Language::Ja => format!("モデル「{name}」は内蔵カタログにありません"),
            Language::En => format!("model \"{name}\" is not in the built-in catalogue"),
        }
    }

    fn hint(&self, language: Language) -> String {
        if self.suggestions.is_empty() {
            return language
                .pick(
                    "カタログ(llm-lander modelsで一覧)から選ぶか、GGUFファイルまたはconfig.jsonを指定してください",
                    "Choose one from the catalogue (`llm-lander models` lists it), or give a GGUF file or a config.json",
                )
                .to_string();
        }
        let tags: Vec<&str> = self.suggestions.iter().map(|entry| entry.tag).collect();
        match language {
            Language::Ja => format!("もしかして: {}", tags.join("、")),
            Language::En => format!("Did you mean {}?", tags.join(", ")),
        }
    }
}

/// Why an entry cannot be made into a model.
#[cfg(feature = "configs")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryError {
    /// The entry's configuration cannot be read.
    Config(ConfigError),
    /// The weights cannot be had in the file type asked for.
    Quantize(QuantizeError),
}

#[cfg(feature = "configs")]
impl From<ConfigError> for EntryError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

#[cfg(feature = "configs")]
impl From<QuantizeError> for EntryError {
    fn from(error: QuantizeError) -> Self {
        Self::Quantize(error)
    }
}

#[cfg(feature = "configs")]
impl EntryError {
    fn inner(&self) -> &dyn UserMessage {
        match self {
            Self::Config(error) => error,
            Self::Quantize(error) => error,
        }
    }
}

#[cfg(feature = "configs")]
impl UserMessage for EntryError {
    fn code(&self) -> &'static str {
        self.inner().code()
    }

    fn message(&self, language: Language) -> String {
        self.inner().message(language)
    }

    fn hint(&self, language: Language) -> String {
        self.inner().hint(language)
    }
}
