//! KoboldCpp's settings as fields.

use shared::engine::llama_cpp::profile::{KoboldCpp, Profile};

use super::llama_cpp::{
    self, CACHE_TYPE_K, CPU_EXPERTS, FLASH_ATTENTION, GPU_LAYERS, MICRO_BATCH, NO_KV_OFFLOAD,
    SWA_FULL,
};
use super::{Backend, Setting};

pub(super) const BACKEND: Backend = Backend {
    name: "koboldcpp",
    label: "KoboldCpp",
    reads_checkpoints: false,
    packing: None,
    settings: &[
        GPU_LAYERS,
        CPU_EXPERTS,
        FLASH_ATTENTION,
        MICRO_BATCH,
        Setting {
            default: "on",
            ..SWA_FULL
        },
        CACHE_TYPE_K,
        NO_KV_OFFLOAD,
    ],
    beside: &[],
    advise: Some(llama_cpp::advise),
    cache_settings: &["cache-type-k"],
    reliefs: llama_cpp::reliefs,
    build: |values| llama_cpp::build(values, KoboldCpp.defaults()),
};
