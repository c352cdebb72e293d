//! Why a model cannot be found or read, and what to know of one that was.

use std::path::PathBuf;

use shared::quant::FileType;
use shared::text::{Language, UserMessage};

use crate::mib;

/// Why a model cannot be found or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelError {
    /// A repository of the Hub that the catalogue does not have.
    HubNotRead {
        repository: String,
        /// The catalogue's name for what seems to be the same model.
        similar: Option<&'static str>,
    },
    /// A GGUF file for an engine that reads none.
    GgufNotRead { path: PathBuf },
    /// A folder without a model.
    EmptyFolder { folder: PathBuf },
    /// A folder with several models.
    SeveralFiles { folder: PathBuf, files: Vec<String> },
    /// A file of a split model that was renamed.
    ShardName { path: PathBuf, count: u64 },
    /// Another format than the file's own was asked for.
    FormatFixed {
        name: String,
        format: String,
        asked: FileType,
    },
    /// Two formats were asked for.
    TwoFormats { first: FileType, second: FileType },
    /// A packing of checkpoints, for an engine that reads GGUF files.
    FormatOfCheckpoints { format: String },
    /// Another packing than the checkpoint's own was asked for.
    PackedAlready {
        name: String,
        format: String,
        asked: String,
    },
    /// A model named, and its geometry by hand as well.
    NamedAndByHand { name: String },
    /// A safetensors file, which says nothing of the geometry.
    Safetensors { path: PathBuf },
    /// Ollama keeps no model on this machine.
    NoLocalModels { folder: Option<PathBuf> },
    /// A manifest of Ollama's that is not understood.
    BadManifest { path: PathBuf },
}

