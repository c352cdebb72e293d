//! vLLM's settings as fields.

use shared::engine::vllm::{CacheType, Utilization, Version, Vllm};
use shared::engine::{Engine, EngineError};
use shared::fit::{self, Advised, Freedom};

use super::{Backend, Kind, Relief, Setting, SettingError, Values, Wanted};
use crate::question::Question;
use crate::state::Focus;

pub(super) const BACKEND: Backend = Backend {
    name: "vllm",
    label: "vLLM",
    reads_checkpoints: true,
    packing: None,
    settings: SETTINGS,
    beside: &[],
    advise: Some(advise),
    cache_settings: &["kv-cache-dtype"],
    reliefs,
    build,
};

/// A value that is its own label.
const OWN: (&str, &str) = ("", "");

/// What people choose of the types; the command line takes them all.
const CACHE_TYPES: &[(&str, (&str, &str))] = &[
    ("", ("精度ごとに", "by precision")),
    ("auto", OWN),
    ("fp8", OWN),
    ("int8_per_token_head", OWN),
    ("int4_per_token_head", OWN),
    ("nvfp4", OWN),
    ("turboquant_k8v4", OWN),
    ("turboquant_4bit_nc", OWN),
];

const SETTINGS: &[Setting] = &[
    Setting {
        name: "backend-version",
        kind: Kind::Choice(&[("0.33.0", OWN), ("0.20.0", ("0.20 以前", "0.20 or older"))]),
        default: "0.33.0",
        label: ("バージョン", "Version"),
        help: (
            "0.21 から、既定の割合が 0.92 になり、CUDA Graph も割合に含まれます",
            "from 0.21 on the default share is 0.92, and CUDA graphs count towards it",
        ),
    },
    Setting {
        name: "gpu-memory-utilization",
        kind: Kind::Text,
        default: "",
        label: ("GPU メモリの割合", "Share of the GPU's memory"),
        help: (
            "空欄なら既定の割合、空きが足りなければ空きの分。起動時にこの分が空いている必要があります",
            "empty for the default, or what is free; it has to be free at the start",
        ),
    },
    Setting {
        name: "max-model-len",
        kind: Kind::Text,
        default: "",
        label: ("最大コンテキスト長", "Longest context"),
        help: ("空欄なら収まるだけ", "empty for as long as fits"),
    },
    Setting {
        name: "tensor-parallel-size",
        kind: Kind::Number,
        default: "1",
        label: ("テンソル並列", "Tensor parallel"),
        help: ("各層を分け合う GPU の数", "GPUs that share each layer"),
    },
    Setting {
        name: "pipeline-parallel-size",
        kind: Kind::Number,
        default: "1",
        label: ("パイプライン並列", "Pipeline parallel"),
        help: (
            "連続する層を受け持つ GPU(またはその組)の数",
            "GPUs, or groups of them, that hold consecutive layers",
        ),
    },
    Setting {
        name: "max-num-batched-tokens",
        kind: Kind::Text,
        default: "",
        label: ("1 ステップのトークン", "Tokens of a step"),
        help: (
            "減らすと計算用のメモリと、窓のある層のキャッシュが減ります",
            "fewer need less memory to compute, and shorter caches where layers have a window",
        ),
    },
    Setting {
        name: "max-num-seqs",
        kind: Kind::Text,
        default: "",
        label: ("同時に扱うリクエスト", "Requests at once"),
        help: (
            "減らすとロジットのメモリが減ります",
            "fewer need less memory for logits",
        ),
    },
    Setting {
        name: "kv-cache-dtype",
        kind: Kind::Choice(CACHE_TYPES),
        default: "",
        label: ("KV キャッシュの型", "KV cache type"),
        help: (
            "型を選ぶと、その答えが 3 つの精度に並びます",
            "a chosen type gets an answer of its own beside the three precisions",
        ),
    },
    Setting {
        name: "enforce-eager",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("CUDA Graph を使わない", "No CUDA graphs"),
        help: (
            "メモリは減り、生成は遅くなります",
            "saves memory and slows generation down",
        ),
    },
    Setting {
        name: "language-model-only",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("画像や音声を扱わない", "No images or sound"),
        help: (
            "エンコーダーを読み込まず、1~4 GiB 空くことがあります",
            "their encoders are not loaded, which may free 1 to 4 GiB",
        ),
    },
    Setting {
        name: "no-enable-prefix-caching",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("プレフィックスをキャッシュしない", "No prefix caching"),
        help: (
            "再帰型の層を持つモデルでは、状態の数が減ります",
            "models with recurrent layers keep fewer states",
        ),
    },
    Setting {
        name: "disable-hybrid-kv-cache-manager",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("窓の層も全文脈を保持", "Keep all of sliding windows"),
        help: (
            "スライディングウィンドウの層にも全文脈のキャッシュを取ります",
            "layers with a sliding window cache the whole context too",
        ),
    },
];

