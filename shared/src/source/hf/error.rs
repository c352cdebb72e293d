//! Why a `config.json` cannot be read.

use alloc::format;
use alloc::string::String;

use crate::text::{Language, UserMessage};

/// Why a `config.json` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The bytes are not JSON.
    NotJson {
        /// Line of the first error, from 1.
        line: usize,
        /// Column of the first error, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    NotAnObject,
    /// No rules are known for this model type.
    UnknownModelType {
        /// `model_type` as written.
        model_type: String,
    },
    /// A model that generates no text: an encoder, or one that translates or transcribes.
    NotGenerative {
        /// `model_type` as written.
        model_type: String,
    },
    /// A field that the geometry depends on is absent (or null).
    MissingField {
        /// The field's name.
        field: &'static str,
    },
    /// A field holds something of another kind than its meaning asks for.
    WrongType {
        /// The field's name.
        field: &'static str,
        /// What was expected.
        expected: Expected,
    },
    /// A number outside of what any model has.
    OutOfRange {
        /// The field's name.
        field: &'static str,
        /// The value as written.
        value: String,
        /// The smallest value taken.
        minimum: u64,
        /// The largest value taken.
        maximum: u64,
    },
    /// A list with an entry per layer has another length than the model has layers.
    ListLength {
        /// The field's name.
        field: &'static str,
        /// Entries found.
        found: usize,
        /// Entries expected.
        expected: usize,
    },
    /// A list or pattern holds an entry whose meaning is not known.
    UnknownEntry {
        /// The field's name.
        field: &'static str,
        /// The entry as written.
        entry: String,
    },
    /// One field does not divide another that must be a multiple of it.
    NotDivisible {
        /// The field to be divided.
        field: &'static str,
        /// The divisor.
        by: &'static str,
    },
    /// A tensor's size exceeds 2^64 bytes.
    TooLarge {
        /// The tensor's GGUF name.
        tensor: String,
    },
}

/// The kind of value that a field should hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A text.
    Text,
    /// A list.
    List,
}

impl Expected {
    fn name(self, language: Language) -> &'static str {
        match self {
            Self::Integer => language.pick("整数", "a whole number"),
            Self::Number => language.pick("数値", "a number"),
            Self::Boolean => language.pick("true または false", "true or false"),
            Self::Text => language.pick("文字列", "a text"),
            Self::List => language.pick("配列", "a list"),
        }
    }
}

