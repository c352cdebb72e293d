//! The settings of vLLM that change memory, with `vllm serve`'s defaults.

use super::cache_type::CacheType;
use crate::engine::Precision;
use crate::model::{Model, Vision};

/// vLLM with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vllm {
    /// Whose rules to follow.
    pub version: Version,
    /// `--kv-cache-dtype`.
    pub cache_type: CacheType,
    /// `--gpu-memory-utilization`; `None` for the version's default, or for less where less
    /// than that is free.
    pub gpu_memory_utilization: Option<Utilization>,
    /// `--kv-cache-memory-bytes`: bytes for the KV cache on every GPU, whatever the utilisation.
    pub kv_cache_memory_bytes: Option<u64>,
    /// `--tensor-parallel-size`.
    pub tensor_parallel_size: u64,
    /// `--pipeline-parallel-size`.
    pub pipeline_parallel_size: u64,
    /// `--max-num-batched-tokens`; `None` for the default of the GPU's class.
    pub max_num_batched_tokens: Option<u64>,
    /// `--max-num-seqs`; `None` for the default of the GPU's class.
    pub max_num_seqs: Option<u64>,
    /// `--max-model-len`; `None` for as long as fits (`auto`).
    pub max_model_len: Option<u64>,
    /// `--block-size`; `None` for the attention backend's.
    pub block_size: Option<u64>,
    /// Whether blocks are kept for later requests (`--no-enable-prefix-caching` turns it off).
    pub prefix_caching: bool,
    /// Whether sliding and chunked layers keep no more than they look at
    /// (`--disable-hybrid-kv-cache-manager` turns it off).
    pub hybrid_kv_cache_manager: bool,
    /// `--enforce-eager`: no CUDA graphs.
    pub enforce_eager: bool,
    /// `--language-model-only`: neither images nor sound; their encoders are not loaded.
    pub language_model_only: bool,
    /// Tokens drafted ahead of each step; 0 for none.
    pub num_speculative_tokens: u64,
    /// Who drafts them.
    pub drafter: Drafter,
    /// Type of the recurrent state (`--mamba-ssm-cache-dtype`); `None` for the model's.
    pub state_type: Option<StateType>,
    /// Whether `FlashInfer` is installed, as it is along with vLLM.
    pub flashinfer: bool,
    /// Bytes that replace our estimate of the CUDA context and the like, where given.
    pub runtime_overhead: Option<u64>,
    /// Bytes that a share chosen by what is free leaves free.
    pub safety_margin: u64,
}

/// A vLLM release whose rules are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Version {
    /// Before 0.21: 0.90 of the device, and CUDA graphs not taken off the KV cache. Pages,
    /// groups and blocks follow 0.33.
    V0_20_0,
    /// 0.33.
    #[default]
    V0_33_0,
}

/// A share of the device's memory, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Utilization(u32);

/// Who drafts tokens ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Drafter {
    /// A look-up in the text so far: no layers of its own.
    #[default]
    Ngram,
    /// The model's own prediction layers (MTP).
    Mtp,
}

/// The type of a recurrent state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateType {
    /// IEEE half precision.
    Float16,
    /// Brain floating point.
    Bfloat16,
    /// Single precision.
    Float32,
}

impl StateType {
    /// Bytes of an element.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::Float16 | Self::Bfloat16 => 2,
            Self::Float32 => 4,
        }
    }

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
            Self::Float32 => "float32",
        }
    }
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 2] = [Self::V0_20_0, Self::V0_33_0];

    /// The version as the program prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V0_20_0 => "0.20.0",
            Self::V0_33_0 => "0.33.0",
        }
    }

    /// The profile for a version, also for one in between: the newest that is not newer.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let mut parts = name.trim_start_matches('v').split('.');
        let major: u64 = parts.next()?.parse().ok()?;
        let minor: u64 = parts.next()?.parse().ok()?;
        match (major, minor) {
            (0, 0..=20) => Some(Self::V0_20_0),
            _ => Some(Self::V0_33_0),
        }
    }

    /// The share of the device that it takes unless told otherwise.
    #[must_use]
    pub fn default_utilization(self) -> Utilization {
        match self {
            Self::V0_20_0 => Utilization(900_000),
            Self::V0_33_0 => Utilization(920_000),
        }
    }

    /// Whether it reads GGUF files by itself: from 0.24 on only a plugin does.
    #[must_use]
    pub fn reads_gguf(self) -> bool {
        self == Self::V0_20_0
    }

    /// Whether CUDA graphs are taken off the KV cache's share.
    pub(super) fn charges_graphs(self) -> bool {
        self == Self::V0_33_0
    }
}

impl Utilization {
    /// The whole device.
    const WHOLE: u32 = 1_000_000;

    /// From millionths; `None` unless it is above 0 and not above the whole.
    #[must_use]
    pub fn from_millionths(millionths: u32) -> Option<Self> {
        (1..=Self::WHOLE)
            .contains(&millionths)
            .then_some(Self(millionths))
    }

