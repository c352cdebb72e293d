//! What is wrong with a command line.

use std::error::Error;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use shared::text::{Language, UserMessage};

use super::value::Expected;

/// What is wrong with a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// There is no such option.
    UnknownOption {
        option: String,
        similar: Option<String>,
    },
    /// A negative number where none can be.
    Negative { number: String },
    /// An option of other commands.
    OptionOfOtherCommand { option: String, command: String },
    /// A word that no place is left for.
    UnexpectedWord { word: String },
    /// An option's value is not what it takes.
    InvalidValue {
        option: String,
        value: String,
        expected: Expected,
    },
    /// An option without its value.
    MissingValue { option: String },
    /// An option without which the command has no question.
    MissingOption { option: String },
    /// Two options that exclude each other.
    Conflict { option: String, other: String },
    /// An option that may be given once.
    Repeated { option: String },
    /// Options of a command before its name.
    OptionsBeforeCommand { command: String },
    /// An argument that is no text.
    NotText,
    /// What clap says of any other error.
    Other { text: String },
    /// A command that needs a model.
    NoModel { command: &'static str },
    /// There is no such engine.
    UnknownBackend { name: String, known: String },
    /// A version whose rules are not known.
    UnknownVersion { version: String, known: String },
    /// An option of another engine.
    OptionOfOtherBackend {
        option: &'static str,
        backend: &'static str,
    },
    /// A regular expression that is none.
    BadPattern { pattern: String, reason: String },
    /// `--mmproj auto` for a model of which no projector is known.
    NoOwnProjector { model: String },
    /// An engine without settings that trade anything for memory.
    NoAdvice { backend: &'static str },
    /// More tokens than the engine counts.
    ContextTooLong {
        context: u64,
        limit: u64,
        /// What stretches RoPE, where the limit is the context that the model was trained for.
        stretch: Option<String>,
    },
    /// As many free amounts as cards are needed, or one card for all.
    DeviceCount { amounts: usize, cards: usize },
    /// No GPU has this number.
    NoSuchGpu { index: u32, known: String },
}

impl From<&clap::Error> for UsageError {
    fn from(error: &clap::Error) -> Self {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            Some(ContextValue::Strings(texts)) => texts.first().cloned(),
            _ => None,
        };
        // clap names an option with its value, `--kv <P>`.
        let name = |kind| {
            let named = text(kind)?;
            named.split(' ').next().map(str::to_owned)
        };
        let option = name(ContextKind::InvalidArg).unwrap_or_default();
        match error.kind() {
            ErrorKind::UnknownArgument if is_negative(&option) => Self::Negative { number: option },
            ErrorKind::UnknownArgument if option.starts_with('-') => Self::UnknownOption {
                option,
                similar: text(ContextKind::SuggestedArg),
            },
            ErrorKind::UnknownArgument => Self::UnexpectedWord { word: option },
            ErrorKind::InvalidSubcommand => Self::UnexpectedWord {
                word: text(ContextKind::InvalidSubcommand).unwrap_or_default(),
            },
            ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
                let value = text(ContextKind::InvalidValue).unwrap_or_default();
                if value.is_empty() && error.source().is_none() {
                    return Self::MissingValue { option };
                }
                let typed = error
                    .source()
                    .and_then(|source| source.downcast_ref::<Expected>());
                let expected =
                    typed
                        .cloned()
                        .or_else(|| match error.get(ContextKind::ValidValue) {
                            Some(ContextValue::Strings(names)) => {
                                Some(Expected::OneOf(names.join(", ")))
                            }
                            _ => None,
                        });
                match expected {
                    Some(expected) => Self::InvalidValue {
                        option,
                        value,
                        expected,
                    },
                    None => Self::other(error),
                }
            }
            ErrorKind::NoEquals | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
                Self::MissingValue { option }
            }
            ErrorKind::MissingRequiredArgument => Self::MissingOption { option },
            ErrorKind::ArgumentConflict => match name(ContextKind::PriorArg) {
                Some(other) if other != option => Self::Conflict { option, other },
                _ => Self::Repeated { option },
            },
            ErrorKind::InvalidUtf8 => Self::NotText,
            _ => Self::other(error),
        }
    }
}

