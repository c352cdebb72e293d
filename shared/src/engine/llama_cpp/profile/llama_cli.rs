//! llama-cli: llama-server's settings for one conversation in the terminal.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `tools/cli`, which runs the server's own context.

use alloc::string::String;

use super::Profile;
use super::llama_server;
use crate::engine::llama_cpp::LlamaCpp;

/// llama-cli.
#[derive(Debug)]
pub struct LlamaCli;

const TAKES: &[&str] = &[
    "--cache-type-k",
    "--cache-type-v",
    "--flash-attn",
    "--batch-size",
    "--ubatch-size",
    "--swa-full",
    "--n-gpu-layers",
    "--n-cpu-moe",
    "--override-tensor",
    "--tensor-split",
    "--split-mode",
    "--main-gpu",
    "--no-kv-offload",
    "--no-op-offload",
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

impl Profile for LlamaCli {
    fn name(&self) -> &'static str {
        "llama-cli"
    }

    fn label(&self) -> &'static str {
        "llama-cli"
    }

    fn defaults(&self) -> LlamaCpp {
        LlamaCpp {
            profile: &Self,
            ..LlamaCpp::default()
        }
    }

    fn takes(&self) -> &'static [&'static str] {
        TAKES
    }

    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String {
        llama_server::command("llama-cli", settings, model, context_length, &[])
    }
}
