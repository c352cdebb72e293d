//! Everything that keeps a command from answering, as a person is told it.

use std::io;
use std::path::PathBuf;

use shared::catalogue::{EntryError, NotFound};
use shared::engine::EngineError;
use shared::gpu::{CardError, ProbeProblem};
use shared::quant::QuantizeError;
use shared::source::gguf::GgufError;
use shared::source::hf::ConfigError;
use shared::source::manual::ManualError;
use shared::text::{Language, UserMessage};

use crate::arguments::UsageError;
use crate::model::ModelError;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is not understood.
    Usage(UsageError),
    /// The model cannot be found or read.
    Model(ModelError),
    /// A file or folder cannot be read.
    File { path: PathBuf, error: io::Error },
    /// A GGUF header cannot be read.
    Gguf { path: PathBuf, error: GgufError },
    /// A `config.json` cannot be read.
    Config { path: PathBuf, error: ConfigError },
    /// No model has this name.
    NotFound(NotFound),
    /// A catalogue entry cannot be made into a model.
    Entry(EntryError),
    /// Numbers that make no model.
    Manual(ManualError),
    /// The weights cannot be had in the format asked for.
    Quantize(QuantizeError),
    /// The engine refuses.
    Engine(EngineError),
    /// The catalogue of cards has no answer.
    Card(CardError),
    /// The GPUs cannot be read.
    Gpu(ProbeProblem),
    /// Nobody reads what is written any more.
    Output(io::Error),
}

impl Failure {
    /// The exit status of the contract.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Gpu(_) => 3,
            _ => 2,
        }
    }

    /// The error itself, where it needs nothing added.
    fn plain(&self) -> Option<&dyn UserMessage> {
        Some(match self {
            Self::Usage(error) => error,
            Self::Model(error) => error,
            Self::Gguf { error, .. } => error,
            Self::Config { error, .. } => error,
            Self::NotFound(error) => error,
            Self::Entry(error) => error,
            Self::Manual(error) => error,
            Self::Quantize(error) => error,
            Self::Engine(error) => error,
            Self::Card(error) => error,
            Self::Gpu(problem) => problem,
            Self::File { .. } | Self::Output(_) => return None,
        })
    }
}

impl UserMessage for Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::File { error, .. } => match error.kind() {
                io::ErrorKind::NotFound => "file_not_found",
                io::ErrorKind::PermissionDenied => "file_permission",
                _ => "file_unreadable",
            },
            Self::Output(_) => "output",
            other => other.plain().map_or("unknown", UserMessage::code),
        }
    }

    fn message(&self, language: Language) -> String {
        match self {
            Self::File { path, error } => {
                let path = path.display();
                match (error.kind(), language) {
                    (io::ErrorKind::NotFound, Language::Ja) => format!("「{path}」がありません"),
                    (io::ErrorKind::NotFound, Language::En) => format!("“{path}” does not exist"),
                    (io::ErrorKind::PermissionDenied, Language::Ja) => {
                        format!("「{path}」を読む権限がありません")
                    }
                    (io::ErrorKind::PermissionDenied, Language::En) => {
                        format!("no permission to read “{path}”")
                    }
                    (_, Language::Ja) => format!("「{path}」を読めません({error})"),
                    (_, Language::En) => format!("cannot read “{path}” ({error})"),
                }
            }
            Self::Gguf { path, error } => {
                format!("{}: {}", path.display(), error.message(language))
            }
            Self::Config { path, error } => {
                format!("{}: {}", path.display(), error.message(language))
            }
            Self::Output(error) => match language {
                Language::Ja => format!("結果を書き出せません({error})"),
                Language::En => format!("cannot write the answer ({error})"),
            },
            other => other
                .plain()
                .map_or_else(String::new, |error| error.message(language)),
        }
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::File { error, .. } => match error.kind() {
                io::ErrorKind::NotFound => language.pick(
                    "パスの綴りと、今いるフォルダーを確かめてください",
                    "check the spelling of the path and the folder you are in",
                ),
                io::ErrorKind::PermissionDenied => language.pick(
                    "ファイルの権限を変えるか、読めるユーザーで実行してください",
                    "change the file's permissions, or run as a user who may read it",
                ),
                _ => language.pick(
                    "モデルの GGUF ファイル、config.json、またはそれらのあるフォルダーを指定してください",
                    "give a GGUF file, a config.json, or a folder that holds one",
                ),
            }
            .into(),
            Self::Config {
                error: ConfigError::UnknownModelType { .. },
                ..
            } => language
                .pick(
                    "GGUF ファイルがあればそれを、なければ --conservative を付けて控えめな(多めの)見積もりを使ってください",
                    "give a GGUF file of the model, or add --conservative for a bound that does not under-estimate",
                )
                .into(),
            Self::Gpu(problem) => match language {
                Language::Ja => format!(
                    "--free-vram-mb か --gpu で指定すれば GPU なしでも計算できます。{}",
                    problem.hint(language)
                ),
                Language::En => format!(
                    "give --free-vram-mb or --gpu to calculate without a reading; {}",
                    problem.hint(language)
                ),
            },
            Self::Output(_) => language
                .pick(
                    "出力先の空き容量と権限を確かめてください",
                    "check the space and the permissions where the output goes",
                )
                .into(),
            other => other
                .plain()
                .map_or_else(String::new, |error| error.hint(language)),
        }
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

from!(
    UsageError => Usage,
    ModelError => Model,
    NotFound => NotFound,
    EntryError => Entry,
    ManualError => Manual,
    QuantizeError => Quantize,
    EngineError => Engine,
    CardError => Card,
    ProbeProblem => Gpu,
    io::Error => Output
);