/// Whether what was taken for an option is a number.
fn is_negative(option: &str) -> bool {
    option
        .strip_prefix('-')
        .is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

impl UsageError {
    /// The same with what is known of `command`, which did not take it.
    pub(super) fn of_command(self, command: &str, is_option: impl Fn(&str) -> bool) -> Self {
        match self {
            Self::UnknownOption { option, .. } if is_option(&option) => {
                Self::OptionOfOtherCommand {
                    option,
                    command: command.into(),
                }
            }
            other => other,
        }
    }

    fn other(error: &clap::Error) -> Self {
        let rendered = error.render().to_string();
        let first = rendered.lines().next().unwrap_or_default();
        Self::Other {
            text: first.trim_start_matches("error: ").into(),
        }
    }
}

impl UserMessage for UsageError {
    fn code(&self) -> &'static str {
        match self {
            Self::UnknownOption { .. } => "unknown_option",
            Self::Negative { .. } => "negative_number",
            Self::OptionOfOtherCommand { .. } => "option_of_other_command",
            Self::UnexpectedWord { .. } => "unexpected_word",
            Self::InvalidValue { .. } => "invalid_value",
            Self::MissingValue { .. } => "missing_value",
            Self::MissingOption { .. } => "missing_option",
            Self::Conflict { .. } => "conflicting_options",
            Self::Repeated { .. } => "repeated_option",
            Self::OptionsBeforeCommand { .. } => "options_before_command",
            Self::NotText => "not_text",
            Self::Other { .. } => "usage",
            Self::NoModel { .. } => "no_model",
            Self::UnknownBackend { .. } => "unknown_backend",
            Self::UnknownVersion { .. } => "unknown_backend_version",
            Self::OptionOfOtherBackend { .. } => "option_of_other_backend",
            Self::BadPattern { .. } => "bad_pattern",
            Self::NoOwnProjector { .. } => "no_own_projector",
            Self::NoAdvice { .. } => "no_advice",
            Self::ContextTooLong { .. } => "context_too_long",
            Self::DeviceCount { .. } => "device_count",
            Self::NoSuchGpu { .. } => "no_such_gpu",
        }
    }

    fn message(&self, language: Language) -> String {
        match language {
            Language::Ja => self.message_ja(),
            Language::En => self.message_en(),
        }
    }

    fn hint(&self, language: Language) -> String {
        match language {
            Language::Ja => self.hint_ja(),
            Language::En => self.hint_en(),
        }
    }
}

impl UsageError {
    fn message_ja(&self) -> String {
        match self {
            Self::UnknownOption { option, .. } => format!("{option} というオプションはありません"),
            Self::Negative { number } => {
                format!("「{number}」で始まる値は使えません(負の数は指定できません)")
            }
            Self::OptionOfOtherCommand { option, command } => {
                format!("{command} に {option} は使えません")
            }
            Self::UnexpectedWord { word } => format!("「{word}」の意味が分かりません"),
            Self::InvalidValue { option, value, .. } => {
                format!("{option} に「{value}」は使えません")
            }
            Self::MissingValue { option } => format!("{option} に値がありません"),
            Self::MissingOption { option } => format!("{option} が必要です"),
            Self::Conflict { option, other } => {
                format!("{option} と {other} は同時に指定できません")
            }
            Self::Repeated { option } => format!("{option} が 2 回以上指定されています"),
            Self::OptionsBeforeCommand { command } => {
                format!("コマンド {command} の前にモデルやオプションがあります")
            }
            Self::NotText => "文字として読めない(UTF-8 でない)引数があります".into(),
            Self::Other { text } => text.clone(),
            Self::NoModel { command } => format!("{command} の対象とするモデルがありません"),
            Self::UnknownBackend { name, .. } => format!("「{name}」というエンジンはありません"),
            Self::UnknownVersion { version, .. } => {
                format!("バージョン「{version}」の規則は分かりません")
            }
            Self::OptionOfOtherBackend { option, backend } => {
                format!("{option} は {backend} のオプションです")
            }
            Self::BadPattern { pattern, reason } => {
                format!("「{pattern}」は正規表現ではありません({reason})")
            }
            Self::NoOwnProjector { model } => {
                format!("「{model}」からは、画像や音声のプロジェクターのことが分かりません")
            }
            Self::NoAdvice { backend } => format!("{backend} では助言できません"),
            Self::ContextTooLong { context, limit, .. } => {
                format!("コンテキスト {context} はエンジンの上限 {limit} を超えています")
            }
            Self::DeviceCount { amounts, cards } => {
                format!("--free-vram-mb が {amounts} 個、--gpu が {cards} 個で、数が合いません")
            }
            Self::NoSuchGpu { index, .. } => format!("番号 {index} の GPU はありません"),
        }
    }

