//! Inference engines: the bytes that each allocates for a model and a context.
//!
//! An engine is a value that holds its own settings and implements [`Engine`]. Preparing it for
//! a model and devices places the weights once; the [`Planner`] that results answers for any
//! context length.

mod error;
pub mod llama_cpp;
mod plan;
mod serving;
pub mod sglang;
mod shell;
pub mod transformers;
pub mod vllm;

pub use error::EngineError;
pub use plan::{
    Basis, BesidePlan, Component, Details, DevicePlan, Explanation, Figure, HostPlan, Plan,
};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::gpu::Device;
use crate::model::Model;

/// The KV-cache precisions that answers are given for. Which type of its own an engine uses for
/// each is the engine's to know ([`Engine::with_precision`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// 16-bit floating point.
    Fp16,
    /// 8 bits per element and scales.
    Int8,
    /// 4 bits per element and scales.
    Int4,
}

impl Precision {
    /// All of them, widest first.
    pub const ALL: [Self; 3] = [Self::Fp16, Self::Int8, Self::Int4];

    /// The name in output: `FP16`, `INT8`, `INT4`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp16 => "FP16",
            Self::Int8 => "INT8",
            Self::Int4 => "INT4",
        }
    }

    /// The precision of this name, whatever its case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|precision| precision.name().eq_ignore_ascii_case(name))
    }
}

/// The engine's own types for keys and values, by the names its command line takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheTypes {
    /// Type of the keys.
    pub key: String,
    /// Type of the values.
    pub value: String,
}

/// What must stay free on every device beside what the engine takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reserve {
    /// Bytes kept free.
    pub safety_margin: u64,
    /// Bytes that replace our estimate of what the engine takes to start, where given.
    pub runtime_overhead: Option<u64>,
}

/// An inference engine with its settings.
pub trait Engine {
    /// The name as `--backend` takes it.
    fn name(&self) -> &'static str;

    /// The version whose rules are followed.
    fn version(&self) -> &'static str;

    /// The types of the KV cache as set.
    fn cache_types(&self) -> CacheTypes;

    /// The same engine with the KV cache in this precision.
    fn with_precision(&self, precision: Precision) -> Box<dyn Engine>;

    /// The same engine with what it decides by `model` and the memory of `devices` written down,
    /// so that its command line says it; `None` where it decides nothing so. `reserve` is what
    /// must stay free besides.
    fn settled(
        &self,
        model: &Model,
        devices: &[Device],
        reserve: Reserve,
    ) -> Option<Box<dyn Engine>> {
        let _ = (model, devices, reserve);
        None
    }

    /// Places `model` on `devices`, once for all context lengths.
    ///
    /// # Errors
    /// What the engine itself refuses, and sizes beyond `u64`.
    fn prepare<'a>(
        &self,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Box<dyn Planner + 'a>, EngineError>;

    /// The command line that starts the engine with these settings and this context, where
    /// `model` is what the user calls the model (a path, a repository or a tag).
    fn launch_command(&self, model: &str, context_length: u64) -> String;
}

/// An engine whose weights have been placed: plans any context length.
pub trait Planner {
    /// Context lengths come in multiples of this many tokens.
    fn context_step(&self) -> u64;

    /// The longest context that the engine takes at all, memory aside.
    fn context_limit(&self) -> u64;

    /// The memory for this context, which the engine may round up to its own step.
    ///
    /// # Errors
    /// What the engine itself refuses, and sizes beyond `u64`.
    fn plan(&self, context_length: u64) -> Result<Plan, EngineError>;

    /// Why each figure of `plan` is what it is.
    fn explain(&self, plan: &Plan) -> Vec<Explanation>;

    /// What of `plan` is not the model's but of what runs beside it.
    fn beside(&self, plan: &Plan) -> Vec<BesidePlan> {
        let _ = plan;
        Vec::new()
    }
}