impl UserMessage for ModelError {
    fn code(&self) -> &'static str {
        match self {
            Self::HubNotRead { .. } => "hub_not_read",
            Self::GgufNotRead { .. } => "gguf_not_read",
            Self::EmptyFolder { .. } => "no_model_in_folder",
            Self::SeveralFiles { .. } => "several_models_in_folder",
            Self::ShardName { .. } => "split_file_name",
            Self::FormatFixed { .. } => "weights_format_fixed",
            Self::TwoFormats { .. } => "two_weights_formats",
            Self::FormatOfCheckpoints { .. } => "weights_format_of_checkpoints",
            Self::PackedAlready { .. } => "weights_packed_already",
            Self::NamedAndByHand { .. } => "model_twice",
            Self::Safetensors { .. } => "safetensors_alone",
            Self::NoLocalModels { .. } => "no_local_models",
            Self::BadManifest { .. } => "ollama_manifest",
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

impl ModelError {
    fn message_ja(&self) -> String {
        match self {
            Self::HubNotRead { repository, .. } => format!(
                "Hub のリポジトリ「{repository}」は内蔵カタログになく、Hub からの読み込みにはまだ対応していません"
            ),
            Self::GgufNotRead { path } => format!(
                "「{}」は GGUF ファイルで、このエンジンは読みません(vLLM は 0.24 から読みません)",
                path.display()
            ),
            Self::EmptyFolder { folder } => format!(
                "フォルダー「{}」に .gguf も config.json もありません",
                folder.display()
            ),
            Self::SeveralFiles { folder, files } => format!(
                "フォルダー「{}」に GGUF ファイルが複数あります: {}",
                folder.display(),
                files.join("、")
            ),
            Self::ShardName { path, count } => format!(
                "「{}」は {count} 個に分割されたモデルの一部ですが、名前が NAME-00001-of-{count:05}.gguf の形ではありません",
                path.display()
            ),
            Self::FormatFixed {
                name,
                format,
                asked,
            } => format!("「{name}」の重みは {format} で、{asked} ではありません"),
            Self::TwoFormats { first, second } => {
                format!("重みの形式が 2 つ({first} と {second})指定されています")
            }
            Self::FormatOfCheckpoints { format } => {
                format!("重みの形式 {format} は GGUF ファイルにはありません")
            }
            Self::PackedAlready {
                name,
                format,
                asked,
            } => format!("「{name}」の重みはすでに {format} で、{asked} ではありません"),
            Self::NamedAndByHand { name } => {
                format!("モデル「{name}」と、手で入れた寸法の両方が指定されています")
            }
            Self::Safetensors { path } => format!(
                "「{}」は safetensors で、モデルの構造が書かれていません",
                path.display()
            ),
            Self::NoLocalModels { folder } => match folder {
                Some(folder) => format!(
                    "モデルの指定がなく、Ollama のモデルも「{}」にありません",
                    folder.display()
                ),
                None => "モデルの指定がなく、Ollama のモデルも見つかりません".into(),
            },
            Self::BadManifest { path } => {
                format!("Ollama のマニフェスト「{}」を読めません", path.display())
            }
        }
    }

    fn message_en(&self) -> String {
        match self {
            Self::HubNotRead { repository, .. } => format!(
                "the Hub repository “{repository}” is not in the built-in catalogue, and the Hub is not read yet"
            ),
            Self::GgufNotRead { path } => format!(
                "“{}” is a GGUF file, which this engine does not read (vLLM has not since 0.24)",
                path.display()
            ),
            Self::EmptyFolder { folder } => format!(
                "the folder “{}” has neither a .gguf nor a config.json",
                folder.display()
            ),
            Self::SeveralFiles { folder, files } => format!(
                "the folder “{}” has several GGUF files: {}",
                folder.display(),
                files.join(", ")
            ),
            Self::ShardName { path, count } => format!(
                "“{}” is part of a model split into {count} files, but is not named NAME-00001-of-{count:05}.gguf",
                path.display()
            ),
            Self::FormatFixed {
                name,
                format,
                asked,
            } => format!("the weights of “{name}” are {format}, not {asked}"),
            Self::TwoFormats { first, second } => {
                format!("two formats of the weights are asked for, {first} and {second}")
            }
            Self::FormatOfCheckpoints { format } => {
                format!("GGUF files do not have weights in {format}")
            }
            Self::PackedAlready {
                name,
                format,
                asked,
            } => format!("the weights of “{name}” are in {format} already, not in {asked}"),
            Self::NamedAndByHand { name } => {
                format!("both the model “{name}” and a geometry by hand are given")
            }
            Self::Safetensors { path } => format!(
                "“{}” is a safetensors file, which does not tell the model's geometry",
                path.display()
            ),
            Self::NoLocalModels { folder } => match folder {
                Some(folder) => format!(
                    "no model is named, and Ollama keeps none in “{}”",
                    folder.display()
                ),
                None => "no model is named, and Ollama keeps none on this machine".into(),
            },
            Self::BadManifest { path } => {
                format!("the Ollama manifest “{}” cannot be read", path.display())
            }
        }
    }

    fn hint_ja(&self) -> String {
        match self {
            Self::HubNotRead {
                similar: Some(tag), ..
            } => format!(
                "カタログの {tag} が同じモデルのようです(形式は {tag}:Q4_K_M のように指定)。または .gguf を保存してそのパスを指定してください"
            ),
            Self::HubNotRead { repository, .. } => format!(
                "https://huggingface.co/{repository}/resolve/main/config.json を保存して、そのパスを指定してください"
            ),
            Self::GgufNotRead { .. } => {
                "元のモデルの config.json(またはそのフォルダー)かカタログの名前を指定してください。GGUF のまま使うなら --backend llama.cpp で".into()
            }
            Self::EmptyFolder { .. } => {
                "モデルの GGUF ファイルか config.json のあるフォルダーを指定してください".into()
            }
            Self::SeveralFiles { .. } => "--file か「フォルダー:Q4_K_M」の形で 1 つを選んでください".into(),
            Self::ShardName { .. } => "ファイル名を元に戻してください".into(),
            Self::FormatFixed { .. } => {
                "形式の指定を外すか、config.json かカタログの名前を指定してください".into()
            }
            Self::FormatOfCheckpoints { .. } => {
                "--backend vllm か transformers を付けるか、Q4_K_M など GGUF の形式にしてください".into()
            }
            Self::PackedAlready { .. } => {
                "--quant を外すか、量子化していない元のモデルを指定してください".into()
            }
            Self::NamedAndByHand { .. } | Self::TwoFormats { .. } => "どちらか 1 つにしてください".into(),
            Self::Safetensors { .. } => {
                "同じリポジトリの config.json、またはそれのあるフォルダーを指定してください".into()
            }
            Self::NoLocalModels { .. } => {
                "例: llm-lander qwen3:8b(名前の一覧は llm-lander models。置き場所が違うなら OLLAMA_MODELS を設定)".into()
            }
            Self::BadManifest { .. } => "「ollama pull」でモデルを取り直してください".into(),
        }
    }

    fn hint_en(&self) -> String {
        match self {
            Self::HubNotRead {
                similar: Some(tag), ..
            } => format!(
                "{tag} of the catalogue seems to be the same model (choose a format as in {tag}:Q4_K_M); or save the .gguf and give its path"
            ),
            Self::HubNotRead { repository, .. } => format!(
                "save https://huggingface.co/{repository}/resolve/main/config.json and give its path"
            ),
            Self::GgufNotRead { .. } => {
                "give the original model's config.json, its folder or a name of the catalogue; the GGUF file itself runs with --backend llama.cpp".into()
            }
            Self::EmptyFolder { .. } => {
                "give a folder with a GGUF file or the model's config.json".into()
            }
            Self::SeveralFiles { .. } => "choose one with --file, or with FOLDER:Q4_K_M".into(),
            Self::ShardName { .. } => "give the files their original names".into(),
            Self::FormatFixed { .. } => {
                "leave the format out, or give a config.json or a name of the catalogue".into()
            }
            Self::FormatOfCheckpoints { .. } => {
                "add --backend vllm or transformers, or ask for a format of GGUF such as Q4_K_M".into()
            }
            Self::PackedAlready { .. } => {
                "leave --quant out, or name the original model, which is not quantized".into()
            }
            Self::NamedAndByHand { .. } | Self::TwoFormats { .. } => "leave only one of them".into(),
            Self::Safetensors { .. } => {
                "give the config.json of the same repository, or the folder with it".into()
            }
            Self::NoLocalModels { .. } => {
                "for example llm-lander qwen3:8b; llm-lander models lists the names; set OLLAMA_MODELS if they lie elsewhere".into()
            }
            Self::BadManifest { .. } => "fetch the model again with “ollama pull”".into(),
        }
    }
}

/// What a person should know of a model that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Warning {
    /// A GGUF file that ends before its tensor data does.
    CutShort {
        path: PathBuf,
        length: u64,
        expected: u64,
    },
    /// An architecture without known rules.
    Conservative { architecture: String },
    /// A GGUF file, planned as the checkpoint it was made of.
    AsCheckpoint { name: String },
    /// A quantized checkpoint, which the converter to GGUF unpacks.
    Unpacked { packed: String, format: String },
    /// Weights in 16 bits, taken as the engine loads them.
    TakenAs { format: String },
    /// A configuration, with nothing said of the weights' format.
    FormatOpen { source: String, format: String },
    /// A model of which only a handful of numbers is known.
    StandIn,
}

impl Warning {
    /// Whether it is of what engines make of the model, not of the model itself.
    pub(crate) fn is_of_engines(&self) -> bool {
        matches!(self, Self::Unpacked { .. } | Self::TakenAs { .. })
    }

