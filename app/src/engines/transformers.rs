//! Settings of Transformers and of the GPTQ packages that run its modules, as fields.

use shared::engine::Engine;
use shared::engine::transformers::{AttentionImplementation, Cache, Kernel, Profile, Transformers};

use super::{Backend, Kind, Setting, SettingError, Values};

pub(super) const TRANSFORMERS: Backend = Backend {
    name: "transformers",
    label: "Transformers",
    build: |values| build(Profile::Transformers, values),
    packing: None,
    ..GPTQ_MODEL
};

pub(super) const GPTQ_MODEL: Backend = Backend {
    name: "gptqmodel",
    label: "GPTQModel",
    reads_checkpoints: true,
    settings: SETTINGS,
    beside: &[],
    advise: None,
    cache_settings: &["cache"],
    reliefs: |_, _, _| Vec::new(),
    build: |values| build(Profile::GptqModel, values),
    packing: Some("gptq-int4-g128"),
};

pub(super) const AUTO_GPTQ: Backend = Backend {
    name: "autogptq",
    label: "AutoGPTQ",
    build: |values| build(Profile::AutoGptq, values),
    ..GPTQ_MODEL
};

/// A value that is its own label.
const OWN: (&str, &str) = ("", "");
/// What the package chooses.
const CHOSEN: (&str, (&str, &str)) = ("", ("自動", "automatic"));

const SETTINGS: &[Setting] = &[
    Setting {
        name: "cache",
        kind: Kind::Choice(&[
            ("", ("精度ごとに", "by precision")),
            ("dynamic", OWN),
            ("static", OWN),
            ("int8", OWN),
            ("int4", OWN),
        ]),
        default: "",
        label: ("KV キャッシュのクラス", "Class of the KV cache"),
        help: (
            "static は最初に全文脈ぶんを確保します",
            "static takes the whole context from the start",
        ),
    },
    Setting {
        name: "attn-implementation",
        kind: Kind::Choice(&[
            CHOSEN,
            ("sdpa", OWN),
            ("eager", OWN),
            ("flash_attention_2", OWN),
        ]),
        default: "",
        label: ("アテンション", "Attention"),
        help: (
            "eager は文脈長の 2 乗のメモリを使います",
            "eager needs memory by the square of the context",
        ),
    },
    Setting {
        name: "kernel",
        kind: Kind::Choice(&[
            CHOSEN,
            ("marlin", OWN),
            ("exllama_v2", OWN),
            ("triton", OWN),
            ("torch", OWN),
        ]),
        default: "",
        label: ("GPTQ のカーネル", "Kernel for GPTQ"),
        help: (
            "exllama_v2 は約 1 GB の作業領域を持ち続けます",
            "exllama_v2 keeps about 1 GB of scratch",
        ),
    },
];

fn build(profile: Profile, values: &Values<'_>) -> Result<Box<dyn Engine>, SettingError> {
    Ok(Box::new(Transformers {
        cache: chosen(values, "cache", Cache::from_name)?.unwrap_or_default(),
        attention: chosen(
            values,
            "attn-implementation",
            AttentionImplementation::from_name,
        )?,
        kernel: chosen(values, "kernel", Kernel::from_name)?,
        ..Transformers::of(profile)
    }))
}

/// The value of a setting; `None` where it is left to the package.
fn chosen<T>(
    values: &Values<'_>,
    name: &'static str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, SettingError> {
    match values.text(name) {
        "" => Ok(None),
        _ => values.read(name, read).map(Some),
    }
}
