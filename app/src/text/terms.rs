//! The terms of explanations in Japanese. Their arithmetic is the same in every language.

use shared::text::Language;

/// English terms and what stands for them, in the order in which they are looked for: where one is
/// part of another, the longer one comes first.
const TERMS: &[(&str, &str)] = &[
    ("CUDA context", "CUDA コンテキスト"),
    ("cuBLAS workspace", "cuBLAS ワークスペース"),
    ("CUDA pool", "CUDA プール"),
    (" + kernels", " + カーネル"),
    ("logits of ", "ロジット "),
    (" rows", " 行"),
    ("logits", "ロジット"),
    ("KQ mask", "KQ マスク"),
    ("K as f16, one layer", "f16 にした K(1 層)"),
    ("V as f16, one layer", "f16 にした V(1 層)"),
    ("gate + up + activation", "gate + up + 活性"),
    ("experts' results", "エキスパートの出力"),
    ("peak of the graph allocator", "グラフアロケーターのピーク"),
    (" B left free by ", " B を空けておくプログラム: "),
    (", less the growth", "(増加分を除く)"),
    ("compute buffer", "計算用バッファ"),
    ("KV cache", "KV キャッシュ"),
    ("weights", "重み"),
    (" layers", " 層"),
    (" cells", " セル"),
    (" streams", " ストリーム"),
    (" sequences", " 系列"),
    (" tensors", " テンソル"),
    #[cfg(feature = "whole")]
    (" tokens of ", " トークン × "),
    (" tokens", " トークン"),
    ("load logs of users' machines", "利用者の環境の起動ログ"),
    (
        "; measured with the backend's own host code",
        "、バックエンド自身のホスト側コードで計測",
    ),
    (" to 750 MiB", "〜750 MiB"),
    #[cfg(feature = "whole")]
    ("start-up logs of users' machines", "利用者の環境の起動ログ"),
    #[cfg(feature = "whole")]
    (
        "processes of PyTorch on users' machines",
        "利用者の環境の PyTorch プロセス",
    ),
    #[cfg(feature = "whole")]
    (
        "peaks of Transformers 5.23.0, measured or counted over its classes",
        "Transformers 5.23.0 のピーク(実測、またはクラスを数えたもの)",
    ),
    #[cfg(feature = "whole")]
    (
        "PyTorch caching allocator (free pieces); not measured",
        "PyTorch のキャッシュアロケーター(空きの断片)、実測なし",
    ),
    #[cfg(feature = "whole")]
    ("max(activations", "max(活性"),
    #[cfg(feature = "whole")]
    ("RoPE tables", "RoPE 表"),
    #[cfg(feature = "whole")]
    ("CUDA graphs", "CUDA グラフ"),
    #[cfg(feature = "whole")]
    ("workspaces", "ワークスペース"),
    #[cfg(feature = "whole")]
    ("workspace + ", "ワークスペース + "),
    #[cfg(feature = "whole")]
    (" + activations", " + 活性"),
    #[cfg(feature = "whole")]
    ("(requests + 1)", "(リクエスト + 1)"),
    #[cfg(feature = "whole")]
    ("rest of loading", "読み込みの残り"),
    #[cfg(feature = "whole")]
    (" states × ", " 状態 × "),
    #[cfg(feature = "whole")]
    (" null block", " ヌルブロック"),
    #[cfg(feature = "whole")]
    (" B per block", " B / ブロック"),
    #[cfg(feature = "whole")]
    (" of the GPU − rest", " × GPU − その他"),
    #[cfg(feature = "whole")]
    ("pool:", "プール:"),
    #[cfg(feature = "whole")]
    (" groups of ", " グループ × "),
    #[cfg(feature = "whole")]
    (" blocks", " ブロック"),
    #[cfg(feature = "whole")]
    (", block ", "、ブロック "),
    #[cfg(feature = "whole")]
    (": block ", ": ブロック "),
    #[cfg(feature = "whole")]
    ("window ", "窓 "),
    #[cfg(feature = "whole")]
    ("chunk ", "チャンク "),
    #[cfg(feature = "whole")]
    ("latent ", "潜在 "),
    #[cfg(feature = "whole")]
    ("index ", "インデックス "),
    #[cfg(feature = "whole")]
    (" states", " 状態"),
    #[cfg(feature = "whole")]
    ("state", "状態"),
    #[cfg(feature = "whole")]
    ("(requests", "(リクエスト"),
    #[cfg(feature = "whole")]
    ("rest of loading", "読み込みの残り"),
    #[cfg(feature = "whole")]
    (" parameters", " パラメーター"),
    #[cfg(feature = "whole")]
    (", newest ", "、最新 "),
    #[cfg(feature = "whole")]
    ("max:", "最大:"),
    #[cfg(feature = "whole")]
    ("attention:", "アテンション:"),
    #[cfg(feature = "whole")]
    ("network:", "FFN:"),
    #[cfg(feature = "whole")]
    (" + compute)", " + 計算)"),
    #[cfg(feature = "whole")]
    ("locks", "ロック"),
];

/// A line of an explanation in this language. What begins like an option is a name.
#[must_use]
pub fn line(language: Language, line: &str) -> String {
    let mut line = line.to_owned();
    if language == Language::Ja && !line.starts_with("--") {
        for (term, japanese) in TERMS {
            if line.contains(term) {
                line = line.replace(term, japanese);
            }
        }
    }
    line
}

#[cfg(all(test, feature = "whole"))]
mod tests {
    use super::*;
    use crate::engines::BACKENDS;
    use crate::question::tests::asked;
    use crate::state::{ModelChoice, State};

    /// Words that are written so in Japanese too: names, and terms of formulas.
    const KEPT: &[&str] = &["ubatch", "gate", "auto", "gptq", "marlin", "exllama"];

    #[test]
    fn no_word_of_an_explanation_stays_english() {
        let models = [
            "qwen3:8b",
            "gemma3:12b",
            "glm-4.7-flash",
            "qwen3.5:9b",
            "gpt-oss:20b",
        ];
        for backend in BACKENDS {
            for model in models {
                for flash in ["auto", "off"] {
                    let mut state = State {
                        model: ModelChoice::Named(model.into()),
                        backend: backend.name.into(),
                        ..State::default()
                    };
                    state.gpus[0].free = "80 GiB".into();
                    if backend.setting("flash-attn").is_some() {
                        state.settings.insert("flash-attn".into(), flash.into());
                    }
                    let Ok(question) = asked(&state) else {
                        continue;
                    };
                    let Some(detail) = question.answers().detail(state.focus) else {
                        continue;
                    };
                    for explanation in &detail.explanations {
                        for english in &explanation.arithmetic {
                            check(backend.name, english);
                        }
                    }
                }
            }
        }
    }

    fn check(backend: &str, english: &str) {
        if english.starts_with("--") {
            return;
        }
        let japanese = line(Language::Ja, english);
        let words = japanese.split(|letter: char| !letter.is_ascii_alphanumeric());
        for word in words {
            // Of a name, capitals or digits are part.
            let is_term = word.len() < 4 || word.chars().any(|letter| !letter.is_ascii_lowercase());
            assert!(
                is_term || KEPT.contains(&word),
                "{backend}: {word} in {japanese}"
            );
        }
    }

    #[test]
    fn names_and_english_stay_as_they_are() {
        assert_eq!(
            line(Language::Ja, "--lora weights.gguf"),
            "--lora weights.gguf"
        );
        assert_eq!(line(Language::En, "36 layers"), "36 layers");
        assert_eq!(line(Language::Ja, "36 layers × 2 cells"), "36 層 × 2 セル");
    }
}