    /// One line.
    pub(crate) fn message(&self, language: Language) -> String {
        match (self, language) {
            (
                Self::CutShort {
                    path,
                    length,
                    expected,
                },
                Language::Ja,
            ) => format!(
                "「{}」のテンソルデータがないか、途中で切れています({} MiB 中 {} MiB)。計算はヘッダーだけで行えます",
                path.display(),
                mib::format(*expected),
                mib::format(*length)
            ),
            (
                Self::CutShort {
                    path,
                    length,
                    expected,
                },
                Language::En,
            ) => format!(
                "the tensor data of “{}” is missing or cut short ({} of {} MiB); the header suffices for the answer",
                path.display(),
                mib::format(*length),
                mib::format(*expected)
            ),
            (Self::Conservative { architecture }, Language::Ja) => format!(
                "「{architecture}」の規則は分からないため、全層が全文脈をキャッシュすると仮定した控えめな見積もりです"
            ),
            (Self::Conservative { architecture }, Language::En) => format!(
                "the rules of “{architecture}” are not known: a conservative bound, in which every layer caches the whole context"
            ),
            (Self::AsCheckpoint { name }, Language::Ja) => format!(
                "vLLM は「{name}」の GGUF を読まないため、BF16 の元のモデルとして計算します"
            ),
            (Self::AsCheckpoint { name }, Language::En) => format!(
                "vLLM does not read the GGUF file of “{name}”: calculated as the original model in BF16"
            ),
            (Self::Unpacked { packed, format }, Language::Ja) => format!(
                "llama.cpp への変換では {packed} の重みが {format} に戻るので、{format} で計算します(--quant Q4_K_M などで指定できます)"
            ),
            (Self::Unpacked { packed, format }, Language::En) => format!(
                "the converter to GGUF unpacks weights in {packed}: calculated in {format} (choose with --quant Q4_K_M, say)"
            ),
            (Self::TakenAs { format }, Language::Ja) => format!(
                "重みは {format} に量子化したものとします(--quant で変えられます)"
            ),
            (Self::TakenAs { format }, Language::En) => {
                format!("the weights are taken as quantized to {format} (another with --quant)")
            }
            (Self::FormatOpen { source, format }, Language::Ja) => format!(
                "「{source}」は重みの形式を定めていないので {format} とします(--quant Q4_K_M などで指定できます)"
            ),
            (Self::FormatOpen { source, format }, Language::En) => format!(
                "“{source}” leaves the weights' format open; taken as {format} (choose with --quant Q4_K_M, say)"
            ),
            (Self::StandIn, language) => language
                .pick(
                    "これらの数値を持つ密な Llama 型モデルとして計算します。本物の GGUF か config.json があれば、そのほうが正確です",
                    "calculated as a dense Llama of these numbers; the model's own GGUF file or config.json is more exact",
                )
                .into(),
        }
    }
}
