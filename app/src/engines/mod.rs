//! The engines that the page offers, and their settings as fields. A new engine is a file beside
//! this one, a line in [`BACKENDS`] and its name in [`NAMES`].

#[cfg(feature = "whole")]
mod beside;
#[cfg(feature = "whole")]
mod koboldcpp;
mod llama_cpp;
#[cfg(feature = "whole")]
mod llama_cpp_python;
#[cfg(feature = "whole")]
mod lm_studio;
#[cfg(feature = "whole")]
mod ollama;
#[cfg(feature = "whole")]
mod programs;
#[cfg(feature = "whole")]
mod sglang;
#[cfg(feature = "whole")]
mod transformers;
#[cfg(feature = "whole")]
mod vllm;

use std::collections::BTreeMap;

#[cfg(feature = "whole")]
pub use self::beside::PREDICTION;
#[cfg(feature = "whole")]
pub use self::programs::in_programs;

#[cfg(feature = "whole")]
use shared::engine::Precision;
use shared::engine::llama_cpp::Additions;
use shared::engine::{Engine, EngineError};
#[cfg(feature = "whole")]
use shared::fit::Advised;
use shared::text::{Language, UserMessage};

use crate::number::{NumberError, parse_count};
use crate::question::Question;
use crate::state::{Focus, State};

/// Every engine by its name in the address and the name shown, the default first. The program that
/// the page opens with knows only the first of them, and calls the whole one for the others.
pub const NAMES: &[(&str, &str)] = &[
    ("llama.cpp", "llama.cpp"),
    ("ollama", "Ollama"),
    ("lm-studio", "LM Studio"),
    ("koboldcpp", "KoboldCpp"),
    ("llama-cpp-python", "llama-cpp-python"),
    ("vllm", "vLLM"),
    ("sglang", "SGLang"),
    ("transformers", "Transformers"),
    ("gptqmodel", "GPTQModel"),
    ("autogptq", "AutoGPTQ"),
];

/// Every engine that this program knows, the default first.
pub const BACKENDS: &[Backend] = &[
    llama_cpp::BACKEND,
    #[cfg(feature = "whole")]
    ollama::BACKEND,
    #[cfg(feature = "whole")]
    lm_studio::BACKEND,
    #[cfg(feature = "whole")]
    koboldcpp::BACKEND,
    #[cfg(feature = "whole")]
    llama_cpp_python::BACKEND,
    #[cfg(feature = "whole")]
    vllm::BACKEND,
    #[cfg(feature = "whole")]
    sglang::BACKEND,
    #[cfg(feature = "whole")]
    transformers::TRANSFORMERS,
    #[cfg(feature = "whole")]
    transformers::GPTQ_MODEL,
    #[cfg(feature = "whole")]
    transformers::AUTO_GPTQ,
];

/// Settings of what runs beside a model. The program that the page opens with calls the whole one
/// for them.
pub const BESIDE: [&str; 6] = [
    "spec-type",
    "spec-draft-n-max",
    "n-gpu-layers-draft",
    "cache-type-k-draft",
    "cache-type-v-draft",
    "no-mmproj-offload",
];

/// Whether this program can answer what is asked.
#[must_use]
pub fn answers(state: &State) -> bool {
    let asks_beside = || {
        let mut settings = state.settings.keys();
        !state.beside.is_empty() || settings.any(|name| BESIDE.contains(&name.as_str()))
    };
    find(&state.backend).is_some() && (cfg!(feature = "whole") || !asks_beside())
}

/// An engine as the page offers it.
pub struct Backend {
    /// The name in the address, as the command line's `--backend` takes it.
    pub name: &'static str,
    /// The name shown.
    pub label: &'static str,
    /// Whether it reads checkpoints as they are on the Hub, and not GGUF files.
    pub reads_checkpoints: bool,
    /// What weights in 16 bits are packed as, where it loads no such ones.
    pub packing: Option<&'static str>,
    /// The settings that people change.
    pub settings: &'static [Setting],
    /// The settings of what runs beside the model; none where the engine takes nothing so.
    #[cfg(feature = "whole")]
    pub beside: &'static [Setting],
    /// The settings that give the KV cache exact types of the engine's own, beside the
    /// precisions.
    pub cache_settings: &'static [&'static str],
    /// What can be changed to make a model fit, the mildest first.
    pub reliefs: fn(&Question, Focus, u64) -> Vec<Relief>,
    /// Searches for settings that leave room for more; `None` where the engine has none to trade.
    #[cfg(feature = "whole")]
    pub advise: Option<Advise>,
    /// The engine with these settings.
    pub build: fn(&Values<'_>) -> Result<Box<dyn Engine>, SettingError>,
}

