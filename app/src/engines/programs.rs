//! The same settings in every program built on llama.cpp.

use shared::engine::llama_cpp::LlamaCpp;
use shared::engine::llama_cpp::profile::{self, PROFILES, Profile};

use super::llama_cpp::settings;
use crate::question::Question;
use crate::state::Focus;

/// Each program as people write it, with its settings, or what it cannot be told of them, by
/// llama-server's names. None for other engines.
#[must_use]
pub fn in_programs(
    question: &Question,
    focus: Focus,
) -> Vec<(&'static str, Result<LlamaCpp, Vec<&'static str>>)> {
    let Some(own) = profile::find(question.backend.name) else {
        return Vec::new();
    };
    let Ok(asked) = settings(&question.values(), own.defaults()) else {
        return Vec::new();
    };
    let asked = match focus {
        Focus::Precision(precision) => asked.in_precision(precision),
        Focus::Exact => asked,
    };
    let programs = PROFILES.iter();
    programs
        .map(|&program| {
            let name = match program.name() {
                "llama.cpp" => "llama-server",
                _ => program.label(),
            };
            (name, translated(&asked, own, program))
        })
        .collect()
}

/// What was set differently from a program's own defaults, set in another program.
fn translated(
    asked: &LlamaCpp,
    own: &'static dyn Profile,
    program: &'static dyn Profile,
) -> Result<LlamaCpp, Vec<&'static str>> {
    if program == own {
        return Ok(asked.clone());
    }
    let before = own.defaults();
    let mut settings = program.defaults();
    let mut lacks = Vec::new();
    let mut told = |is_set: bool, option: &'static str| {
        let is_told = is_set && program.takes().contains(&option);
        if is_set && !is_told {
            lacks.push(option);
        }
        is_told
    };
    if told(asked.cache_type_k != before.cache_type_k, "--cache-type-k") {
        settings.cache_type_k = asked.cache_type_k;
    }
    if told(asked.cache_type_v != before.cache_type_v, "--cache-type-v") {
        settings.cache_type_v = asked.cache_type_v;
    }
    if told(
        asked.flash_attention != before.flash_attention,
        "--flash-attn",
    ) {
        settings.flash_attention = asked.flash_attention;
    }
    if told(asked.batch_size != before.batch_size, "--batch-size") && !program.has_one_batch_size()
    {
        settings.batch_size = asked.batch_size;
    }
    if told(asked.ubatch_size != before.ubatch_size, "--ubatch-size") {
        settings = settings.with_micro_batch(asked.ubatch_size);
    }
    if told(asked.parallel != before.parallel, "--parallel") {
        settings.parallel = asked.parallel;
    }
    if told(asked.kv_unified != before.kv_unified, "--kv-unified") {
        settings.kv_unified = asked.kv_unified;
    }
    if told(asked.swa_full != before.swa_full, "--swa-full") {
        settings.swa_full = asked.swa_full;
    }
    if told(asked.gpu_layers != before.gpu_layers, "--n-gpu-layers") {
        settings.gpu_layers = asked.gpu_layers;
    }
    if told(asked.cpu_moe_layers != before.cpu_moe_layers, "--n-cpu-moe") {
        settings.cpu_moe_layers = asked.cpu_moe_layers;
    }
    if told(asked.tensor_split != before.tensor_split, "--tensor-split") {
        settings.tensor_split.clone_from(&asked.tensor_split);
    }
    if told(!asked.kv_offload, "--no-kv-offload") {
        settings.kv_offload = false;
    }
    let beside = &asked.additions;
    let is_told = [
        told(beside.draft.is_some(), "--model-draft"),
        told(beside.prediction, "--spec-type"),
        told(beside.projector.is_some(), "--mmproj"),
        told(!beside.adapters.is_empty(), "--lora"),
    ];
    if is_told.contains(&true) {
        settings.additions = beside.clone();
    }
    if lacks.is_empty() {
        Ok(settings)
    } else {
        Err(lacks)
    }
}
