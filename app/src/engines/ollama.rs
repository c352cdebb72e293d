//! Ollama's settings as fields.

use shared::engine::llama_cpp::profile::{Ollama, Profile};

use super::llama_cpp::{self, CACHE_TYPE_K, FLASH_ATTENTION, GPU_LAYERS, MICRO_BATCH, PARALLEL};
use super::{Backend, Kind, Setting};

pub(super) const BACKEND: Backend = Backend {
    name: "ollama",
    label: "Ollama",
    reads_checkpoints: false,
    packing: None,
    settings: &[
        GPU_LAYERS,
        FLASH_ATTENTION,
        Setting {
            default: "",
            kind: Kind::Text,
            help: (
                "空欄なら Ollama がコンテキストと空きから 512〜2048 を選びます(num_batch)",
                "empty: Ollama chooses 512 to 2048 by the context and what is free (num_batch)",
            ),
            ..MICRO_BATCH
        },
        PARALLEL,
        CACHE_TYPE_K,
    ],
    beside: &[],
    advise: Some(llama_cpp::advise),
    cache_settings: &["cache-type-k"],
    reliefs: llama_cpp::reliefs,
    build: |values| llama_cpp::build(values, Ollama.defaults()),
};
