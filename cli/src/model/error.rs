//! Why a model cannot be found or read.

use std::path::PathBuf;

use shared::quant::{FileType, Packing};
use shared::text::{Language, UserMessage};

use super::other_file::OtherFile;

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
    /// What follows the name is no format of the weights.
    UnknownFormat {
        name: String,
        format: String,
        /// Whether the engine reads checkpoints, whose formats are others.
        of_checkpoints: bool,
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
    /// Another file than a `config.json`.
    OtherFile { path: PathBuf, kind: OtherFile },
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
            Self::UnknownFormat { .. } => "unknown_weights_format",
            Self::TwoFormats { .. } => "two_weights_formats",
            Self::FormatOfCheckpoints { .. } => "weights_format_of_checkpoints",
            Self::PackedAlready { .. } => "weights_packed_already",
            Self::NamedAndByHand { .. } => "model_twice",
            Self::Safetensors { .. } => "safetensors_alone",
            Self::OtherFile { .. } => "not_the_config",
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
            Self::UnknownFormat { name, format, .. } => {
                format!("「{name}」の後の「{format}」という重みの形式(量子化)はありません")
            }
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
            Self::OtherFile { path, kind } => format!(
                "「{}」は{}で、モデルの構造が書かれていません",
                path.display(),
                kind.name(Language::Ja)
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
            Self::UnknownFormat { name, format, .. } => {
                format!(
                    "there is no format of the weights (quantization) “{format}”, asked for with “{name}”"
                )
            }
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
            Self::OtherFile { path, kind } => format!(
                "“{}” {}, which does not tell the model's geometry",
                path.display(),
                kind.name(Language::En)
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
            Self::UnknownFormat { of_checkpoints, .. } => {
                format!("使える値: {}", known_formats(*of_checkpoints))
            }
            Self::FormatOfCheckpoints { .. } => {
                "--backend vllm か transformers を付けるか、Q4_K_M など GGUF の形式にしてください".into()
            }
            Self::PackedAlready { .. } => {
                "--quant を外すか、量子化していない元のモデルを指定してください".into()
            }
            Self::NamedAndByHand { .. } | Self::TwoFormats { .. } => "どちらか 1 つにしてください".into(),
            Self::OtherFile { kind, .. } => kind.hint(Language::Ja).into(),
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
            Self::UnknownFormat { of_checkpoints, .. } => {
                format!("it takes: {}", known_formats(*of_checkpoints))
            }
            Self::FormatOfCheckpoints { .. } => {
                "add --backend vllm or transformers, or ask for a format of GGUF such as Q4_K_M".into()
            }
            Self::PackedAlready { .. } => {
                "leave --quant out, or name the original model, which is not quantized".into()
            }
            Self::NamedAndByHand { .. } | Self::TwoFormats { .. } => "leave only one of them".into(),
            Self::OtherFile { kind, .. } => kind.hint(Language::En).into(),
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

/// Formats of the weights by name: those of GGUF files, or those of checkpoints with `--quant`.
fn known_formats(of_checkpoints: bool) -> String {
    if of_checkpoints {
        return format!("F32, F16, BF16; --quant {}", Packing::PUBLISHED.join(", "));
    }
    let names = FileType::ALL.iter().map(|known| known.name());
    names.collect::<Vec<_>>().join(", ")
}
