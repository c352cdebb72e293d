//! The command line that starts llama-server with these settings.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::settings::{FlashAttention, LlamaCpp, SplitMode};
use crate::quant::TensorType;

/// llama-server's command line; options at their defaults are left out, except those that make
/// the answer hold (context, layers, slots).
pub(super) fn llama_server(settings: &LlamaCpp, model: &str, context_length: u64) -> String {
    let mut words: Vec<String> = Vec::from(["llama-server".into()]);
    let mut option = |name: &str, value: String| {
        words.push(name.into());
        if !value.is_empty() {
            words.push(value);
        }
    };
    let is_path = model.ends_with(".gguf") || model.starts_with(['/', '.']) || model.contains('\\');
    if is_path {
        option("--model", quote(model));
    } else if model.contains('/') {
        option("--hf-repo", quote(model));
    } else {
        option(
            "--model",
            quote(&format!("{}.gguf", model.replace(':', "-"))),
        );
    }
    option("--ctx-size", context_length.to_string());
    let layers = settings
        .gpu_layers
        .map_or_else(|| "all".into(), |layers| layers.to_string());
    option("--n-gpu-layers", layers);
    option("--parallel", settings.parallel.to_string());
    if settings.kv_unified {
        option("--kv-unified", String::new());
    }
    match settings.flash_attention {
        FlashAttention::On => option("--flash-attn", "on".into()),
        FlashAttention::Off => option("--flash-attn", "off".into()),
        FlashAttention::Auto => {}
    }
    if settings.cache_type_k != TensorType::F16 {
        option("--cache-type-k", settings.cache_type_k.name().into());
    }
    if settings.cache_type_v != TensorType::F16 {
        option("--cache-type-v", settings.cache_type_v.name().into());
    }
    let defaults = LlamaCpp::default();
    if settings.batch_size != defaults.batch_size {
        option("--batch-size", settings.batch_size.to_string());
    }
    if settings.ubatch_size != defaults.ubatch_size {
        option("--ubatch-size", settings.ubatch_size.to_string());
    }
    if settings.swa_full {
        option("--swa-full", String::new());
    }
    if settings.cpu_moe_layers > 0 {
        option("--n-cpu-moe", settings.cpu_moe_layers.to_string());
    }
    for given in &settings.tensor_overrides {
        option(
            "--override-tensor",
            quote(&format!("{}={}", given.pattern, given.buffer)),
        );
    }
    if !settings.tensor_split.is_empty() {
        let shares: Vec<String> = settings
            .tensor_split
            .iter()
            .map(|share| format!("{share}"))
            .collect();
        option("--tensor-split", shares.join(","));
    }
    if settings.split_mode == SplitMode::None {
        option("--split-mode", "none".into());
        option("--main-gpu", settings.main_gpu.to_string());
    }
    if !settings.kv_offload {
        option("--no-kv-offload", String::new());
    }
    if !settings.op_offload {
        option("--no-op-offload", String::new());
    }
    words.join(" ")
}

/// The word as a POSIX shell reads it back.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
