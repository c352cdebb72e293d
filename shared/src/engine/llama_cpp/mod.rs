//! llama.cpp, and the programs built on it as profiles of it.

mod settings;

pub use settings::{FlashAttention, LlamaCpp, SplitMode, TensorOverride, Version};
