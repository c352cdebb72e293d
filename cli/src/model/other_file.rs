//! Files that are no configuration, though people give them for one.

use serde_json::{Map, Value};
use shared::text::Language;

/// The files that people take for a model's `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherFile {
    /// `hf_quant_config.json`, `quantize_config.json`: how the weights are quantized.
    Quantization,
    /// `model.safetensors.index.json`: which file each tensor is in.
    Index,
    /// `generation_config.json`: how text is sampled.
    Generation,
    /// `tokenizer_config.json`, `tokenizer.json`.
    Tokenizer,
    /// `adapter_config.json`: a LoRA adapter.
    Adapter,
    /// `params.json`: the geometry by names of Meta's or Mistral's own.
    Parameters,
    /// A page of the Hub, saved in place of the file that it shows.
    WebPage,
    /// What Git leaves where Git LFS was not installed.
    LfsPointer,
    /// Weights as PyTorch saves them: a ZIP archive or a pickle.
    TorchWeights,
}

impl OtherFile {
    /// What the file is, where its first bytes say so.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii_start();
        if text.starts_with(b"<") {
            Some(Self::WebPage)
        } else if text.starts_with(b"version https://git-lfs") {
            Some(Self::LfsPointer)
        } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
            Some(Self::TorchWeights)
        } else {
            None
        }
    }

    /// What to do instead.
    pub(super) fn hint(self, language: Language) -> &'static str {
        match self {
            Self::WebPage => language.pick(
                "ページではなくファイルそのものを保存してください(Hub では https://huggingface.co/OWNER/NAME/resolve/main/config.json)",
                "save the file itself, not the page that shows it (on the Hub https://huggingface.co/OWNER/NAME/resolve/main/config.json)",
            ),
            Self::LfsPointer => language.pick(
                "git lfs pull でファイルの中身を取得してください",
                "fetch the file itself with git lfs pull",
            ),
            _ => language.pick(
                "同じリポジトリの config.json、またはそれのあるフォルダーを指定してください",
                "give the config.json of the same repository, or the folder with it",
            ),
        }
    }

    /// What the object is of, where it is no model's configuration.
    pub(super) fn of_json(object: &Map<String, Value>) -> Option<Self> {
        let has = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
        if has(&["model_type", "architectures"]) {
            return None;
        }
        let kinds: [(&[&str], Self); 6] = [
            (&["weight_map"], Self::Index),
            (&["peft_type"], Self::Adapter),
            (
                &["quantization", "quant_method", "quant_algo", "bits"],
                Self::Quantization,
            ),
            (
                &["tokenizer_class", "added_tokens_decoder", "added_tokens"],
                Self::Tokenizer,
            ),
            (
                &["do_sample", "temperature", "top_p", "eos_token_id"],
                Self::Generation,
            ),
            (&["dim"], Self::Parameters),
        ];
        // A configuration lacks a type at times, but has its sizes.
        let has_sizes = has(&["hidden_size", "n_embd", "d_model", "text_config"]);
        let found = kinds.into_iter().find(|(names, _)| has(names));
        found.filter(|_| !has_sizes).map(|(_, kind)| kind)
    }

    /// What it is, as a noun in Japanese and as a verb in English.
    pub(super) fn name(self, language: Language) -> &'static str {
        match self {
            Self::Quantization => {
                language.pick("量子化の設定ファイル", "says how the weights are quantized")
            }
            Self::Index => {
                language.pick("重みファイルの索引", "lists which file each tensor is in")
            }
            Self::Generation => language.pick("文章生成の設定ファイル", "says how text is sampled"),
            Self::Tokenizer => language.pick("トークナイザーのファイル", "is of the tokenizer"),
            Self::Adapter => {
                language.pick(" LoRA アダプターの設定ファイル", "is of a LoRA adapter")
            }
            Self::WebPage => language.pick(" Web ページ", "is a web page"),
            Self::LfsPointer => language.pick(" Git LFS のポインター", "is a pointer of Git LFS"),
            Self::TorchWeights => language.pick(
                " PyTorch の重みファイル",
                "holds weights as PyTorch saves them",
            ),
            Self::Parameters => language.pick(
                "独自形式(params.json)の設定ファイル",
                "is a params.json of its maker's own form",
            ),
        }
    }
}
