//! A memory plan: what an engine allocates, per device and component.

use alloc::string::String;
use alloc::vec::Vec;

use super::CacheTypes;
use super::vllm::Utilization;

/// How a figure was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The engine's own rule, equal to the byte.
    Exact,
    /// A rule that comes close. The real figure has been seen to differ by up to these parts
    /// per thousand of the estimate.
    Estimate {
        /// The real figure has been this much lower.
        below_permille: u32,
        /// The real figure has been this much higher.
        above_permille: u32,
    },
}

/// Bytes, and how they were come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Bytes.
    pub bytes: u64,
    /// How they were come by.
    pub basis: Basis,
}

impl Figure {
    /// A figure equal to the engine's own.
    #[must_use]
    pub fn exact(bytes: u64) -> Self {
        Self {
            bytes,
            basis: Basis::Exact,
        }
    }

    /// Whether the figure is the engine's own to the byte.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.basis == Basis::Exact
    }
}

/// The memory that one context length takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The context as the engine allocates it, in tokens, all sequences together.
    pub context_length: u64,
    /// The types of the KV cache.
    pub cache_types: CacheTypes,
    /// What each GPU holds, in the order of the devices given.
    pub devices: Vec<DevicePlan>,
    /// What host memory holds.
    pub host: HostPlan,
    /// Figures of one engine only.
    pub details: Details,
}

/// What one GPU holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePlan {
    /// Name of the device.
    pub name: String,
    /// Tensors of the model.
    pub weights: Figure,
    /// Keys and values.
    pub kv_cache: Figure,
    /// State of recurrent layers.
    pub recurrent_state: Figure,
    /// Buffers for intermediate results.
    pub compute: Figure,
    /// What the engine takes beyond its planned buffers to start (CUDA context, kernels).
    pub start_overhead: Figure,
    /// What grows while a prompt fills the context (pools, workspaces).
    pub growth: Figure,
    /// The most that keys, values and state may take here together, in bytes, where the engine
    /// sets that apart when it starts; `None` where it takes what is free.
    pub cache_allowance: Option<u64>,
}

impl DevicePlan {
    /// Weights, caches, state and compute buffers: what the engine plans; saturating.
    #[must_use]
    pub fn planned(&self) -> u64 {
        [
            self.weights,
            self.kv_cache,
            self.recurrent_state,
            self.compute,
        ]
        .iter()
        .fold(0, |sum, figure| sum.saturating_add(figure.bytes))
    }

    /// Keys, values and state together; saturating.
    #[must_use]
    pub fn caches(&self) -> u64 {
        self.kv_cache
            .bytes
            .saturating_add(self.recurrent_state.bytes)
    }

    /// Whether keys, values and state stay within what the engine sets apart for them.
    #[must_use]
    pub fn is_within_allowance(&self) -> bool {
        self.cache_allowance
            .is_none_or(|allowance| self.caches() <= allowance)
    }
}

/// What host memory holds. None of it is VRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostPlan {
    /// Tensors of the model.
    pub weights: u64,
    /// Keys and values.
    pub kv_cache: u64,
    /// State of recurrent layers.
    pub recurrent_state: u64,
    /// Buffers for intermediate results.
    pub compute: u64,
    /// Logits and embeddings handed to the caller.
    pub output: u64,
}

impl HostPlan {
    /// All of it; saturating.
    #[must_use]
    pub fn total(&self) -> u64 {
        [
            self.weights,
            self.kv_cache,
            self.recurrent_state,
            self.compute,
            self.output,
        ]
        .iter()
        .fold(0, |sum, &bytes| sum.saturating_add(bytes))
    }
}

/// The share of a plan that something beside the model has: a draft model, a projector, an
/// adapter. On all GPUs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BesidePlan {
    /// What it is, as the engine's command line has it.
    pub name: String,
    /// Its tensors.
    pub weights: Figure,
    /// Its keys and values.
    pub kv_cache: Figure,
    /// Its buffers for intermediate results.
    pub compute: Figure,
    /// Where the rules come from.
    pub source: &'static str,
}

/// Figures of one engine only (`backend_details` in JSON).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// llama.cpp and what is built on it.
    LlamaCpp {
        /// `n_ctx` after padding, all sequences together.
        n_ctx: u64,
        /// Cells of the full-attention cache, per stream.
        kv_cells: u64,
        /// Cells of the sliding-window cache, per stream; 0 where there is none.
        swa_cells: u64,
        /// Streams: 1 where all sequences share one cache.
        streams: u64,
    },
    /// vLLM.
    Vllm {
        /// Tokens per block.
        block_size: u64,
        /// Blocks in the pool.
        num_blocks: u64,
        /// Tokens that the pool holds, as the engine logs it.
        kv_cache_tokens: u64,
        /// Blocks of one request of this context: so many requests run at once as the pool has
        /// of these.
        request_blocks: u64,
        /// The share of the devices that sizes the pool, the least where they differ; `None` where
        /// its bytes are given.
        share: Option<Utilization>,
    },
    /// SGLang.
    Sglang {
        /// Tokens of a page.
        page_size: u64,
        /// Tokens that the pool holds, as the engine logs it.
        max_total_num_tokens: u64,
        /// Tokens of the pool of layers with a window; 0 where they have none of their own.
        window_tokens: u64,
        /// Recurrent states in their pool; 0 where there are none.
        recurrent_states: u64,
        /// Requests at once, where each may be of this context.
        max_running_requests: u64,
        /// The share of the memory free at the start that weights and pools take, in millionths.
        mem_fraction_static: u64,
    },
    /// Engines without figures of their own.
    None,
}

/// The components that a plan breaks memory into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// Tensors of the model.
    Weights,
    /// Keys and values.
    KvCache,
    /// State of recurrent layers.
    RecurrentState,
    /// Buffers for intermediate results.
    Compute,
    /// CUDA context and kernels.
    StartOverhead,
    /// Pools and workspaces that grow with the prompt.
    Growth,
}

/// Why a figure is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The figure explained.
    pub component: Component,
    /// The rule with this model's numbers put in, in mathematical notation with the field's
    /// terms, the same in every language; one term a line.
    pub arithmetic: Vec<String>,
    /// Where the rule comes from: engine, version, file, or the measurement.
    pub source: &'static str,
    /// Exact or estimated.
    pub basis: Basis,
}
