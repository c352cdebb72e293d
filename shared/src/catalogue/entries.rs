//! The models known by name.

use super::Entry;
use crate::quant::FileType;

/// The configuration of this name in `configs/`.
macro_rules! config {
    ($name:literal) => {
        include_str!(concat!("configs/", $name, ".json"))
    };
}

/// Every model known by name.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        tag: "llama3.1:8b",
        aliases: &["llama3.1"],
        repository: "meta-llama/Llama-3.1-8B-Instruct",
        file_type: FileType::Q4KM,
        parameters: "8.0B",
        context_length: 131_072,
        config: config!("llama-3.1-8b"),
    },
    Entry {
        tag: "qwen3:8b",
        aliases: &["qwen3"],
        repository: "Qwen/Qwen3-8B",
        file_type: FileType::Q4KM,
        parameters: "8.2B",
        context_length: 40_960,
        config: config!("qwen3-8b"),
    },
];
