//! Advice in words.

use shared::fit::Change;
use shared::quant::FileType;
use shared::text::Language;

use crate::model::Found;

/// What came of the search.
pub(super) fn verdict(fits: bool, has_options: bool, language: Language) -> &'static str {
    match (fits, has_options) {
        (true, false) => language.pick(
            "そのままで収まります。これより長くできる設定はありません",
            "it fits as asked, and no setting makes it longer",
        ),
        (true, true) => language.pick(
            "そのままで収まります。上の設定ならもっと長くできます",
            "it fits as asked; the settings above make it longer",
        ),
        (false, false) => language.pick(
            "どの設定でも収まりません。もっと小さい形式の重みか、短いコンテキストを選んでください",
            "no setting makes it fit: choose a smaller format of the weights or a shorter context",
        ),
        (false, true) => language.pick(
            "そのままでは収まりません。上の設定のどれかなら収まります",
            "it does not fit as asked; with any of the settings above it does",
        ),
    }
}

/// One change.
pub(super) fn of(change: &Change, found: &Found, language: Language) -> String {
    match change {
        Change::Precision(precision) => {
            let name = precision.name();
            match language {
                Language::Ja => format!("KV キャッシュを {name} にする"),
                Language::En => format!("KV cache in {name}"),
            }
        }
        Change::MicroBatch(tokens) => match language {
            Language::Ja => format!("物理バッチを {tokens} にする(プロンプトの処理が遅くなる)"),
            Language::En => format!("physical batch of {tokens} (prompts are read more slowly)"),
        },
        Change::FlashAttention => language
            .pick("Flash Attention を使う", "flash attention on")
            .into(),
        Change::CpuExperts(layers) => match language {
            Language::Ja => {
                format!("先頭から {layers} 層のエキスパートを CPU に置く(生成が遅くなる)")
            }
            Language::En => {
                format!("experts of the first {layers} layers on the CPU (slower)")
            }
        },
        Change::BatchedTokens(tokens) => match language {
            Language::Ja => {
                format!("1 ステップを {tokens} トークンにする(プロンプトの処理が遅くなる)")
            }
            Language::En => format!("steps of {tokens} tokens (prompts are read more slowly)"),
        },
        Change::Utilization(share) => match language {
            Language::Ja => format!("GPU メモリの割合を {share} に上げる(ほかに使える分が減る)"),
            Language::En => format!("{share} of the GPU's memory (less is left for others)"),
        },
        Change::NoGraphs => language
            .pick(
                "CUDA Graph を使わない(生成が遅くなる)",
                "no CUDA graphs (tokens come more slowly)",
            )
            .into(),
        Change::TensorParallel(gpus) => match language {
            Language::Ja => format!("{gpus} 枚の GPU で各層を分け合う"),
            Language::En => format!("each layer shared out among {gpus} GPUs"),
        },
        Change::GpuLayers(layers) => {
            let all = found.model.decoder_layers().count() + 1;
            match language {
                Language::Ja => {
                    format!("GPU に置くのは {all} 層中 {layers} 層だけ(生成がかなり遅くなる)")
                }
                Language::En => {
                    format!("only {layers} of {all} layers on the GPU (slower by far)")
                }
            }
        }
        Change::TensorSplit(layers) => {
            let layers: Vec<String> = layers.iter().map(u64::to_string).collect();
            let layers = layers.join(language.pick("、", ", "));
            match language {
                Language::Ja => format!("GPU ごとの層を順に {layers} にする"),
                Language::En => format!("{layers} layers on the GPUs in turn"),
            }
        }
    }
}

/// Another format of the weights.
pub(super) fn of_weights(file_type: FileType, language: Language) -> String {
    match language {
        Language::Ja => format!("重みを {file_type} にする(質が下がる)"),
        Language::En => format!("weights in {file_type} (of lower quality)"),
    }
}