impl UserMessage for ConfigError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "config_not_json",
            Self::NotAnObject => "config_not_an_object",
            Self::UnknownModelType { .. } => "config_unknown_model_type",
            Self::NotGenerative { .. } => "config_not_generative",
            Self::MissingField { .. } => "config_missing_field",
            Self::WrongType { .. } => "config_wrong_type",
            Self::OutOfRange { .. } => "config_out_of_range",
            Self::ListLength { .. } => "config_list_length",
            Self::UnknownEntry { .. } => "config_unknown_entry",
            Self::NotDivisible { .. } => "config_not_divisible",
            Self::TooLarge { .. } => "config_too_large",
        }
    }

    fn message(&self, language: Language) -> String {
        match (self, language) {
            (Self::NotJson { line, column }, Language::Ja) => {
                format!("JSONとして読めません({line}行{column}文字目)")
            }
            (Self::NotJson { line, column }, Language::En) => {
                format!("not valid JSON (line {line}, column {column})")
            }
            (Self::NotAnObject, Language::Ja) => "JSONですが、オブジェクトではありません".into(),
            (Self::NotAnObject, Language::En) => "valid JSON, but not an object".into(),
            (Self::UnknownModelType { model_type }, Language::Ja) => {
                format!("model_type「{model_type}」には対応していません")
            }
            (Self::UnknownModelType { model_type }, Language::En) => {
                format!("model_type \"{model_type}\" is not supported")
            }
            (Self::NotGenerative { model_type }, Language::Ja) => {
                format!(
                    "model_type「{model_type}」は文章を生成するモデルではありません(エンコーダーなど)"
                )
            }
            (Self::NotGenerative { model_type }, Language::En) => {
                format!(
                    "model_type \"{model_type}\" is no model that generates text (an encoder or the like)"
                )
            }
            (Self::MissingField { field }, Language::Ja) => format!("「{field}」がありません"),
            (Self::MissingField { field }, Language::En) => format!("\"{field}\" is missing"),
            (Self::WrongType { field, expected }, Language::Ja) => {
                format!(
                    "「{field}」は{}でなければなりません",
                    expected.name(language)
                )
            }
            (Self::WrongType { field, expected }, Language::En) => {
                format!("\"{field}\" should be {}", expected.name(language))
            }
            (
                Self::OutOfRange {
                    field,
                    value,
                    minimum,
                    maximum,
                },
                Language::Ja,
            ) => {
                format!("「{field}」の値{value}は範囲外です({minimum}〜{maximum})")
            }
            (
                Self::OutOfRange {
                    field,
                    value,
                    minimum,
                    maximum,
                },
                Language::En,
            ) => {
                format!("\"{field}\" is {value}, outside {minimum} to {maximum}")
            }
            (
                Self::ListLength {
                    field,
                    found,
                    expected,
                },
                Language::Ja,
            ) => {
                format!("「{field}」は{expected}個の要素が必要ですが、{found}個あります")
            }
            (
                Self::ListLength {
                    field,
                    found,
                    expected,
                },
                Language::En,
            ) => {
                format!("\"{field}\" has {found} entries where {expected} are needed")
            }
            (Self::UnknownEntry { field, entry }, Language::Ja) => {
                format!("「{field}」に不明な値「{entry}」があります")
            }
            (Self::UnknownEntry { field, entry }, Language::En) => {
                format!("\"{field}\" holds \"{entry}\", whose meaning is not known")
            }
            (Self::NotDivisible { field, by }, Language::Ja) => {
                format!("「{field}」が「{by}」で割り切れません")
            }
            (Self::NotDivisible { field, by }, Language::En) => {
                format!("\"{field}\" is not a multiple of \"{by}\"")
            }
            (Self::TooLarge { tensor }, Language::Ja) => {
                format!("テンソル「{tensor}」が大きすぎます(2^64バイト超)")
            }
            (Self::TooLarge { tensor }, Language::En) => {
                format!("tensor \"{tensor}\" exceeds 2^64 bytes")
            }
        }
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::NotJson { .. } | Self::NotAnObject => language.pick(
                "Hugging Faceのリポジトリにあるconfig.jsonを、途中で切れていないか確かめて指定してください",
                "Give the config.json of a Hugging Face repository, and check that it is complete",
            ),
            Self::UnknownModelType { .. } => language.pick(
                "GGUFファイルがあればそれを指定してください。なければ、全層が全文脈をキャッシュすると仮定した控えめな見積もりもできます",
                "Give a GGUF file of the model if there is one; else ask for the conservative bound, in which every layer caches the whole context",
            ),
            Self::NotGenerative { .. } => language.pick(
                "文脈長は、文章を続けて生成するモデルにだけ意味があります。そのようなモデルを指定してください",
                "A context length has a meaning only for models that go on with a text; give one of those",
            ),
            Self::MissingField { .. } => language.pick(
                "config.jsonが完全なものか確かめるか、層数やヘッド数を手で指定してください",
                "Check that the config.json is complete, or give the number of layers, heads and so on by hand",
            ),
            Self::WrongType { .. }
            | Self::OutOfRange { .. }
            | Self::ListLength { .. }
            | Self::UnknownEntry { .. }
            | Self::NotDivisible { .. }
            | Self::TooLarge { .. } => language.pick(
                "config.jsonが書き換えられていないか、元のリポジトリのものと比べてください",
                "Compare the config.json with the one in the model's original repository",
            ),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_speaks_both_languages_in_one_line() {
        let field = "hidden_size";
        let errors = [
            ConfigError::NotJson { line: 3, column: 7 },
            ConfigError::NotAnObject,
            ConfigError::UnknownModelType {
                model_type: "qwen9".into(),
            },
            ConfigError::NotGenerative {
                model_type: "bert".into(),
            },
            ConfigError::MissingField { field },
            ConfigError::WrongType {
                field,
                expected: Expected::Integer,
            },
            ConfigError::OutOfRange {
                field,
                value: "0".into(),
                minimum: 1,
                maximum: 9,
            },
            ConfigError::ListLength {
                field,
                found: 1,
                expected: 2,
            },
            ConfigError::UnknownEntry {
                field,
                entry: "x".into(),
            },
            ConfigError::NotDivisible { field, by: "heads" },
            ConfigError::TooLarge { tensor: "x".into() },
        ];
        for error in errors {
            let [ja, en] = [Language::Ja, Language::En].map(|language| {
                let (message, hint) = (error.message(language), error.hint(language));
                assert!(!message.is_empty() && !hint.is_empty());
                assert!(!message.contains('\n') && !hint.contains('\n'));
                (message, hint)
            });
            assert!(ja.0 != en.0 && ja.1 != en.1, "{}", error.code());
            assert!(!en.0.ends_with('.') && !ja.0.ends_with('。'));
        }
    }
}
