//! Advice in words.

use shared::fit::Change;
use shared::quant::{FileType, Packing};
use shared::text::Language;

use super::option::Weights;
use crate::model::{self, Found};

/// What came of the search, where `longest` tokens fit as asked.
pub(super) fn verdict(fits: bool, has_options: bool, longest: u64, language: Language) -> String {
    let verdict = match (fits, has_options) {
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
    };
    match language {
        _ if fits || has_options || longest == 0 => verdict.into(),
        Language::Ja => format!("{verdict}(そのままなら {longest} トークンまで収まります)"),
        Language::En => format!("{verdict} (as asked, up to {longest} tokens fit)"),
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
            Language::En if *layers == 1 => "experts of the first layer on the CPU (slower)".into(),
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
        Change::Setting(name, value) => of_setting(name, value, language),
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

/// An option of the engine's own.
fn of_setting(name: &str, value: &str, language: Language) -> String {
    match (name, value) {
        ("max-num-seqs", _) => match language {
            Language::Ja => format!("同時に処理するリクエストを {value} 件までにする"),
            Language::En => format!("at most {value} requests at once"),
        },
        ("language-model-only", _) => language
            .pick(
                "画像や音声を扱わない(エンコーダーを読み込まない)",
                "neither images nor sound (their encoders are not loaded)",
            )
            .into(),
        ("cache", _) => match language {
            Language::Ja => format!("KV キャッシュを {value} にする(最初に全文脈ぶんを確保)"),
            Language::En => format!("a {value} cache (all of the context from the start)"),
        },
        ("attn-implementation", "flash_attention_2") => language
            .pick(
                "アテンションを flash_attention_2 にする(flash-attn パッケージが必要)",
                "attention by flash_attention_2 (needs the flash-attn package)",
            )
            .into(),
        ("attn-implementation", _) => match language {
            Language::Ja => format!("アテンションを {value} にする"),
            Language::En => format!("attention by {value}"),
        },
        ("dtype", _) => match language {
            Language::Ja => format!("{value} で読み込む(float32 の半分)"),
            Language::En => format!("loaded in {value} (half of float32)"),
        },
        ("kernel", _) => match language {
            Language::Ja => format!("{value} カーネルを使う(生成が遅くなる)"),
            Language::En => format!("the {value} kernel (slower)"),
        },
        ("cache-type-k-draft", _) => match language {
            Language::Ja => format!("下書き側の K キャッシュを {value} にする"),
            Language::En => format!("the draft's keys in {value}"),
        },
        ("cache-type-v-draft", _) => match language {
            Language::Ja => format!("下書き側の V キャッシュを {value} にする"),
            Language::En => format!("the draft's values in {value}"),
        },
        ("no-mmproj-offload", _) => language
            .pick(
                "プロジェクターをホストメモリに置く(画像や音声の処理が遅くなる)",
                "the projector in host memory (images and sound are read more slowly)",
            )
            .into(),
        ("mem-fraction-static", _) => language
            .pick(
                "重みとキャッシュの割合を、ほかに要る分を残して最大にする",
                "the largest share for weights and caches that leaves room for the rest",
            )
            .into(),
        ("disable-cuda-graph", _) => language
            .pick(
                "CUDA Graph を使わない(生成が遅くなる)",
                "no CUDA graphs (tokens come more slowly)",
            )
            .into(),
        _ => format!("--{name} {value}"),
    }
}

/// Another format of the weights, and what it takes.
pub(super) fn of_weights(weights: Weights, language: Language) -> String {
    let packing = match (weights, language) {
        (Weights::Packed(packing), _) => packing,
        (Weights::File(file_type), Language::Ja) => {
            let much = if is_very_narrow(file_type) {
                "大きく"
            } else {
                ""
            };
            return format!("重みを {file_type} にする(質が{much}下がる)");
        }
        (Weights::File(file_type), Language::En) => {
            let much = if is_very_narrow(file_type) {
                "much "
            } else {
                ""
            };
            return format!("weights in {file_type} (of {much}lower quality)");
        }
    };
    let (name, needs) = (packing.name(), needs(packing));
    match (needs, language) {
        (CHECKPOINT, Language::Ja) => format!(
            "重みを {name} にする(その形式のチェックポイントが必要。大きさは推定: 埋め込みと出力層は 16 ビットのまま)"
        ),
        (CHECKPOINT, Language::En) => format!(
            "weights in {name} (needs a checkpoint in that format; size estimated: embedding and output matrix in 16 bits)"
        ),
        (package, Language::Ja) => format!(
            "読み込むときに重みを {name} にする({package} パッケージが必要。大きさは推定: 埋め込みと出力層は 16 ビットのまま)"
        ),
        (package, Language::En) => format!(
            "weights packed to {name} while they are loaded (needs the {package} package; size estimated: embedding and output matrix in 16 bits)"
        ),
    }
}

/// Whether most weights have two bits.
fn is_very_narrow(file_type: FileType) -> bool {
    file_type.name().trim_start_matches('I').starts_with("Q2")
}

/// A checkpoint in the format.
const CHECKPOINT: &str = "checkpoint";

/// What a format of checkpoints takes: such a checkpoint, or the package that packs on load.
pub(super) fn needs(packing: Packing) -> &'static str {
    match packing {
        Packing::Hqq(_) => "hqq",
        packing if model::is_packed_on_load(packing) => "bitsandbytes",
        _ => CHECKPOINT,
    }
}