    fn message_en(&self) -> String {
        match self {
            Self::UnknownOption { option, .. } => format!("there is no option {option}"),
            Self::Negative { number } => {
                format!(
                    "a value that begins with “{number}” is not taken: nothing here is negative"
                )
            }
            Self::OptionOfOtherCommand { option, command } => {
                format!("{command} does not take {option}")
            }
            Self::UnexpectedWord { word } => format!("“{word}” is not understood here"),
            Self::InvalidValue { option, value, .. } => {
                format!("{option} does not take “{value}”")
            }
            Self::MissingValue { option } => format!("{option} lacks its value"),
            Self::MissingOption { option } => format!("{option} is needed"),
            Self::Conflict { option, other } => {
                format!("{option} and {other} exclude each other")
            }
            Self::Repeated { option } => format!("{option} is given more than once"),
            Self::OptionsBeforeCommand { command } => {
                format!("a model or options stand before the command {command}")
            }
            Self::NotText => "an argument is not text (UTF-8)".into(),
            Self::Other { text } => text.clone(),
            Self::NoModel { command } => format!("{command} needs a model"),
            Self::UnknownBackend { name, .. } => format!("there is no backend “{name}”"),
            Self::UnknownVersion { version, .. } => {
                format!("the rules of version “{version}” are not known")
            }
            Self::OptionOfOtherBackend { option, backend } => {
                format!("{option} is an option of {backend}")
            }
            Self::BadPattern { pattern, reason } => {
                format!("“{pattern}” is not a regular expression ({reason})")
            }
            Self::NoOwnProjector { model } => {
                format!("“{model}” tells of no projector for images or sound")
            }
            Self::NoAdvice { backend } => format!("there is no advice for {backend}"),
            Self::ContextTooLong { context, limit, .. } => {
                format!("a context of {context} is beyond the engine's limit of {limit}")
            }
            Self::DeviceCount { amounts, cards } => {
                format!("{amounts} amounts in --free-vram-mb do not match {cards} cards in --gpu")
            }
            Self::NoSuchGpu { index, .. } => format!("no GPU has the number {index}"),
        }
    }

