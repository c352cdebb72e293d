//! Why a GGUF header cannot be read.

use alloc::format;
use alloc::string::{String, ToString};

use crate::text::{Language, UserMessage};

/// Why a GGUF header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GgufError {
    /// The file does not start with `GGUF`.
    NotGguf {
        /// Its first four bytes.
        magic: [u8; 4],
    },
    /// A version of the format that is not read.
    UnsupportedVersion {
        /// The version.
        version: u32,
    },
    /// The file is big-endian.
    BigEndian,
    /// The bytes end inside the header.
    Truncated {
        /// Bytes there were.
        length: u64,
    },
    /// A count or a length beyond anything a model has.
    Absurd {
        /// What is counted.
        what: &'static str,
        /// The number.
        value: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A text that is not UTF-8.
    NotUtf8 {
        /// Its position in the file.
        position: u64,
    },
    /// A metadata type that the format does not have.
    UnknownValueType {
        /// The key.
        key: String,
        /// The type's number.
        id: u32,
    },
    /// An array of arrays, which the format does not allow.
    NestedArray {
        /// The key.
        key: String,
    },
    /// The same key twice.
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// The same tensor twice.
    DuplicateTensor {
        /// The tensor.
        name: String,
    },
    /// A tensor type that we do not know.
    UnknownTensorType {
        /// The tensor.
        name: String,
        /// The type's number.
        id: u32,
    },
    /// A shape that no tensor can have.
    InvalidShape {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An alignment that is not a power of two.
    InvalidAlignment {
        /// The alignment.
        alignment: u64,
    },
    /// A key that the model's geometry needs.
    MissingKey {
        /// The key.
        key: String,
    },
    /// A key with a value that no model has.
    InvalidValue {
        /// The key.
        key: String,
        /// The value, as text.
        value: String,
    },
    /// Files of a split model are missing or do not belong together.
    SplitIncomplete {
        /// Files of the model.
        expected: u64,
        /// Files given.
        given: u64,
    },
    /// The file holds no language model (a projector, an adapter, a vocabulary only).
    NotALanguageModel {
        /// `general.architecture` or `general.type`.
        kind: String,
    },
    /// The file holds something else than what is loaded here.
    OtherKind {
        /// What it holds.
        kind: String,
        /// What it should.
        wanted: &'static str,
    },
}

impl UserMessage for GgufError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotGguf { .. } => "not_gguf",
            Self::UnsupportedVersion { .. } | Self::BigEndian => "gguf_version",
            Self::Truncated { .. } => "gguf_truncated",
            Self::MissingKey { .. } => "gguf_missing_key",
            Self::SplitIncomplete { .. } => "gguf_split_incomplete",
            Self::NotALanguageModel { .. } => "not_a_language_model",
            Self::OtherKind { .. } => "other_kind_of_gguf",
            Self::UnknownTensorType { .. } => "gguf_tensor_type",
            _ => "gguf_invalid",
        }
    }

    fn message(&self, language: Language) -> String {
        match language {
            Language::Ja => self.message_ja(),
            Language::En => self.message_en(),
        }
    }

    fn hint(&self, language: Language) -> String {
        let (ja, en) = match self {
            Self::NotGguf {
                magic: [b'v', b'e', b'r', b's'],
            } => (
                "Git LFS のポインタファイルです。git lfs pull で本体を取得してください",
                "this is a Git LFS pointer: fetch the file itself with git lfs pull",
            ),
            Self::NotGguf { .. } => (
                "拡張子 .gguf の GGUF ファイルか config.json を指定してください",
                "give a GGUF file (.gguf) or a config.json",
            ),
            Self::UnsupportedVersion { .. } | Self::BigEndian => (
                "現行の llama.cpp で変換し直したファイルを使ってください",
                "use a file converted with a current llama.cpp",
            ),
            Self::Truncated { .. } => (
                "ダウンロードが途中で切れていないか確かめてください",
                "check that the download is complete",
            ),
            Self::SplitIncomplete { .. } => (
                "分割されたファイルをすべて同じフォルダに置き、1 番目(…-00001-of-…)を指定してください",
                "put all parts in one folder and give the first one (…-00001-of-…)",
            ),
            Self::NotALanguageModel { .. } => (
                "言語モデル本体の .gguf を指定してください",
                "give the .gguf of the language model itself",
            ),
            Self::OtherKind { .. } => (
                "オプションに合う .gguf を指定してください",
                "give the .gguf that the option is for",
            ),
            Self::UnknownTensorType { .. } => (
                "新しい形式かもしれません。LLM-Lander を更新してください",
                "the type may be newer than this program: update LLM-Lander",
            ),
            _ => (
                "ファイルが壊れている可能性があります。入手し直してください",
                "the file may be damaged: download it again",
            ),
        };
        language.pick(ja, en).to_string()
    }
}

