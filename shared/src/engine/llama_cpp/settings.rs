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

/// Whose rules the compute buffers follow: a release of llama.cpp, or, before there were any, the
/// build that stands for those around it. What changed between them was read off the changes to
/// llama.cpp's graph and held against load logs of users' machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Version {
    /// Builds from July 2025 to January 2026.
    B6500,
    /// Builds from January to March 2026.
    B8000,
    /// Builds from April to the middle of May 2026.
    B9000,
    /// Builds of the second half of May 2026.
    B9300,
    /// Builds from June to August 2026.
    B9900,
    /// 0.5.0 (ggml 0.25.3, b11312): builds from September to October 2026.
    V0_5_0,
    /// 0.6.0 (ggml 0.26.0, b11501).
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

/// The first build of each version, about: the day of the change that made the difference is
/// known, its build's number, but for 10751, was reckoned from those of builds around it.
const FIRST_BUILDS: [(u32, Version); 7] = [
    (5900, Version::B6500),
    (7800, Version::B8000),
    (8620, Version::B9000),
    (9190, Version::B9300),
    (9490, Version::B9900),
    (10_751, Version::V0_5_0),
    (11_400, Version::V0_6_0),
];

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 7] = [
        Self::B6500,
        Self::B8000,
        Self::B9000,
        Self::B9300,
        Self::B9900,
        Self::V0_5_0,
        Self::V0_6_0,
    ];

    /// The version as the program prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::B6500 => "b6500",
            Self::B8000 => "b8000",
            Self::B9000 => "b9000",
            Self::B9300 => "b9300",
            Self::B9900 => "b9900",
            Self::V0_5_0 => "0.5.0",
            Self::V0_6_0 => "0.6.0",
        }
    }

    /// The version of this name, pre-releases counting as the release, or the one that the
    /// build of this number (`b8946`) follows.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let release = name.split('-').next().unwrap_or_default();
        if let Some(build) = release.strip_prefix('b') {
            let build: u32 = build.parse().ok()?;
            let begun = FIRST_BUILDS.iter().rev().find(|(first, _)| *first <= build);
            return begun.map(|&(_, version)| version);
        }
        Self::ALL
            .into_iter()
            .find(|version| version.name() == release)
    }

    /// Whether the engine's own figures for this version were measured for every architecture
    /// that is called exact.
    pub(super) fn is_measured(self) -> bool {
        self >= Self::V0_5_0
    }

    /// Whether the graph takes tokens and embeddings alike (`ggml_build_forward_select`, pull
    /// request 18898 of January 2026).
    pub(super) fn takes_embeddings(self) -> bool {
        self >= Self::B8000
    }

    /// Whether heads are rotated before they enter a quantized cache (pull request 21038 of
    /// April 2026).
    pub(super) fn rotates_caches(self) -> bool {
        self >= Self::B9000
    }

    /// Whether models with layers that predict further tokens keep the last layer's result for
    /// every token, predicting or not (pull request 22673 of May 2026).
    pub(super) fn keeps_last_result(self) -> bool {
        self >= Self::B9300
    }

    /// Whether flash attention's mask comes in f16, and is not converted from f32 on the device
    /// (pull request 23764 of May 2026).
    pub(super) fn masks_in_f16(self) -> bool {
        self >= Self::B9900
    }

    /// Whether llama-server says how many rows of logits it wants, so that not a whole
    /// micro-batch of them is planned (`n_outputs_max`, pull request 23861 of June 2026).
    pub(super) fn limits_outputs(self) -> bool {
        self >= Self::B9900
    }

    /// Whether CUDA adds up the chosen experts' results as one operation, whose inputs stay until
    /// then (pull requests 25952 and 27301 of August and September 2026).
    pub(super) fn reduces_experts(self) -> bool {
        self >= Self::V0_5_0
    }

    /// Whether the CUDA backend plans room for the f16 copies that flash attention makes of one
    /// layer's quantized cache (`ggml_cuda_flash_attn_ext_get_alloc_size`, pull request 23907
    /// of June 2026); they came out of the pool before.
    pub(super) fn plans_conversions(self) -> bool {
        self >= Self::B9900
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

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn builds_follow_the_version_that_began_before_them() {
        for (name, version) in [
            ("b5899", None),
            ("b5900", Some(Version::B6500)),
            ("b7799", Some(Version::B6500)),
            ("b8946", Some(Version::B9000)),
            ("b9489", Some(Version::B9300)),
            ("b10750", Some(Version::B9900)),
            ("b11312", Some(Version::V0_5_0)),
            ("b11501-1-gd812350", Some(Version::V0_6_0)),
            ("0.6.0-dev", Some(Version::V0_6_0)),
            ("b", None),
            ("b99999999999", None),
        ] {
            assert_eq!(Version::from_name(name), version, "{name}");
        }
        for version in Version::ALL {
            assert_eq!(Version::from_name(version.name()), Some(version));
        }
    }
}
