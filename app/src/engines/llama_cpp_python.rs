//! llama-cpp-python's settings as fields.

use shared::engine::llama_cpp::profile::{LlamaCppPython, Profile};

use super::llama_cpp::{
    self, BATCH, CACHE_TYPE_K, CACHE_TYPE_V, FLASH_ATTENTION, GPU_LAYERS, MICRO_BATCH,
    NO_KV_OFFLOAD, SWA_FULL,
};
use super::{Backend, Setting};

pub(super) const BACKEND: Backend = Backend {
    name: "llama-cpp-python",
    label: "llama-cpp-python",
    reads_checkpoints: false,
    packing: None,
    settings: &[
        GPU_LAYERS,
        FLASH_ATTENTION,
        MICRO_BATCH,
        Setting {
            default: "512",
            ..BATCH
        },
        Setting {
            default: "on",
            ..SWA_FULL
        },
        CACHE_TYPE_K,
        CACHE_TYPE_V,
        NO_KV_OFFLOAD,
    ],
    beside: &[],
    advise: Some(llama_cpp::advise),
    cache_settings: &["cache-type-k", "cache-type-v"],
    reliefs: llama_cpp::reliefs,
    build: |values| llama_cpp::build(values, LlamaCppPython.defaults()),
};