impl GgufError {
    fn message_ja(&self) -> String {
        match self {
            Self::NotGguf { magic } => {
                format!(
                    "GGUF ファイルではありません(先頭 4 バイト: {})",
                    printable(magic)
                )
            }
            Self::UnsupportedVersion { version } => {
                format!("GGUF バージョン {version} には対応していません")
            }
            Self::BigEndian => "ビッグエンディアンの GGUF には対応していません".into(),
            Self::Truncated { length } => {
                format!("ヘッダーの途中でファイルが終わっています({length} バイト)")
            }
            Self::Absurd { what, value, limit } => {
                format!("{what} = {value} はあり得ない値です(上限 {limit})")
            }
            Self::NotUtf8 { position } => {
                format!("{position} バイト目の文字列が UTF-8 ではありません")
            }
            Self::UnknownValueType { key, id } => {
                format!("メタデータ「{key}」の型番号 {id} は未知のものです")
            }
            Self::NestedArray { key } => format!("メタデータ「{key}」が配列の配列になっています"),
            Self::DuplicateKey { key } => format!("メタデータ「{key}」が 2 回現れます"),
            Self::DuplicateTensor { name } => format!("テンソル「{name}」が 2 回現れます"),
            Self::UnknownTensorType { name, id } => {
                format!("テンソル「{name}」の型番号 {id} は未知のものです")
            }
            Self::InvalidShape { name, reason } => {
                format!("テンソル「{name}」の形が不正です({reason})")
            }
            Self::InvalidAlignment { alignment } => {
                format!("general.alignment = {alignment} は 2 のべき乗ではありません")
            }
            Self::MissingKey { key } => format!("メタデータ「{key}」がありません"),
            Self::InvalidValue { key, value } => {
                format!("メタデータ「{key}」の値 {value} は使えません")
            }
            Self::SplitIncomplete { expected, given } => {
                format!("分割ファイルが揃っていません(必要 {expected} 個、指定 {given} 個)")
            }
            Self::NotALanguageModel { kind } => {
                format!("言語モデルではない GGUF です(種類: {kind})")
            }
            Self::OtherKind { kind, wanted } => {
                format!("{wanted} の GGUF ではありません(種類: {kind})")
            }
        }
    }

    fn message_en(&self) -> String {
        match self {
            Self::NotGguf { magic } => {
                format!("not a GGUF file: it starts with {}", printable(magic))
            }
            Self::UnsupportedVersion { version } => {
                format!("GGUF version {version} is not supported")
            }
            Self::BigEndian => "big-endian GGUF files are not supported".into(),
            Self::Truncated { length } => {
                format!("the file ends inside its header, after {length} bytes")
            }
            Self::Absurd { what, value, limit } => {
                format!("{what} = {value} cannot be (at most {limit})")
            }
            Self::NotUtf8 { position } => format!("the text at byte {position} is not UTF-8"),
            Self::UnknownValueType { key, id } => {
                format!("metadata “{key}” has the unknown type number {id}")
            }
            Self::NestedArray { key } => format!("metadata “{key}” is an array of arrays"),
            Self::DuplicateKey { key } => format!("metadata “{key}” appears twice"),
            Self::DuplicateTensor { name } => format!("tensor “{name}” appears twice"),
            Self::UnknownTensorType { name, id } => {
                format!("tensor “{name}” has the unknown type number {id}")
            }
            Self::InvalidShape { name, reason } => {
                format!("tensor “{name}” has an impossible shape: {reason}")
            }
            Self::InvalidAlignment { alignment } => {
                format!("general.alignment = {alignment} is not a power of two")
            }
            Self::MissingKey { key } => format!("metadata “{key}” is missing"),
            Self::InvalidValue { key, value } => {
                format!("metadata “{key}” has the impossible value {value}")
            }
            Self::SplitIncomplete { expected, given } => {
                format!("the split model is incomplete: {given} of {expected} files")
            }
            Self::NotALanguageModel { kind } => {
                format!("this GGUF file holds no language model but “{kind}”")
            }
            Self::OtherKind { kind, wanted } => {
                format!("this GGUF file holds no {wanted} but “{kind}”")
            }
        }
    }
}

/// The bytes as people can read them.
fn printable(bytes: &[u8; 4]) -> String {
    if bytes.iter().all(u8::is_ascii_graphic) {
        format!("“{}”", bytes.escape_ascii())
    } else {
        format!("{bytes:02x?}")
    }
}
