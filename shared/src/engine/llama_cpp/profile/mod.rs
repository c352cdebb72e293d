//! Programs built on llama.cpp, and what each sets differently from the others. A program is one
//! file beside this one and one line in [`PROFILES`].

mod koboldcpp;
mod llama_cli;
mod llama_cpp_python;
mod llama_server;
mod lm_studio;
mod ollama;
mod translate;
mod words;

pub use koboldcpp::KoboldCpp;
pub use llama_cli::LlamaCli;
pub use llama_cpp_python::LlamaCppPython;
pub use llama_server::LlamaServer;
pub use lm_studio::LmStudio;
pub use ollama::Ollama;
pub use translate::Translated;
pub(super) use words::decimal;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;

use super::{CONTEXT_LIMIT, FlashAttention, LlamaCpp, Prepared, Version};
use crate::engine::{EngineError, Planner};
use crate::gpu::Device;
use crate::model::Model;
use crate::quant::TensorType;
use crate::text::same;

/// Every program, llama-server first.
pub const PROFILES: &[&dyn Profile] = &[
    &LlamaServer,
    &LlamaCli,
    &Ollama,
    &LmStudio,
    &KoboldCpp,
    &LlamaCppPython,
];

/// A program built on llama.cpp. What it does not say is as in llama-server.
pub trait Profile: Sync {
    /// The name as `--backend` takes it.
    fn name(&self) -> &'static str;

    /// The name as people write it.
    fn label(&self) -> &'static str;

    /// The name of the program that its commands start.
    fn command_label(&self) -> &'static str {
        self.label()
    }

    /// The version whose behaviour is followed; `None` where it is the version of llama.cpp.
    fn version(&self) -> Option<&'static str> {
        None
    }

    /// What the program sets by itself.
    fn defaults(&self) -> LlamaCpp;

    /// What can be set in it, by llama-server's names.
    fn takes(&self) -> &'static [&'static str];

    /// The commands that start it with these settings: one a line, for a POSIX shell, or for
    /// Python where the program is a library.
    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String;

    /// What it refuses that llama.cpp would take.
    ///
    /// # Errors
    /// The setting, and what it takes.
    fn check(&self, _settings: &LlamaCpp) -> Result<(), EngineError> {
        Ok(())
    }

    /// What the program asks of llama.cpp where flash attention is left to it.
    fn attention(&self, _settings: &LlamaCpp) -> FlashAttention {
        FlashAttention::Auto
    }

    /// Whether the logical and the physical batch are one setting.
    fn has_one_batch_size(&self) -> bool {
        false
    }

    /// Tokens that the program adds to the context asked for.
    fn extra_context(&self) -> u64 {
        0
    }

    /// The shortest context that the program takes, in tokens of all sequences together.
    fn shortest_context(&self) -> u64 {
        0
    }

    /// The longest context that the program takes, in tokens of all sequences together.
    fn context_limit(&self, _settings: &LlamaCpp, _model: &Model) -> u64 {
        CONTEXT_LIMIT
    }

    /// The settings with what the program runs beside this model of its own accord; `None` where
    /// that is nothing.
    fn with_additions(&self, _settings: &LlamaCpp, _model: &Model) -> Option<LlamaCpp> {
        None
    }

    /// Whether a model's own projector is loaded without a word.
    fn loads_projectors(&self) -> bool {
        false
    }

    /// Bytes that the program leaves free on every GPU of its own accord.
    fn reserve(&self, _settings: &LlamaCpp) -> u64 {
        0
    }

    /// Whether the llama.cpp in it is a release whose compute buffers were measured.
    fn is_measured(&self) -> bool {
        true
    }

    /// Places `model` on `devices`.
    ///
    /// # Errors
    /// What the program refuses, and sizes beyond `u64`.
    fn prepare<'a>(
        &self,
        settings: &LlamaCpp,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Box<dyn Planner + 'a>, EngineError> {
        Ok(Box::new(Prepared::new(settings, model, devices)?))
    }
}

/// The program of this name, whatever its case.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Profile> {
    PROFILES
        .iter()
        .copied()
        .find(|profile| profile.name().eq_ignore_ascii_case(name))
}

impl PartialEq for dyn Profile {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl fmt::Debug for dyn Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What the programs with a build of llama.cpp of their own have in common: the releases from
/// September 2026 on, batches of 512 tokens, and logits of a whole micro-batch, the
/// library's default.
fn with_own_build(profile: &'static dyn Profile) -> LlamaCpp {
    LlamaCpp {
        profile,
        version: Version::V0_5_0,
        batch_size: OWN_BATCH,
        ubatch_size: OWN_BATCH,
        outputs_max: Some(0),
        ..LlamaCpp::default()
    }
}

/// Tokens of both batches in programs with a build of their own.
const OWN_BATCH: u64 = 512;

/// Refuses cache types that are not among `known`, which `names` lists.
fn only_types(
    settings: &LlamaCpp,
    known: &[TensorType],
    names: &'static str,
) -> Result<(), EngineError> {
    for cache_type in [settings.cache_type_k, settings.cache_type_v] {
        if !known.contains(&cache_type) {
            return Err(EngineError::UnknownCacheType {
                name: cache_type.name().to_string(),
                known: names,
            });
        }
    }
    Ok(())
}

/// Refuses different types for keys and values where one setting gives both.
fn one_type(settings: &LlamaCpp) -> Result<(), EngineError> {
    if settings.cache_type_k == settings.cache_type_v {
        return Ok(());
    }
    Err(EngineError::InvalidSetting {
        name: "--cache-type-v",
        value: settings.cache_type_v.name().to_string(),
        expected: same(settings.cache_type_k.name()),
    })
}

/// Refuses different logical and physical batches where one setting gives both.
fn one_batch(settings: &LlamaCpp) -> Result<(), EngineError> {
    if settings.batch_size == settings.ubatch_size {
        return Ok(());
    }
    Err(EngineError::InvalidSetting {
        name: "--ubatch-size",
        value: settings.ubatch_size.to_string(),
        expected: ("--batch-size と同じ値", "= --batch-size"),
    })
}

#[cfg(test)]
mod tests;
