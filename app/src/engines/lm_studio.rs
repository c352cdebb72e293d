//! LM Studio's settings as fields.

use shared::engine::llama_cpp::profile::{LmStudio, Profile};

use super::llama_cpp::{
    self, BATCH, CACHE_TYPE_K, CACHE_TYPE_V, FLASH_ATTENTION, KV_UNIFIED, MICRO_BATCH,
    NO_KV_OFFLOAD, PARALLEL,
};
use super::{Backend, Setting};

pub(super) const BACKEND: Backend = Backend {
    name: "lm-studio",
    label: "LM Studio",
    reads_checkpoints: false,
    packing: None,
    settings: &[
        FLASH_ATTENTION,
        MICRO_BATCH,
        Setting {
            default: "512",
            ..BATCH
        },
        Setting {
            default: "4",
            ..PARALLEL
        },
        Setting {
            default: "on",
            ..KV_UNIFIED
        },
        CACHE_TYPE_K,
        CACHE_TYPE_V,
        NO_KV_OFFLOAD,
    ],
    beside: &[],
    advise: Some(llama_cpp::advise),
    cache_settings: &["cache-type-k", "cache-type-v"],
    reliefs: llama_cpp::reliefs,
    build: |values| llama_cpp::build(values, LmStudio.defaults()),
};