/// A search for settings, for the answer looked at.
#[cfg(feature = "whole")]
pub type Advise = fn(&Question, Focus, &Wanted) -> Result<Option<Advised>, EngineError>;

/// What a search is for.
#[cfg(feature = "whole")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Precisions of the KV cache to choose from, the one looked at first; none to leave its
    /// types.
    pub precisions: Vec<Precision>,
    /// Whether parts of the model may move to the CPU.
    pub moves: bool,
    /// The context that is to fit.
    pub context: u64,
}

/// The backend of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Backend> {
    BACKENDS.iter().find(|backend| backend.name == name)
}

impl Backend {
    /// The setting of this name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        let settings = self.settings.iter();
        #[cfg(feature = "whole")]
        let settings = settings.chain(self.beside);
        settings.into_iter().find(|setting| setting.name == name)
    }

    /// The engine with these settings.
    ///
    /// # Errors
    /// Where a setting is not one that the engine takes.
    pub fn engine(
        &self,
        chosen: &Settings,
        beside: &Additions,
    ) -> Result<Box<dyn Engine>, SettingError> {
        (self.build)(&Values {
            backend: self,
            chosen,
            beside,
        })
    }

    /// Whether the KV cache has been given exact types.
    #[must_use]
    pub fn has_exact_cache(&self, chosen: &Settings) -> bool {
        self.cache_settings
            .iter()
            .any(|name| chosen.contains_key(*name))
    }
}

impl PartialEq for Backend {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// Settings that differ from the engine's defaults, by name, as entered.
pub type Settings = BTreeMap<String, String>;

/// A setting of an engine.
#[derive(Debug)]
pub struct Setting {
    /// The name, in the address and on the engine's command line (without dashes).
    pub name: &'static str,
    /// What can be entered.
    pub kind: Kind,
    /// The engine's default, as entered; empty for a number that may be left empty.
    pub default: &'static str,
    /// What it is, in Japanese and in English.
    pub label: (&'static str, &'static str),
    /// What it does to the answer, in Japanese and in English.
    pub help: (&'static str, &'static str),
}

/// A setting that makes a model need less memory.
#[derive(Debug)]
pub struct Relief {
    /// The setting.
    pub setting: &'static Setting,
    /// Values for it, each needing less memory than the one before it.
    pub values: Vec<String>,
}

/// What a setting takes.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number,
    /// A number with decimals, or a whole number that may be left empty: the engine decides then.
    Text,
    /// One of these values; each with its label in Japanese and in English, or its own name
    /// where they are empty.
    Choice(&'static [(&'static str, (&'static str, &'static str))]),
    /// `off`, or this.
    Switch(&'static str),
}

/// The settings while an engine is built of them.
pub struct Values<'a> {
    backend: &'a Backend,
    chosen: &'a Settings,
    #[cfg_attr(not(feature = "whole"), allow(dead_code))]
    beside: &'a Additions,
}

#[cfg(feature = "whole")]
impl Question {
    /// Its settings while an engine is built of them.
    fn values(&self) -> Values<'_> {
        Values {
            backend: self.backend,
            chosen: &self.settings,
            beside: &self.beside,
        }
    }
}

impl Values<'_> {
    /// Whether the engine has a setting of this name.
    #[must_use]
    pub fn has(&self, name: &'static str) -> bool {
        self.backend.setting(name).is_some()
    }

    /// The value as entered, or the default.
    #[must_use]
    pub fn text(&self, name: &'static str) -> &str {
        let setting = || self.backend.setting(name);
        let default = || setting().map_or("", |setting| setting.default);
        self.chosen.get(name).map_or_else(default, String::as_str)
    }

    /// A whole number.
    ///
    /// # Errors
    /// Where it is none.
    pub fn number(&self, name: &'static str) -> Result<u64, SettingError> {
        parse_count(self.text(name)).map_err(|error| SettingError::Number { name, error })
    }

    /// A whole number, or nothing.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn optional_number(&self, name: &'static str) -> Result<Option<u64>, SettingError> {
        match self.number(name) {
            Err(SettingError::Number {
                error: NumberError::Empty,
                ..
            }) => Ok(None),
            number => number.map(Some),
        }
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn is_on(&self, name: &'static str) -> bool {
        self.text(name) == "on"
    }

    /// The value that `read` makes of the text.
    ///
    /// # Errors
    /// Where it makes none of it.
    pub fn read<T>(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        let text = self.text(name);
        read(text).ok_or_else(|| {
            SettingError::Engine(EngineError::InvalidSetting {
                name,
                value: text.into(),
                expected: ("", ""),
            })
        })
    }
}

