//! llama-cpp-python.
//!
//! Source: llama-cpp-python 0.3.36, which carries llama.cpp 0.5.0; `llama_cpp/llama.py`
//! (`Llama.__init__`): batches of 512, flash attention off, the library's own defaults elsewhere
//! (sliding windows cached whole, logits of a whole micro-batch).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::words::{file, python, shares};
use super::{OWN_BATCH, Profile, with_own_build};
use crate::engine::llama_cpp::{FlashAttention, LlamaCpp, SplitMode};
use crate::quant::TensorType;

/// llama-cpp-python.
#[derive(Debug)]
pub struct LlamaCppPython;

const TAKES: &[&str] = &[
    "--cache-type-k",
    "--cache-type-v",
    "--flash-attn",
    "--batch-size",
    "--ubatch-size",
    "--swa-full",
    "--n-gpu-layers",
    "--tensor-split",
    "--split-mode",
    "--main-gpu",
    "--no-kv-offload",
    "--no-op-offload",
];

impl Profile for LlamaCppPython {
    fn name(&self) -> &'static str {
        "llama-cpp-python"
    }

    fn label(&self) -> &'static str {
        "llama-cpp-python"
    }

    fn version(&self) -> Option<&'static str> {
        Some("0.3.36")
    }

    fn defaults(&self) -> LlamaCpp {
        LlamaCpp {
            swa_full: true,
            ..with_own_build(&Self)
        }
    }

    fn takes(&self) -> &'static [&'static str] {
        TAKES
    }

    /// It is off unless asked for, which a quantized value cache needs.
    fn attention(&self, settings: &LlamaCpp) -> FlashAttention {
        match settings.cache_type_v.is_quantized() {
            true => FlashAttention::On,
            false => FlashAttention::Off,
        }
    }

    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String {
        let mut given: Vec<String> = Vec::new();
        let mut argument = |name: &str, value: &str| given.push(format!("{name}={value}"));
        argument("model_path", &python(&file(model)));
        match settings.gpu_layers {
            None => argument("n_gpu_layers", "-1"),
            Some(layers) => argument("n_gpu_layers", &layers.to_string()),
        }
        argument("n_ctx", &context_length.to_string());
        if settings.flash_attention == FlashAttention::On
            || settings.flash_attention == FlashAttention::Auto && settings.uses_flash_attention()
        {
            argument("flash_attn", "True");
        }
        for (name, cache_type) in [
            ("type_k", settings.cache_type_k),
            ("type_v", settings.cache_type_v),
        ] {
            if cache_type != TensorType::F16 {
                argument(name, &cache_type.id().to_string());
            }
        }
        if settings.batch_size != OWN_BATCH {
            argument("n_batch", &settings.batch_size.to_string());
        }
        if settings.ubatch_size != OWN_BATCH {
            argument("n_ubatch", &settings.ubatch_size.to_string());
        }
        if !settings.swa_full {
            argument("swa_full", "False");
        }
        if !settings.tensor_split.is_empty() {
            let split = shares(&settings.tensor_split, ", ");
            argument("tensor_split", &format!("[{split}]"));
        }
        if settings.split_mode == SplitMode::None {
            argument("split_mode", "0");
            argument("main_gpu", &settings.main_gpu.to_string());
        }
        if !settings.kv_offload {
            argument("offload_kqv", "False");
        }
        if !settings.op_offload {
            argument("op_offload", "False");
        }
        format!(
            "from llama_cpp import Llama\nllm = Llama({})",
            given.join(", ")
        )
    }
}
