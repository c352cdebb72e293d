//! llama.cpp's settings as fields, and those of the programs built on it.

use shared::engine::Engine;
#[cfg(feature = "whole")]
use shared::engine::EngineError;
#[cfg(feature = "whole")]
use shared::engine::llama_cpp::profile::{self, Profile};
use shared::engine::llama_cpp::{FlashAttention, LlamaCpp, Version};
#[cfg(feature = "whole")]
use shared::fit;
#[cfg(feature = "whole")]
use shared::fit::{Advised, Freedom};
use shared::quant::TensorType;

#[cfg(feature = "whole")]
use super::Wanted;
use super::{Backend, Kind, Relief, Setting, SettingError, Values};
use crate::question::Question;
use crate::state::Focus;

pub(super) const BACKEND: Backend = Backend {
    name: "llama.cpp",
    label: "llama.cpp",
    reads_checkpoints: false,
    packing: None,
    settings: SETTINGS,
    #[cfg(feature = "whole")]
    beside: super::beside::SETTINGS,
    #[cfg(feature = "whole")]
    advise: Some(advise),
    cache_settings: &["cache-type-k", "cache-type-v"],
    reliefs,
    build: |values| build(values, LlamaCpp::default()),
};

/// A value that is its own label.
pub(super) const OWN: (&str, &str) = ("", "");

const CACHE_TYPES: &[(&str, (&str, &str))] = &[
    ("", ("精度ごとに", "by precision")),
    ("f32", OWN),
    ("f16", OWN),
    ("bf16", OWN),
    ("q8_0", OWN),
    ("q5_1", OWN),
    ("q5_0", OWN),
    ("q4_1", OWN),
    ("q4_0", OWN),
    ("iq4_nl", OWN),
];

const SETTINGS: &[Setting] = &[
    VERSION,
    GPU_LAYERS,
    CPU_EXPERTS,
    FLASH_ATTENTION,
    MICRO_BATCH,
    BATCH,
    PARALLEL,
    KV_UNIFIED,
    TENSOR_SPLIT,
    SWA_FULL,
    CACHE_TYPE_K,
    CACHE_TYPE_V,
    NO_KV_OFFLOAD,
];

const VERSION: Setting = Setting {
    name: "backend-version",
    kind: Kind::Choice(&[
        ("0.6.0", OWN),
        (
            "0.5.0",
            ("0.5.0(2026年9月から)", "0.5.0 (September 2026 on)"),
        ),
        ("b9900", ("b9490〜(2026年6月)", "b9490 on (June 2026)")),
        ("b9300", ("b9190〜(2026年5月)", "b9190 on (May 2026)")),
        ("b9000", ("b8620〜(2026年4月)", "b8620 on (April 2026)")),
        ("b8000", ("b7800〜(2026年1月)", "b7800 on (January 2026)")),
        ("b6500", ("b5900〜(2025年7月)", "b5900 on (July 2025)")),
    ]),
    default: "0.6.0",
    label: ("バージョン", "Version"),
    help: (
        "計算用バッファの規則はバージョンごとに違います",
        "the rules of the compute buffers differ between versions",
    ),
};

pub(super) const GPU_LAYERS: Setting = Setting {
    name: "n-gpu-layers",
    kind: Kind::Number,
    default: "",
    label: ("GPU に置く層", "GPU layers"),
    help: (
        "空欄ならすべて。減らすと残りはメインメモリに載り、生成は遅くなります",
        "empty for all; the rest goes to main memory and generates more slowly",
    ),
};

pub(super) const CPU_EXPERTS: Setting = Setting {
    name: "n-cpu-moe",
    kind: Kind::Number,
    default: "0",
    label: (
        "エキスパートを CPU に置く層",
        "Layers with experts on the CPU",
    ),
    help: (
        "MoE モデルの先頭からこの数の層だけ、エキスパートをメインメモリに置きます",
        "the experts of the first layers of a mixture-of-experts model stay in main memory",
    ),
};

pub(super) const FLASH_ATTENTION: Setting = Setting {
    name: "flash-attn",
    kind: Kind::Choice(&[
        ("auto", ("自動", "auto")),
        ("on", ("オン", "on")),
        ("off", ("オフ", "off")),
    ]),
    default: "auto",
    label: ("Flash Attention", "Flash attention"),
    help: (
        "オフにすると計算用バッファが文脈とともに増え、V キャッシュを量子化できません",
        "off makes the compute buffer grow with the context and keeps the V cache unquantized",
    ),
};

pub(super) const MICRO_BATCH: Setting = Setting {
    name: "ubatch-size",
    kind: Kind::Number,
    default: "512",
    label: ("マイクロバッチ", "Micro-batch"),
    help: (
        "一度に計算するトークン数。小さくすると計算用バッファが減ります",
        "tokens computed at once; fewer need a smaller compute buffer",
    ),
};