/// Why the settings make no engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingError {
    /// A number that is none.
    Number {
        /// The setting's name.
        name: &'static str,
        /// What is wrong with it.
        error: NumberError,
    },
    /// What the engine itself would refuse.
    Engine(EngineError),
}

impl SettingError {
    /// The setting at fault, where it is one alone.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Number { name, .. } => Some(name),
            Self::Engine(EngineError::InvalidSetting { name, .. }) => {
                Some(name.trim_start_matches('-'))
            }
            Self::Engine(_) => None,
        }
    }

    fn inner(&self) -> &dyn UserMessage {
        match self {
            Self::Number { error, .. } => error,
            Self::Engine(error) => error,
        }
    }
}

impl UserMessage for SettingError {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(pairs: &[(&str, &str)]) -> Settings {
        pairs
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn fields(backend: &Backend) -> impl Iterator<Item = &'static Setting> {
        backend.settings.iter().chain(backend.beside)
    }

    #[test]
    fn every_backend_works_as_it_comes() {
        for backend in BACKENDS {
            let engine = backend
                .engine(&Settings::new(), &Additions::default())
                .unwrap();
            assert_eq!(engine.name(), backend.name);
            assert_eq!(find(backend.name), Some(backend));
            for setting in fields(backend) {
                if let Kind::Choice(values) = &setting.kind {
                    assert!(
                        values.iter().any(|(value, _)| *value == setting.default),
                        "{}",
                        setting.name
                    );
                }
            }
            for name in backend.cache_settings {
                assert!(backend.setting(name).is_some(), "{name}");
            }
        }
    }

    /// What the fields open with is what the program sets by itself.
    #[test]
    fn fields_open_with_the_programs_own_settings() {
        use shared::engine::llama_cpp::profile;
        for backend in BACKENDS {
            let Some(profile) = profile::find(backend.name) else {
                continue;
            };
            let engine = backend
                .engine(&Settings::new(), &Additions::default())
                .unwrap();
            let own = profile.defaults();
            assert_eq!(
                engine.launch_command("m", 8_192),
                own.launch_command("m", 8_192)
            );
            for setting in fields(backend) {
                let option = format!("--{}", setting.name);
                let taken = profile.takes().contains(&option.as_str());
                assert!(taken || setting.name == "backend-version", "{option}");
            }
        }
    }

    #[test]
    fn settings_of_what_runs_beside_are_known_to_both_programs() {
        for backend in BACKENDS {
            for setting in backend.beside {
                assert!(BESIDE.contains(&setting.name), "{}", setting.name);
            }
        }
    }

    #[test]
    fn every_engine_is_named() {
        let known: Vec<(&str, &str)> = BACKENDS
            .iter()
            .map(|backend| (backend.name, backend.label))
            .collect();
        assert_eq!(known, NAMES);
    }

    #[test]
    fn every_choice_is_taken_by_the_engine() {
        for backend in BACKENDS {
            for setting in fields(backend) {
                let values: Vec<&str> = match &setting.kind {
                    Kind::Choice(values) => values.iter().map(|(value, _)| *value).collect(),
                    Kind::Switch(on) => vec![*on, "off"],
                    Kind::Number => vec!["1", "2k"],
                    Kind::Text => vec!["", "1"],
                };
                for value in values {
                    let chosen = chosen(&[(setting.name, value)]);
                    let result = backend.engine(&chosen, &Additions::default());
                    assert!(result.is_ok(), "{} = {value}", setting.name);
                }
            }
        }
    }

    #[test]
    fn a_wrong_number_names_its_setting() {
        let error = BACKENDS[0]
            .engine(&chosen(&[("ubatch-size", "many")]), &Additions::default())
            .err()
            .unwrap();
        assert_eq!(error.setting(), Some("ubatch-size"));
        assert_eq!(error.code(), "not_a_number");
    }
}