    fn hint_ja(&self) -> String {
        match self {
            Self::UnknownOption {
                similar: Some(similar),
                ..
            } => format!("もしかして: {similar}"),
            Self::UnknownOption { .. } | Self::UnexpectedWord { .. } | Self::Other { .. } => {
                "使い方は llm-lander --help で見られます。空白を含む名前は引用符で囲んでください"
                    .into()
            }
            Self::Negative { .. } => "0 以上の数を指定してください".into(),
            Self::OptionOfOtherCommand { option, command } => {
                format!(
                    "{option} を外してください。{command} のオプションは llm-lander {command} --help で見られます"
                )
            }
            Self::InvalidValue { expected, .. } => expected.phrase(Language::Ja),
            Self::NotText => "パスを UTF-8 で書ける名前に変えてください".into(),
            Self::MissingValue { option } | Self::MissingOption { option } => {
                format!("{option} を値とともに指定してください")
            }
            Self::Conflict { .. } | Self::Repeated { .. } => "どれか 1 つにしてください".into(),
            Self::OptionsBeforeCommand { command } => {
                format!("llm-lander {command} の後に書いてください")
            }
            Self::NoModel { command } => {
                format!("例: llm-lander {command} qwen3:8b(名前の一覧は llm-lander models)")
            }
            Self::UnknownBackend { known, .. } | Self::UnknownVersion { known, .. } => {
                format!("使える値: {known}")
            }
            Self::OptionOfOtherBackend { backend, .. } => {
                format!("このオプションを外すか、--backend {backend} を指定してください")
            }
            Self::BadPattern { .. } => {
                "記号そのものを表すには \\ を前に付けてください(例: blk\\.0\\.)".into()
            }
            Self::NoOwnProjector { .. } => {
                "--mmproj に、モデルとともに配布される mmproj-….gguf を指定してください".into()
            }
            Self::NoAdvice { .. } => "--backend llama.cpp で試してください".into(),
            Self::ContextTooLong {
                limit,
                stretch: Some(stretch),
                ..
            } => format!(
                "モデルの学習時の上限 {limit} 以下にするか、config.json に RoPE の拡張を書いてください(YaRN。起動時は {stretch})"
            ),
            Self::ContextTooLong { limit, .. } => format!("{limit} 以下にしてください"),
            Self::DeviceCount { .. } => "GPU ごとに 1 つずつ、同じ順に指定してください".into(),
            Self::NoSuchGpu { known, .. } => format!("この機械にある GPU の番号: {known}"),
        }
    }

    fn hint_en(&self) -> String {
        match self {
            Self::UnknownOption {
                similar: Some(similar),
                ..
            } => format!("did you mean {similar}?"),
            Self::UnknownOption { .. } | Self::UnexpectedWord { .. } | Self::Other { .. } => {
                "llm-lander --help shows what there is; put names with spaces in quotes".into()
            }
            Self::Negative { .. } => "give a number from 0 on".into(),
            Self::OptionOfOtherCommand { option, command } => {
                format!("leave {option} out; llm-lander {command} --help shows what it takes")
            }
            Self::InvalidValue { expected, .. } => expected.phrase(Language::En),
            Self::NotText => "give files names in UTF-8".into(),
            Self::MissingValue { option } | Self::MissingOption { option } => {
                format!("give {option} with a value")
            }
            Self::Conflict { .. } | Self::Repeated { .. } => "leave only one of them".into(),
            Self::OptionsBeforeCommand { command } => {
                format!("put them after llm-lander {command}")
            }
            Self::NoModel { command } => format!(
                "for example llm-lander {command} qwen3:8b; llm-lander models lists the names"
            ),
            Self::UnknownBackend { known, .. } | Self::UnknownVersion { known, .. } => {
                format!("it takes: {known}")
            }
            Self::OptionOfOtherBackend { backend, .. } => {
                format!("leave it out, or choose --backend {backend}")
            }
            Self::BadPattern { .. } => {
                "put \\ before signs that mean themselves, as in blk\\.0\\.".into()
            }
            Self::NoOwnProjector { .. } => {
                "give --mmproj the mmproj-….gguf that comes with the model".into()
            }
            Self::NoAdvice { .. } => "try --backend llama.cpp".into(),
            Self::ContextTooLong {
                limit,
                stretch: Some(stretch),
                ..
            } => format!(
                "ask for {limit} at most, which the model was trained for, or stretch RoPE in its config.json (YaRN; for the engine {stretch})"
            ),
            Self::ContextTooLong { limit, .. } => format!("ask for {limit} at most"),
            Self::DeviceCount { .. } => "give one of each per GPU, in the same order".into(),
            Self::NoSuchGpu { known, .. } => format!("the GPUs of this machine: {known}"),
        }
    }
}
