//! Settings of Transformers and of the GPTQ packages built on it, by their own names.

use super::element::FloatType;
use super::kernel::Kernel;
use crate::engine::Precision;
use crate::quant::Packing;

/// The package whose rules are followed. All three run the modules of Transformers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Transformers 5.23.0.
    #[default]
    Transformers,
    /// GPTQModel 7.7.0.
    GptqModel,
    /// AutoGPTQ 0.7.1, the last release; GPTQModel took its place.
    AutoGptq,
}

impl Profile {
    /// The name as `--backend` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transformers => "transformers",
            Self::GptqModel => "gptqmodel",
            Self::AutoGptq => "autogptq",
        }
    }

    /// The version whose rules are followed.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Transformers => "5.23.0",
            Self::GptqModel => "7.7.0",
            Self::AutoGptq => "0.7.1",
        }
    }

    /// Whether the package loads GPTQ weights alone.
    #[must_use]
    pub fn needs_gptq(self) -> bool {
        self != Self::Transformers
    }
}

/// The class of the KV cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cache {
    /// `DynamicCache`, the default: grows with every token.
    #[default]
    Dynamic,
    /// `StaticCache`: all of the context from the start.
    Static,
    /// `QuantizedCache` in 8 bits (HQQ).
    Int8,
    /// `QuantizedCache` in 4 bits (quanto).
    Int4,
}

impl Cache {
    /// Every cache.
    pub const ALL: [Self; 4] = [Self::Dynamic, Self::Static, Self::Int8, Self::Int4];

    /// The name in options and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dynamic => "dynamic",
            Self::Static => "static",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        }
    }

    /// The cache of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cache| cache.name() == name)
    }

    /// Bits of an element, where the cache is quantized.
    #[must_use]
    pub fn bits(self) -> Option<u64> {
        match self {
            Self::Dynamic | Self::Static => None,
            Self::Int8 => Some(8),
            Self::Int4 => Some(4),
        }
    }
}

/// How attention is computed (`attn_implementation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttentionImplementation {
    /// PyTorch's scaled dot-product attention, the default where the model has it.
    Sdpa,
    /// Plain matrix products: all scores exist at once.
    Eager,
    /// The flash-attn package.
    FlashAttention2,
}

impl AttentionImplementation {
    /// Every implementation.
    pub const ALL: [Self; 3] = [Self::Sdpa, Self::Eager, Self::FlashAttention2];

    /// The name as `attn_implementation` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sdpa => "sdpa",
            Self::Eager => "eager",
            Self::FlashAttention2 => "flash_attention_2",
        }
    }

    /// The implementation of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.name() == name)
    }
}

/// Transformers, or a package built on it, with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transformers {
    /// The package.
    pub profile: Profile,
    /// The class of the KV cache.
    pub cache: Cache,
    /// How attention is computed; `None` for what the model's class chooses.
    pub attention: Option<AttentionImplementation>,
    /// The kernel for GPTQ weights; `None` for what the package chooses.
    pub kernel: Option<Kernel>,
    /// The type that unpacked weights are loaded in (`dtype`); `None` for the checkpoint's own.
    pub float_type: Option<FloatType>,
    /// What the weights are packed in while they are loaded (`quantization_config`); `None` where
    /// the checkpoint is loaded as it is.
    pub pack_on_load: Option<Packing>,
    /// Logits of every token of the prompt, as calling the model itself gives them; `generate`
    /// asks for the last one's.
    pub all_logits: bool,
}

impl Transformers {
    /// The settings of a package as they come.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }

    /// The same with the KV cache in this precision. In 16 bits a static cache stays one.
    #[must_use]
    pub fn in_precision(self, precision: Precision) -> Self {
        let cache = match precision {
            Precision::Fp16 if self.cache == Cache::Static => Cache::Static,
            Precision::Fp16 => Cache::Dynamic,
            Precision::Int8 => Cache::Int8,
            Precision::Int4 => Cache::Int4,
        };
        Self { cache, ..self }
    }
}