pub(super) const BATCH: Setting = Setting {
    name: "batch-size",
    kind: Kind::Number,
    default: "2048",
    label: ("バッチ", "Batch"),
    help: (
        "一度に受け取るトークン数。マイクロバッチの上限になります",
        "tokens taken at once; the micro-batch cannot exceed it",
    ),
};

pub(super) const PARALLEL: Setting = Setting {
    name: "parallel",
    kind: Kind::Number,
    default: "1",
    label: ("同時に扱う会話", "Parallel sequences"),
    help: (
        "スロットの数。コンテキストはスロットで分け合います",
        "slots; they share the context",
    ),
};

pub(super) const KV_UNIFIED: Setting = Setting {
    name: "kv-unified",
    kind: Kind::Switch("on"),
    default: "off",
    label: ("KV キャッシュを共用", "Unified KV cache"),
    help: (
        "すべてのスロットで 1 つのキャッシュを使います",
        "one cache for all slots",
    ),
};

pub(super) const SWA_FULL: Setting = Setting {
    name: "swa-full",
    kind: Kind::Switch("on"),
    default: "off",
    label: ("窓の層も全文脈を保持", "Keep all of sliding windows"),
    help: (
        "スライディングウィンドウの層にも全文脈のキャッシュを取ります",
        "layers with a sliding window cache the whole context too",
    ),
};

pub(super) const CACHE_TYPE_K: Setting = Setting {
    name: "cache-type-k",
    kind: Kind::Choice(CACHE_TYPES),
    default: "",
    label: ("K キャッシュの型", "K cache type"),
    help: (
        "型を選ぶと、その組み合わせの答えが 3 つの精度に並びます",
        "chosen types get an answer of their own beside the three precisions",
    ),
};

pub(super) const CACHE_TYPE_V: Setting = Setting {
    name: "cache-type-v",
    kind: Kind::Choice(CACHE_TYPES),
    default: "",
    label: ("V キャッシュの型", "V cache type"),
    help: (
        "K と違う型も選べます(MLA のモデルを除く)",
        "may differ from K, except for MLA models",
    ),
};

pub(super) const NO_KV_OFFLOAD: Setting = Setting {
    name: "no-kv-offload",
    kind: Kind::Switch("on"),
    default: "off",
    label: ("KV キャッシュを CPU に置く", "KV cache in main memory"),
    help: (
        "VRAM を使わない代わりに、生成が遅くなります",
        "saves VRAM and slows generation down",
    ),
};

const TENSOR_SPLIT: Setting = Setting {
    name: "tensor-split",
    kind: Kind::Text,
    default: "",
    label: ("GPU ごとの割合", "Split over the GPUs"),
    help: (
        "GPU ごとの層の割合。例: 37,4。空欄なら空き VRAM に合わせて分かれます",
        "shares of the layers, GPU by GPU, as in 37,4; empty: they follow the free VRAM",
    ),
};

/// The program with these settings, where what it has no field for is as `own` has it.
pub(super) fn build(values: &Values<'_>, own: LlamaCpp) -> Result<Box<dyn Engine>, SettingError> {
    settings(values, own).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

/// Shares with commas between them, with three decimals at most.
fn shares(text: &str) -> Option<Vec<f32>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|text| share(text.trim())).collect()
}

/// Thousandths divide to the very number that the engine reads; the library's reader of floats
/// would be a thirtieth of the program.
fn share(text: &str) -> Option<f32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let padded = [decimals, "000"].concat();
    if whole.is_empty() && decimals.is_empty() {
        return None;
    }
    if !decimals.bytes().all(|digit| digit.is_ascii_digit()) || decimals.len() > 3 {
        return None;
    }
    let thousandths: u32 = [whole, padded.get(..3)?].concat().parse().ok()?;
    #[allow(clippy::cast_precision_loss)]
    let share = thousandths as f32 / 1000.0;
    Some(share)
}

/// The type of this name; f16 where none is given.
pub(super) fn cache_type(text: &str) -> Option<TensorType> {
    match text {
        "" => Some(TensorType::F16),
        name => TensorType::from_name(name),
    }
}

pub(super) fn settings(values: &Values<'_>, own: LlamaCpp) -> Result<LlamaCpp, SettingError> {
    let number = |name, otherwise| {
        let given = values.optional_number(name)?;
        Ok::<u64, SettingError>(given.unwrap_or(otherwise))
    };
    let switch = |name, otherwise| match values.text(name) {
        "" => otherwise,
        text => text == "on",
    };
    let cache_type_k = values.read("cache-type-k", cache_type)?;
    let micro_batch = values.optional_number("ubatch-size")?;
    let ubatch_size = micro_batch.unwrap_or(own.ubatch_size);
    let has_one_batch_size = own.profile.has_one_batch_size();
    Ok(LlamaCpp {
        version: match values.text("backend-version") {
            "" => own.version,
            _ => values.read("backend-version", Version::from_name)?,
        },
        cache_type_k,
        cache_type_v: match values.has("cache-type-v") {
            true => values.read("cache-type-v", cache_type)?,
            false => cache_type_k,
        },
        flash_attention: values.read("flash-attn", |text| match text {
            "auto" => Some(FlashAttention::Auto),
            "on" => Some(FlashAttention::On),
            "off" => Some(FlashAttention::Off),
            _ => None,
        })?,
        batch_size: match has_one_batch_size {
            true => ubatch_size,
            false => number("batch-size", own.batch_size)?,
        },
        ubatch_size,
        automatic_batch: own.automatic_batch && micro_batch.is_none(),
        parallel: number("parallel", own.parallel)?,
        kv_unified: switch("kv-unified", own.kv_unified),
        swa_full: switch("swa-full", own.swa_full),
        gpu_layers: values.optional_number("n-gpu-layers")?,
        cpu_moe_layers: number("n-cpu-moe", own.cpu_moe_layers)?,
        kv_offload: !values.is_on("no-kv-offload"),
        tensor_split: values.read("tensor-split", shares)?,
        #[cfg(feature = "whole")]
        additions: super::beside::additions(values)?,
        ..own
    })
}

