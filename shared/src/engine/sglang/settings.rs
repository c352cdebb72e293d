//! The settings of SGLang that change memory, with `sglang serve`'s defaults.

use core::fmt;

use crate::engine::Precision;

/// SGLang with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sglang {
    /// `--kv-cache-dtype`.
    pub cache_type: CacheType,
    /// `--mem-fraction-static`: the share of the memory free at the start that weights and caches
    /// may take.
    pub mem_fraction_static: StaticShare,
    /// `--tensor-parallel-size`.
    pub tensor_parallel_size: u64,
    /// `--context-length`; `None` for as long as fits.
    pub context_length: Option<u64>,
    /// `--chunked-prefill-size`; `None` for the default of the GPU's class.
    pub chunked_prefill_size: Option<u64>,
    /// `--max-running-requests`; `None` for what the pool of tokens allows.
    pub max_running_requests: Option<u64>,
    /// `--max-total-tokens`: no more tokens than this, whatever fits.
    pub max_total_tokens: Option<u64>,
    /// `--page-size`; `None` for the attention backend's.
    pub page_size: Option<u64>,
    /// `--swa-full-tokens-ratio`: tokens of layers with a window for each of the others.
    pub swa_full_tokens_ratio: Ratio,
    /// Whether layers with a window keep a cache of their own (`--disable-hybrid-swa-memory`
    /// turns it off).
    pub hybrid_swa_memory: bool,
    /// `--mamba-full-memory-ratio`: memory of recurrent states for each byte of keys and values.
    pub mamba_full_memory_ratio: Ratio,
    /// `--max-mamba-cache-size`: recurrent states; `None` for what the ratio gives.
    pub max_mamba_cache_size: Option<u64>,
    /// `--mamba-ssm-dtype bfloat16`: recurrent states in 16 bits.
    pub half_precision_state: bool,
    /// Whether prefixes are kept for later requests (`--disable-radix-cache` turns it off).
    pub radix_cache: bool,
    /// Whether steps are captured as CUDA graphs (`--disable-cuda-graph` turns it off).
    pub cuda_graphs: bool,
    /// `--cuda-graph-max-bs-decode`; `None` for the default of the GPU's class.
    pub cuda_graph_max_bs: Option<u64>,
    /// Bytes that replace our estimate of the CUDA context and the like, where given.
    pub runtime_overhead: Option<u64>,
    /// Bytes that the largest share leaves free.
    pub safety_margin: u64,
}

/// How large a share of the free memory weights and caches may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StaticShare {
    /// What the engine takes by itself: it reckons graphs and activations generously.
    #[default]
    Default,
    /// The largest that leaves room for graphs and activations as estimated here, in thousandths.
    Largest,
    /// This one.
    Given(Ratio),
}

impl StaticShare {
    /// `auto` for the largest, or a decimal.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.trim() {
            "auto" => Some(Self::Largest),
            text => Ratio::from_decimal(text).map(Self::Given),
        }
    }
}

/// A decimal number in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio(u32);

impl Ratio {
    const WHOLE: u32 = 1_000_000;
    /// Larger ratios are a slip of the finger.
    const MOST: u64 = 1_000;

    /// So many thousandths.
    #[must_use]
    pub const fn thousandths(count: u32) -> Self {
        Self(count.saturating_mul(1_000))
    }

    /// In millionths.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// The number that a decimal of up to six places says; `None` for 0, and from 1000 on.
    #[must_use]
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (whole, places) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole)
            || !digits(places)
            || places.len() > 6
            || (whole.len() + places.len()) == 0
        {
            return None;
        }
        let number = |part: &str| match part {
            "" => Some(0),
            part => part.parse::<u64>().ok(),
        };
        let scale = 10_u64.pow(u32::try_from(6 - places.len()).ok()?);
        let whole = number(whole).filter(|&whole| whole < Self::MOST)?;
        let millionths = whole * u64::from(Self::WHOLE) + number(places)? * scale;
        let millionths = u32::try_from(millionths).ok()?;
        (millionths > 0).then_some(Self(millionths))
    }

    /// A share: not above the whole.
    #[must_use]
    pub fn is_share(self) -> bool {
        self.0 <= Self::WHOLE
    }

    /// As the engine has it.
    #[must_use]
    pub(super) fn as_f64(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }
}

impl fmt::Display for Ratio {
    /// As a decimal of at least one place.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut fraction, mut places) = (self.0 % Self::WHOLE, 6);
        while places > 1 && fraction % 10 == 0 {
            fraction /= 10;
            places -= 1;
        }
        write!(formatter, "{}.{fraction:0places$}", self.0 / Self::WHOLE)
    }
}

/// A type of `--kv-cache-dtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CacheType {
    /// The model's own 16-bit type, or what the checkpoint asks for.
    #[default]
    Auto,
    /// Brain floating point.
    Bfloat16,
    /// 8-bit floating point with 4 bits of exponent.
    Fp8E4m3,
    /// The same with 5 bits of exponent.
    Fp8E5m2,
    /// 4-bit floating point with an 8-bit scale for every 16 elements.
    Fp4MxBlock16,
}

impl CacheType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Auto,
        Self::Bfloat16,
        Self::Fp8E4m3,
        Self::Fp8E5m2,
        Self::Fp4MxBlock16,
    ];

    /// The name as `--kv-cache-dtype` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bfloat16 => "bfloat16",
            Self::Fp8E4m3 => "fp8_e4m3",
            Self::Fp8E5m2 => "fp8_e5m2",
            Self::Fp4MxBlock16 => "fp4_mx_block16",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Sglang {
    /// The version whose rules are followed.
    pub const VERSION: &'static str = "0.5.23";

    /// The same settings with the KV cache in this precision.
    #[must_use]
    pub fn in_precision(&self, precision: Precision) -> Self {
        let cache_type = match precision {
            Precision::Fp16 => CacheType::Auto,
            Precision::Int8 => CacheType::Fp8E4m3,
            Precision::Int4 => CacheType::Fp4MxBlock16,
        };
        Self {
            cache_type,
            ..self.clone()
        }
    }
}

impl Default for Sglang {
    fn default() -> Self {
        Self {
            cache_type: CacheType::default(),
            mem_fraction_static: StaticShare::default(),
            tensor_parallel_size: 1,
            context_length: None,
            chunked_prefill_size: None,
            max_running_requests: None,
            max_total_tokens: None,
            page_size: None,
            swa_full_tokens_ratio: Ratio::thousandths(800),
            hybrid_swa_memory: true,
            mamba_full_memory_ratio: Ratio::thousandths(900),
            max_mamba_cache_size: None,
            half_precision_state: false,
            radix_cache: true,
            cuda_graphs: true,
            cuda_graph_max_bs: None,
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
    fn ratios_read_and_write() {
        for (text, millionths) in [
            ("0.9", 900_000),
            (".835", 835_000),
            ("1", 1_000_000),
            ("2.5", 2_500_000),
        ] {
            let ratio = Ratio::from_decimal(text).unwrap();
            assert_eq!(ratio.millionths(), millionths, "{text}");
        }
        for text in ["0", "", ".", "-1", "0.1234567", "1000", "0.9x"] {
            assert_eq!(Ratio::from_decimal(text), None, "{text}");
        }
        assert_eq!(Ratio(835_000).to_string(), "0.835");
        assert_eq!(Ratio(1_000_000).to_string(), "1.0");
    }

    #[test]
    fn types_have_their_names() {
        for kind in CacheType::ALL {
            assert_eq!(CacheType::from_name(kind.name()), Some(kind));
        }
        assert_eq!(CacheType::from_name("int8"), None);
    }
}