fn build(values: &Values<'_>) -> Result<Box<dyn Engine>, SettingError> {
    settings(values).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

fn settings(values: &Values<'_>) -> Result<Vllm, SettingError> {
    let cache_type = |text: &str| match text {
        "" => Some(CacheType::Auto),
        name => CacheType::from_name(name),
    };
    let share = |text: &str| match text.trim() {
        "" => Some(None),
        text => Utilization::from_decimal(text).map(Some),
    };
    Ok(Vllm {
        version: values.read("backend-version", Version::from_name)?,
        gpu_memory_utilization: values
            .read("gpu-memory-utilization", share)
            .map_err(|_| share_error(values))?,
        max_model_len: values.optional_number("max-model-len")?,
        tensor_parallel_size: values.number("tensor-parallel-size")?,
        pipeline_parallel_size: values.number("pipeline-parallel-size")?,
        max_num_batched_tokens: values.optional_number("max-num-batched-tokens")?,
        max_num_seqs: values.optional_number("max-num-seqs")?,
        cache_type: values.read("kv-cache-dtype", cache_type)?,
        enforce_eager: values.is_on("enforce-eager"),
        language_model_only: values.is_on("language-model-only"),
        prefix_caching: !values.is_on("no-enable-prefix-caching"),
        hybrid_kv_cache_manager: !values.is_on("disable-hybrid-kv-cache-manager"),
        ..Vllm::default()
    })
}

/// Settings that serve, where those that were given stay as they are.
fn advise(
    question: &Question,
    focus: Focus,
    wanted: &Wanted,
) -> Result<Option<Advised>, EngineError> {
    if wanted.moves {
        return Ok(None);
    }
    let Ok(settings) = settings(&question.values()) else {
        // The question was only asked because its settings could be read.
        return Ok(None);
    };
    let settings = match focus {
        Focus::Precision(precision) => settings.in_precision(precision),
        Focus::Exact => settings,
    };
    let settings = Vllm {
        runtime_overhead: question.budget.runtime_overhead,
        safety_margin: question.budget.safety_margin,
        ..settings
    };
    let is_free = |name| !question.settings.contains_key(name);
    let freedom = Freedom {
        precisions: wanted.precisions.clone(),
        batched_tokens: is_free("max-num-batched-tokens"),
        utilization: is_free("gpu-memory-utilization"),
        graphs: is_free("enforce-eager"),
        encoders: is_free("language-model-only"),
        tensor_parallel: is_free("tensor-parallel-size"),
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

fn share_error(values: &Values<'_>) -> SettingError {
    SettingError::Engine(EngineError::InvalidSetting {
        name: "gpu-memory-utilization",
        value: values.text("gpu-memory-utilization").into(),
        expected: ("0.01–1", "0.01–1"),
    })
}

fn reliefs(question: &Question, _: Focus, _: u64) -> Vec<Relief> {
    let relief = |name, values: &[&str]| {
        question.backend.setting(name).map(|setting| Relief {
            setting,
            values: values.iter().map(|&value| value.into()).collect(),
        })
    };
    [
        relief("max-num-batched-tokens", &["2048", "1024", "512"]),
        relief("language-model-only", &["on"]),
        relief("enforce-eager", &["on"]),
    ]
    .into_iter()
    .flatten()
    .collect()
}
