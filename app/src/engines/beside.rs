//! Settings of what runs beside a model in llama.cpp, as fields.

use shared::engine::llama_cpp::{Additions, Draft};

use super::llama_cpp::{OWN, cache_type};
use super::{Kind, Setting, SettingError, Values};

/// The setting that lets a model's own prediction layers draft.
pub const PREDICTION: Setting = Setting {
    name: "spec-type",
    kind: Kind::Switch("draft-mtp"),
    default: "off",
    label: (
        "MTP 層で先読みする",
        "Draft with the model’s own MTP layers",
    ),
    help: (
        "モデルに付属する予測層を読み込み、専用の KV キャッシュを取ります",
        "loads the prediction layers in the model’s file, with a KV cache of their own",
    ),
};

pub(super) const SETTINGS: &[Setting] = &[
    PREDICTION,
    Setting {
        name: "spec-draft-n-max",
        kind: Kind::Number,
        default: "3",
        label: ("一度に先読みするトークン", "Tokens drafted at once"),
        help: (
            "多いほどロジットのバッファが増えます",
            "more need a larger buffer for logits",
        ),
    },
    Setting {
        name: "n-gpu-layers-draft",
        kind: Kind::Number,
        default: "",
        label: ("ドラフトの GPU 層", "GPU layers of the draft model"),
        help: ("空欄ならすべて", "empty for all"),
    },
    Setting {
        name: "cache-type-k-draft",
        kind: Kind::Choice(TYPES),
        default: "f16",
        label: ("ドラフトの K キャッシュの型", "K cache type of the draft"),
        help: (
            "ドラフトも、モデルと同じ長さの KV キャッシュを取ります",
            "the draft caches as many tokens as the model does",
        ),
    },
    Setting {
        name: "cache-type-v-draft",
        kind: Kind::Choice(TYPES),
        default: "f16",
        label: ("ドラフトの V キャッシュの型", "V cache type of the draft"),
        help: ("K とは別に選べます", "chosen apart from that of K"),
    },
    Setting {
        name: "no-mmproj-offload",
        kind: Kind::Switch("on"),
        default: "off",
        label: ("mmproj を CPU に置く", "Projector on the CPU"),
        help: (
            "画像や音声の処理が遅くなる代わりに、VRAM を使いません",
            "saves VRAM and slows images and sound down",
        ),
    },
];

const TYPES: &[(&str, (&str, &str))] = &[
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

/// What runs beside the model, with its numbers.
pub(super) fn additions(values: &Values<'_>) -> Result<Additions, SettingError> {
    let chosen = values.beside;
    if !values.has(PREDICTION.name) {
        return Ok(chosen.clone());
    }
    let layers = values.optional_number("n-gpu-layers-draft")?;
    let tokens = values.optional_number("spec-draft-n-max")?;
    Ok(Additions {
        draft: chosen.draft.clone().map(|draft| Draft {
            gpu_layers: layers,
            ..draft
        }),
        prediction: values.text(PREDICTION.name) != PREDICTION.default,
        draft_tokens: tokens.unwrap_or(chosen.draft_tokens),
        cache_type_k: values.read("cache-type-k-draft", cache_type)?,
        cache_type_v: values.read("cache-type-v-draft", cache_type)?,
        projector_offload: !values.is_on("no-mmproj-offload"),
        ..chosen.clone()
    })
}
