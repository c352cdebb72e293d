//! llama-server, the reference.

use alloc::format;
use alloc::string::String;

use super::Profile;
use super::words::{Words, file, is_path, shares};
use crate::engine::llama_cpp::{Additions, FlashAttention, LlamaCpp, SplitMode};
use crate::quant::TensorType;

/// llama-server.
#[derive(Debug)]
pub struct LlamaServer;

/// Everything that llama.cpp's programs let people set.
const TAKES: &[&str] = &[
    "--cache-type-k",
    "--cache-type-v",
    "--flash-attn",
    "--batch-size",
    "--ubatch-size",
    "--parallel",
    "--kv-unified",
    "--swa-full",
    "--n-gpu-layers",
    "--n-cpu-moe",
    "--override-tensor",
    "--tensor-split",
    "--split-mode",
    "--main-gpu",
    "--no-kv-offload",
    "--no-op-offload",
    "--outputs-max",
    "--model-draft",
    "--n-gpu-layers-draft",
    "--cache-type-k-draft",
    "--cache-type-v-draft",
    "--spec-type",
    "--spec-draft-n-max",
    "--mmproj",
    "--no-mmproj-offload",
    "--lora",
];

impl Profile for LlamaServer {
    fn name(&self) -> &'static str {
        "llama.cpp"
    }

    fn label(&self) -> &'static str {
        "llama.cpp"
    }

    fn command_label(&self) -> &'static str {
        "llama-server"
    }

    fn defaults(&self) -> LlamaCpp {
        LlamaCpp::default()
    }

    fn takes(&self) -> &'static [&'static str] {
        TAKES
    }

    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String {
        let slots = [settings.parallel];
        command("llama-server", settings, model, context_length, &slots)
    }
}

/// The command line of one of llama.cpp's own programs; options at their defaults are left out,
/// except those that make the answer hold (context, layers, slots where there are any).
pub(super) fn command(
    program: &str,
    settings: &LlamaCpp,
    model: &str,
    context_length: u64,
    slots: &[u64],
) -> String {
    let mut words = Words::new(program);
    let from_hub = !is_path(model) && model.contains('/');
    if from_hub {
        words.option("--hf-repo", model);
        // What the repository has of projectors would be loaded too.
        if settings.additions.projector.is_none() {
            words.word("--no-mmproj");
        }
    } else {
        words.option("--model", &file(model));
    }
    words.number("--ctx-size", context_length);
    match settings.gpu_layers {
        None => words.option("--n-gpu-layers", "all"),
        Some(layers) => words.number("--n-gpu-layers", layers),
    }
    for &slots in slots {
        words.number("--parallel", slots);
    }
    if settings.kv_unified {
        words.word("--kv-unified");
    }
    match settings.flash_attention {
        FlashAttention::On => words.option("--flash-attn", "on"),
        FlashAttention::Off => words.option("--flash-attn", "off"),
        FlashAttention::Auto => {}
    }
    for (name, cache_type) in [
        ("--cache-type-k", settings.cache_type_k),
        ("--cache-type-v", settings.cache_type_v),
    ] {
        if cache_type != TensorType::F16 {
            words.option(name, cache_type.name());
        }
    }
    let defaults = LlamaCpp::default();
    if settings.batch_size != defaults.batch_size {
        words.number("--batch-size", settings.batch_size);
    }
    if settings.ubatch_size != defaults.ubatch_size {
        words.number("--ubatch-size", settings.ubatch_size);
    }
    if settings.swa_full {
        words.word("--swa-full");
    }
    if settings.cpu_moe_layers > 0 {
        words.number("--n-cpu-moe", settings.cpu_moe_layers);
    }
    for given in &settings.tensor_overrides {
        let value = format!("{}={}", given.pattern, given.buffer);
        words.option("--override-tensor", &value);
    }
    if !settings.tensor_split.is_empty() {
        words.option("--tensor-split", &shares(&settings.tensor_split, ","));
    }
    if settings.split_mode == SplitMode::None {
        words.option("--split-mode", "none");
        words.number("--main-gpu", settings.main_gpu as u64);
    }
    if !settings.kv_offload {
        words.word("--no-kv-offload");
    }
    if !settings.op_offload {
        words.word("--no-op-offload");
    }
    if !settings.additions.is_empty() {
        additions(settings, from_hub, &mut words);
    }
    words.line()
}

/// What a model's own projector is mostly called.
const OWN_PROJECTOR: &str = "mmproj-F16.gguf";

/// What runs beside the model, whose own projector comes with a repository.
fn additions(settings: &LlamaCpp, from_hub: bool, words: &mut Words) {
    let additions = &settings.additions;
    if let Some(draft) = &additions.draft {
        words.option("--model-draft", &file(&draft.file));
        if let Some(layers) = draft.gpu_layers {
            words.number("--n-gpu-layers-draft", layers);
        }
    }
    if additions.prediction {
        words.option("--spec-type", "draft-mtp");
    }
    let defaults = Additions::default();
    if additions.drafts() {
        if additions.draft_tokens != defaults.draft_tokens {
            words.number("--spec-draft-n-max", additions.draft_tokens);
        }
        for (name, cache_type) in [
            ("--cache-type-k-draft", additions.cache_type_k),
            ("--cache-type-v-draft", additions.cache_type_v),
        ] {
            if cache_type != TensorType::F16 {
                words.option(name, cache_type.name());
            }
        }
    }
    if let Some((name, _)) = &additions.projector {
        match name.as_str() {
            Additions::OWN_PROJECTOR if from_hub => {}
            Additions::OWN_PROJECTOR => words.option("--mmproj", OWN_PROJECTOR),
            name => words.option("--mmproj", name),
        }
        if !additions.projector_offload {
            words.word("--no-mmproj-offload");
        }
    }
    for (name, _) in &additions.adapters {
        words.option("--lora", name);
    }
}