    /// From a decimal number such as `0.92`, of at most six places.
    #[must_use]
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole: u32 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let scale = 10_u32.pow(6 - u32::try_from(fraction.len()).ok()?);
        let fraction: u32 = if fraction.is_empty() {
            0
        } else {
            fraction.parse().ok()?
        };
        Self::from_millionths(
            whole
                .checked_mul(Self::WHOLE)?
                .checked_add(fraction * scale)?,
        )
    }

    /// In millionths.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// The largest share, in thousandths of the device, that is not more than `free` of `total`
    /// bytes; `None` where not even a thousandth is.
    pub(super) fn of_free(free: u64, total: u64) -> Option<Self> {
        let thousandths = u128::from(free)
            .checked_mul(1_000)?
            .checked_div(u128::from(total))?;
        let mut thousandths = u32::try_from(thousandths.min(1_000)).ok()?;
        // The share is rounded up to whole bytes.
        while thousandths > 0 {
            let share = Self(thousandths * 1_000);
            if share.of(total) <= free {
                return Some(share);
            }
            thousandths -= 1;
        }
        None
    }

    /// Bytes of a device of `total` bytes, rounded as the engine does: up, after a product in
    /// double precision.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the engine's own rounding of a size far below 2^53"
    )]
    pub fn of(self, total: u64) -> u64 {
        let product = total as f64 * (f64::from(self.0) / f64::from(Self::WHOLE));
        let whole = product as u64;
        whole + u64::from((whole as f64) < product)
    }
}

impl core::fmt::Display for Utilization {
    /// As a decimal of at least two places.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (mut fraction, mut places) = (self.0 % Self::WHOLE, 6);
        while places > 2 && fraction % 10 == 0 {
            fraction /= 10;
            places -= 1;
        }
        write!(formatter, "{}.{fraction:0places$}", self.0 / Self::WHOLE)
    }
}

impl Vllm {
    /// The encoder of images that is loaded.
    pub(super) fn vision(&self, model: &Model) -> Option<Vision> {
        model.vision.filter(|_| !self.language_model_only)
    }

    /// The same settings with the KV cache in this precision.
    #[must_use]
    pub fn in_precision(&self, precision: Precision) -> Self {
        let cache_type = match precision {
            Precision::Fp16 => CacheType::Auto,
            Precision::Int8 => CacheType::Fp8,
            Precision::Int4 => CacheType::Int4PerTokenHead,
        };
        Self {
            cache_type,
            ..self.clone()
        }
    }

    /// GPUs that it runs on.
    #[must_use]
    pub fn ranks(&self) -> u64 {
        self.tensor_parallel_size
            .saturating_mul(self.pipeline_parallel_size)
    }
}

impl Default for Vllm {
    fn default() -> Self {
        Self {
            version: Version::default(),
            cache_type: CacheType::default(),
            gpu_memory_utilization: None,
            kv_cache_memory_bytes: None,
            tensor_parallel_size: 1,
            pipeline_parallel_size: 1,
            max_num_batched_tokens: None,
            max_num_seqs: None,
            max_model_len: None,
            block_size: None,
            prefix_caching: true,
            hybrid_kv_cache_manager: true,
            enforce_eager: false,
            language_model_only: false,
            num_speculative_tokens: 0,
            drafter: Drafter::default(),
            state_type: None,
            flashinfer: true,
            runtime_overhead: None,
            safety_margin: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn shares_read_and_write() {
        for (text, millionths) in [("0.92", 920_000), (".5", 500_000), ("1", 1_000_000)] {
            let share = Utilization::from_decimal(text).unwrap();
            assert_eq!(share.millionths(), millionths);
        }
        for text in ["0", "1.01", "-0.5", "0.9x", "0.1234567", ""] {
            assert_eq!(Utilization::from_decimal(text), None, "{text}");
        }
        assert_eq!(Utilization(920_000).to_string(), "0.92");
        assert_eq!(Utilization(900_000).to_string(), "0.90");
        assert_eq!(Utilization(875_500).to_string(), "0.8755");
        assert_eq!(Utilization(1_000_000).to_string(), "1.00");
    }

    #[test]
    fn a_share_is_rounded_up() {
        assert_eq!(Utilization(920_000).of(100), 92);
        assert_eq!(Utilization(920_000).of(101), 93);
        let total = 85_520_809_984;
        assert_eq!(Utilization(920_000).of(total), 78_679_145_186);
    }

    #[test]
    fn the_share_of_what_is_free_fits() {
        let (free, total) = (22_000, 24_000);
        let share = Utilization::of_free(free, total).unwrap();
        assert!(share.of(total) <= free);
        assert_eq!(share.to_string(), "0.916");
        assert_eq!(Utilization::of_free(0, total), None);
        assert_eq!(Utilization::of_free(1, 0), None);
    }

    #[test]
    fn versions_in_between_take_the_profile_before() {
        assert_eq!(Version::from_name("0.11.2"), Some(Version::V0_20_0));
        assert_eq!(Version::from_name("v0.33.0"), Some(Version::V0_33_0));
        assert_eq!(Version::from_name("0.30.1"), Some(Version::V0_33_0));
        assert_eq!(Version::from_name("latest"), None);
    }
}
