//! The settings of llama.cpp that change memory, with llama-server's defaults.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::addition::Additions;
use super::batch::CONTEXT_STEP;
use super::profile::{LlamaServer, Profile};
use crate::engine::Precision;
use crate::model::Model;
use crate::quant::TensorType;

/// llama.cpp with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct LlamaCpp {
    /// The program that runs it.
    pub profile: &'static dyn Profile,
    /// Whose rules to follow.
    pub version: Version,
    /// Type of the key cache (`--cache-type-k`).
    pub cache_type_k: TensorType,
    /// Type of the value cache (`--cache-type-v`).
    pub cache_type_v: TensorType,
    /// `--flash-attn`.
    pub flash_attention: FlashAttention,
    /// Tokens of a logical batch (`--batch-size`).
    pub batch_size: u64,
    /// Tokens of a physical batch (`--ubatch-size`).
    pub ubatch_size: u64,
    /// Whether the program chooses its batches by the context, in place of these.
    pub automatic_batch: bool,
    /// Sequences at once (`--parallel`).
    pub parallel: u64,
    /// One cache for all sequences (`--kv-unified`).
    pub kv_unified: bool,
    /// Sliding-window layers keep the full context (`--swa-full`).
    pub swa_full: bool,
    /// Layers on the GPUs, the output layer counted (`--n-gpu-layers`); `None` for all.
    pub gpu_layers: Option<u64>,
    /// First layers whose experts stay on the CPU (`--n-cpu-moe`).
    pub cpu_moe_layers: u64,
    /// `--override-tensor`, in order.
    pub tensor_overrides: Vec<TensorOverride>,
    /// Shares of the devices (`--tensor-split`); empty for shares by free memory.
    pub tensor_split: Vec<f32>,
    /// `--split-mode`.
    pub split_mode: SplitMode,
    /// The device of [`SplitMode::None`] (`--main-gpu`).
    pub main_gpu: usize,
    /// Whether the KV cache lies with its layer (`--no-kv-offload` turns it off).
    pub kv_offload: bool,
    /// Whether large batches of CPU layers run on the GPU (`--no-op-offload` turns it off).
    pub op_offload: bool,
    /// Rows of logits planned per micro-batch; 0 for the whole micro-batch, the library's
    /// default; `None` for one per sequence, llama-server's.
    pub outputs_max: Option<u64>,
    /// What runs beside the model.
    pub additions: Additions,
}

/// A llama.cpp release whose compute buffers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Version {
    /// 0.5.0 (ggml 0.25.3): the builds from mid-2025 on.
    V0_5_0,
    /// 0.6.0 (ggml 0.26.0).
    #[default]
    V0_6_0,
}

/// `--flash-attn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FlashAttention {
    /// Always.
    On,
    /// Never.
    Off,
    /// Where the backend supports it.
    #[default]
    Auto,
}

/// `--split-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SplitMode {
    /// Whole layers on each device.
    #[default]
    Layer,
    /// Everything on the main device.
    None,
}

/// One `--override-tensor PATTERN=BUFFER`, with the pattern already looked up in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorOverride {
    /// The regular expression as given, for the command line.
    pub pattern: String,
    /// Where the tensors go: `CPU`, or a device such as `CUDA0`.
    pub buffer: String,
    /// Names of the tensors that the pattern is found in.
    pub tensors: BTreeSet<String>,
}

impl TensorOverride {
    /// Looks `pattern` up in the model's tensors. Regular expressions are the caller's: the
    /// page has the browser's, the command line a library.
    #[must_use]
    pub fn resolve(
        pattern: &str,
        buffer: &str,
        model: &Model,
        is_match: impl Fn(&str) -> bool,
    ) -> Self {
        let names = model.tensors.iter().map(|tensor| &tensor.name);
        Self {
            pattern: pattern.into(),
            buffer: buffer.into(),
            tensors: names.filter(|name| is_match(name)).cloned().collect(),
        }
    }
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 2] = [Self::V0_5_0, Self::V0_6_0];

    /// The version as the program prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V0_5_0 => "0.5.0",
            Self::V0_6_0 => "0.6.0",
        }
    }

    /// The version of this name; pre-releases count as the release.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let release = name.split('-').next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|version| version.name() == release)
    }
}

impl LlamaCpp {
    /// Types that a KV cache can have (`--cache-type-k`, `common/arg.cpp`).
    pub const CACHE_TYPES: [TensorType; 9] = [
        TensorType::F32,
        TensorType::F16,
        TensorType::Bf16,
        TensorType::Q8_0,
        TensorType::Q4_0,
        TensorType::Q4_1,
        TensorType::Iq4Nl,
        TensorType::Q5_0,
        TensorType::Q5_1,
    ];

    /// The same settings with the KV cache in this precision.
    #[must_use]
    pub fn in_precision(&self, precision: Precision) -> Self {
        let cache_type = match precision {
            Precision::Fp16 => TensorType::F16,
            Precision::Int8 => TensorType::Q8_0,
            Precision::Int4 => TensorType::Q4_0,
        };
        Self {
            cache_type_k: cache_type,
            cache_type_v: cache_type,
            ..self.clone()
        }
    }

    /// Whether attention runs as one fused operation, `auto` taken for yes: it is decided with
    /// the model.
    #[must_use]
    pub fn uses_flash_attention(&self) -> bool {
        match self.flash_attention {
            FlashAttention::On => true,
            FlashAttention::Off => false,
            FlashAttention::Auto => self.profile.attention(self) != FlashAttention::Off,
        }
    }

    /// The same settings with physical batches of this many tokens.
    #[must_use]
    pub fn with_micro_batch(&self, tokens: u64) -> Self {
        let batch_size = if self.profile.has_one_batch_size() {
            tokens
        } else {
            self.batch_size
        };
        Self {
            batch_size,
            ubatch_size: tokens,
            automatic_batch: false,
            ..self.clone()
        }
    }

    /// Context lengths take memory in steps of this many tokens.
    pub(super) fn context_step(&self) -> u64 {
        let streams = if self.kv_unified {
            1
        } else {
            self.parallel.max(1)
        };
        let step = match self.profile.extra_context() % CONTEXT_STEP {
            0 => CONTEXT_STEP,
            extra => 1 << extra.trailing_zeros(),
        };
        streams.saturating_mul(step)
    }
}

impl Default for LlamaCpp {
    fn default() -> Self {
        Self {
            profile: &LlamaServer,
            version: Version::default(),
            cache_type_k: TensorType::F16,
            cache_type_v: TensorType::F16,
            flash_attention: FlashAttention::default(),
            batch_size: 2048,
            ubatch_size: 512,
            automatic_batch: false,
            parallel: 1,
            kv_unified: false,
            swa_full: false,
            gpu_layers: None,
            cpu_moe_layers: 0,
            tensor_overrides: Vec::new(),
            tensor_split: Vec::new(),
            split_mode: SplitMode::default(),
            main_gpu: 0,
            kv_offload: true,
            op_offload: true,
            outputs_max: None,
            additions: Additions::default(),
        }
    }
}
