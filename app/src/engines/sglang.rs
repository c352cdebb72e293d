//! SGLang's settings as fields.

use shared::engine::sglang::{CacheType, Sglang, StaticShare};
use shared::engine::{Engine, EngineError};
use shared::fit::{self, Advised, Freedom};

use super::{Backend, Kind, Relief, Setting, SettingError, Values, Wanted};
use crate::question::Question;
use crate::state::Focus;

pub(super) const BACKEND: Backend = Backend {
    name: "sglang",
    label: "SGLang",
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

const SETTINGS: &[Setting] = &[
    Setting {
        name: "mem-fraction-static",
        kind: Kind::Choice(&[
            ("", ("SGLang の既定", "SGLang's own")),
            ("auto", ("空きに合わせた最大", "the largest that fits")),
            ("0.80", OWN),
            ("0.85", OWN),
            ("0.90", OWN),
            ("0.95", OWN),
        ]),
        default: "",
        label: ("重みとキャッシュの割合", "Share for weights and caches"),
        help: (
            "起動時の空きに対する割合。既定はグラフや計算用に多めに空けます",
            "of what is free at the start; the default reserves generously for graphs and activations",
        ),
    },
    Setting {
        name: "tensor-parallel-size",
        kind: Kind::Number,
        default: "1",
        label: ("テンソル並列", "Tensor parallel"),
        help: ("各層を分け合う GPU の数", "GPUs that share each layer"),
    },
    Setting {
        name: "chunked-prefill-size",
        kind: Kind::Text,
        default: "",
        label: ("プロンプトを読む単位", "Tokens of a chunk"),
        help: (
            "減らすと計算用のメモリが減り、既定の割合は大きくなります",
            "fewer need less memory to compute, and the default share grows",
        ),
    },
    Setting {
        name: "max-running-requests",
        kind: Kind::Text,
        default: "",
        label: ("同時に扱うリクエスト", "Requests at once"),
        help: (
            "減らすとリクエストの表のメモリが減ります",
            "with fewer the table of requests is smaller",
        ),
    },
    Setting {
        name: "kv-cache-dtype",
        kind: Kind::Choice(&[
            ("", ("精度ごとに", "by precision")),
            ("auto", OWN),
            ("fp8_e4m3", OWN),
            ("fp8_e5m2", OWN),
            ("fp4_mx_block16", OWN),
        ]),
        default: "",
        label: ("KV キャッシュの型", "KV cache type"),
        help: (
            "型を選ぶと、その答えが 3 つの精度に並びます",
            "a chosen type gets an answer of its own beside the three precisions",
        ),
    },
    Setting {
        name: "disable-radix-cache",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("プレフィックスをキャッシュしない", "No prefix caching"),
        help: (
            "再帰型の層を持つモデルでは、リクエストごとの状態が減ります",
            "models with recurrent layers keep fewer states for each request",
        ),
    },
    Setting {
        name: "disable-cuda-graph",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("CUDA Graph を使わない", "No CUDA graphs"),
        help: (
            "メモリは減り、生成は遅くなります",
            "saves memory and slows generation down",
        ),
    },
];

fn build(values: &Values<'_>) -> Result<Box<dyn Engine>, SettingError> {
    settings(values).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

fn settings(values: &Values<'_>) -> Result<Sglang, SettingError> {
    let cache_type = |text: &str| match text {
        "" => Some(CacheType::Auto),
        name => CacheType::from_name(name),
    };
    let share = |text: &str| match text {
        "" => Some(StaticShare::Default),
        name => StaticShare::from_name(name),
    };
    Ok(Sglang {
        cache_type: values.read("kv-cache-dtype", cache_type)?,
        mem_fraction_static: values.read("mem-fraction-static", share)?,
        tensor_parallel_size: values.number("tensor-parallel-size")?,
        chunked_prefill_size: values.optional_number("chunked-prefill-size")?,
        max_running_requests: values.optional_number("max-running-requests")?,
        radix_cache: !values.is_on("disable-radix-cache"),
        cuda_graphs: !values.is_on("disable-cuda-graph"),
        ..Sglang::default()
    })
}

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
    let is_free = |name| !question.settings.contains_key(name);
    let freedom = Freedom {
        precisions: wanted.precisions.clone(),
        utilization: is_free("mem-fraction-static"),
        graphs: is_free("disable-cuda-graph"),
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

fn reliefs(question: &Question, _: Focus, _: u64) -> Vec<Relief> {
    let relief = |name, values: &[&str]| {
        question.backend.setting(name).map(|setting| Relief {
            setting,
            values: values.iter().map(|&value| value.into()).collect(),
        })
    };
    [
        relief("mem-fraction-static", &["auto"]),
        relief("chunked-prefill-size", &["2048", "1024"]),
        relief("disable-cuda-graph", &["on"]),
    ]
    .into_iter()
    .flatten()
    .collect()
}