/// Layers for each GPU with which the context fits. The whole program alone looks for them.
#[cfg(not(feature = "whole"))]
fn split(_: &Question, _: Focus, _: u64) -> Option<Vec<u64>> {
    None
}

/// Layers for each GPU with which the context fits.
#[cfg(feature = "whole")]
fn split(question: &Question, focus: Focus, context: u64) -> Option<Vec<u64>> {
    let values = question.values();
    let settings = settings(&values, LlamaCpp::default()).ok()?;
    let settings = match focus {
        Focus::Precision(precision) => settings.in_precision(precision),
        Focus::Exact => settings,
    };
    let model = &question.chosen.model;
    fit::split(
        &settings,
        model,
        &question.devices,
        &question.budget,
        context,
    )
}

/// Settings that serve, where those that were given stay as they are.
#[cfg(feature = "whole")]
pub(super) fn advise(
    question: &Question,
    focus: Focus,
    wanted: &Wanted,
) -> Result<Option<Advised>, EngineError> {
    let backend = question.backend;
    let own = profile::find(backend.name).map_or_else(LlamaCpp::default, Profile::defaults);
    let Ok(settings) = settings(&question.values(), own) else {
        // The question was only asked because its settings could be read.
        return Ok(None);
    };
    let settings = match focus {
        Focus::Precision(precision) => settings.in_precision(precision),
        Focus::Exact => settings,
    };
    let is_given = |name| question.settings.contains_key(name);
    let is_free = |name| !is_given(name) && backend.setting(name).is_some();
    let freedom = Freedom {
        precisions: wanted.precisions.clone(),
        // A few layers more on a GPU are worth more than smaller batches.
        micro_batch: !wanted.moves
            && is_free(MICRO_BATCH.name)
            && (!is_given(BATCH.name) || !settings.profile.has_one_batch_size()),
        flash_attention: is_free(FLASH_ATTENTION.name),
        gpu_layers: wanted.moves && is_free(GPU_LAYERS.name),
        cpu_experts: wanted.moves && is_free(CPU_EXPERTS.name),
        tensor_split: is_free(TENSOR_SPLIT.name),
        ..Freedom::default()
    };
    let (model, devices) = (&question.chosen.model, &question.devices);
    fit::advise(
        &settings,
        &freedom,
        model,
        devices,
        &question.budget,
        wanted.context,
    )
}

pub(super) fn reliefs(question: &Question, focus: Focus, context: u64) -> Vec<Relief> {
    let (backend, model) = (question.backend, &question.chosen.model);
    let layers = model.layers.len();
    let has_experts = model
        .layers
        .iter()
        .any(|layer| layer.feed_forward.experts.is_some());
    let relief = |name, values: Vec<String>| {
        backend
            .setting(name)
            .map(|setting| Relief { setting, values })
    };
    let experts = has_experts
        .then(|| {
            relief(
                "n-cpu-moe",
                (1..=layers).map(|count| count.to_string()).collect(),
            )
        })
        .flatten();
    // Only llama.cpp itself has a field for it.
    let split = backend.setting(TENSOR_SPLIT.name).and_then(|setting| {
        let layers = split(question, focus, context)?;
        let layers: Vec<String> = layers.iter().map(u64::to_string).collect();
        let values = vec![layers.join(",")];
        Some(Relief { setting, values })
    });
    [
        split,
        relief(
            "ubatch-size",
            ["256", "128", "64"].map(str::to_owned).into(),
        ),
        experts,
        relief(
            "n-gpu-layers",
            (0..=layers).rev().map(|count| count.to_string()).collect(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_the_engine_reads_them() {
        assert_eq!(shares(""), Some(Vec::new()));
        assert_eq!(shares("37, 4"), Some(vec![37.0, 4.0]));
        assert_eq!(shares("0.75,.125"), Some(vec![0.75, 0.125]));
        for wrong in ["-1", "a", "1,,2", ".", "1.2345", "1e3", "+-1"] {
            assert_eq!(shares(wrong), None, "{wrong}");
        }
    }
}
