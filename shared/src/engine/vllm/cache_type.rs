//! Types of the KV cache, by the names that `--kv-cache-dtype` takes, and their bytes.
//!
//! Source: vLLM 0.33.0, `config/cache.py`, `v1/kv_cache_interface.py`, and the packing of the
//! attention backends (`triton_attn.py`, `flashinfer.py`, `mla_attention.py`).

/// A type of `--kv-cache-dtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CacheType {
    /// The model's own 16-bit type.
    #[default]
    Auto,
    /// IEEE half precision.
    Float16,
    /// Brain floating point.
    Bfloat16,
    /// 8-bit floating point with a scale per tensor; the same as `fp8_e4m3` on NVIDIA.
    Fp8,
    /// The same with 4 bits of exponent.
    Fp8E4m3,
    /// The same with 5 bits of exponent.
    Fp8E5m2,
    /// `DeepSeek`'s own layout for sparse MLA: 8 bits and scales per block of the latent, 16 bits
    /// for the rotary part.
    Fp8DsMla,
    /// The same with 4 bits for the latent.
    Nvfp4DsMla,
    /// 4-bit floating point with a scale for every 16 elements.
    Nvfp4,
    /// 8-bit integers with a scale per token and head.
    Int8PerTokenHead,
    /// 8-bit floating point with a scale per token and head.
    Fp8PerTokenHead,
    /// 4-bit integers with a scale per token and head.
    Int4PerTokenHead,
    /// Rotated keys in 8 bits, values in 4.
    TurboquantK8v4,
    /// Rotated keys and values in 4 bits.
    Turboquant4bitNc,
    /// Rotated keys in 3 bits, values in 4.
    TurboquantK3v4Nc,
    /// Rotated keys and values in 3 bits.
    Turboquant3bitNc,
}

/// Bytes of the two `f32` scales of a token and head.
const TOKEN_HEAD_SCALES: u64 = 8;
/// Elements that share a scale in NVFP4.
const NVFP4_GROUP: u64 = 16;
/// Bytes of a token's latent and rotary key in `DeepSeek`'s own layouts.
const FP8_DS_MLA: u64 = 656;
const NVFP4_DS_MLA: u64 = 352;

impl CacheType {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Auto,
        Self::Float16,
        Self::Bfloat16,
        Self::Fp8,
        Self::Fp8E4m3,
        Self::Fp8E5m2,
        Self::Fp8DsMla,
        Self::Nvfp4DsMla,
        Self::Nvfp4,
        Self::Int8PerTokenHead,
        Self::Fp8PerTokenHead,
        Self::Int4PerTokenHead,
        Self::TurboquantK8v4,
        Self::Turboquant4bitNc,
        Self::TurboquantK3v4Nc,
        Self::Turboquant3bitNc,
    ];

    /// All names, for messages.
    pub const NAMES: &'static str = "auto, float16, bfloat16, fp8, fp8_e4m3, fp8_e5m2, \
        fp8_ds_mla, nvfp4_ds_mla, nvfp4, int8_per_token_head, fp8_per_token_head, \
        int4_per_token_head, turboquant_k8v4, turboquant_4bit_nc, turboquant_k3v4_nc, \
        turboquant_3bit_nc";

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
            Self::Fp8 => "fp8",
            Self::Fp8E4m3 => "fp8_e4m3",
            Self::Fp8E5m2 => "fp8_e5m2",
            Self::Fp8DsMla => "fp8_ds_mla",
            Self::Nvfp4DsMla => "nvfp4_ds_mla",
            Self::Nvfp4 => "nvfp4",
            Self::Int8PerTokenHead => "int8_per_token_head",
            Self::Fp8PerTokenHead => "fp8_per_token_head",
            Self::Int4PerTokenHead => "int4_per_token_head",
            Self::TurboquantK8v4 => "turboquant_k8v4",
            Self::Turboquant4bitNc => "turboquant_4bit_nc",
            Self::TurboquantK3v4Nc => "turboquant_k3v4_nc",
            Self::Turboquant3bitNc => "turboquant_3bit_nc",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether elements take 8 bits under one scale per tensor.
    pub(super) fn is_plain_fp8(self) -> bool {
        matches!(self, Self::Fp8 | Self::Fp8E4m3 | Self::Fp8E5m2)
    }

    /// Whether keys are rotated and both sides packed into one slot.
    pub(super) fn is_turboquant(self) -> bool {
        self.turboquant_bits().is_some()
    }

    /// Bits of a key's and of a value's element in a packed slot.
    fn turboquant_bits(self) -> Option<(u64, u64)> {
        match self {
            Self::TurboquantK8v4 => Some((8, 4)),
            Self::Turboquant4bitNc => Some((4, 4)),
            Self::TurboquantK3v4Nc => Some((3, 4)),
            Self::Turboquant3bitNc => Some((3, 3)),
            _ => None,
        }
    }

    /// Whether elements take 16 bits.
    pub(super) fn is_unquantized(self) -> bool {
        matches!(self, Self::Auto | Self::Float16 | Self::Bfloat16)
    }

    /// Bytes of one token's key and value in one head; `None` where the type has no such
    /// layout, or beyond `u64`.
    pub(super) fn head_bytes(self, key_dim: u64, value_dim: u64) -> Option<u64> {
        if let Some((key_bits, value_bits)) = self.turboquant_bits() {
            // A norm beside keys of less than 8 bits, scale and zero beside values; the slot is
            // rounded up to an even number.
            let norm = if key_bits == 8 { 0 } else { 2 };
            let key = key_dim.checked_mul(key_bits)?.div_ceil(8) + norm;
            let value = key_dim.checked_mul(value_bits)?.div_ceil(8) + 4;
            return key.checked_add(value)?.checked_next_multiple_of(2);
        }
        let both = key_dim.checked_add(value_dim)?;
        match self {
            Self::Auto | Self::Float16 | Self::Bfloat16 => both.checked_mul(2),
            Self::Fp8 | Self::Fp8E4m3 | Self::Fp8E5m2 => Some(both),
            Self::Int8PerTokenHead | Self::Fp8PerTokenHead => both.checked_add(TOKEN_HEAD_SCALES),
            Self::Int4PerTokenHead => (key_dim / 2 + value_dim / 2).checked_add(TOKEN_HEAD_SCALES),
            Self::Nvfp4 if key_dim == value_dim => {
                (key_dim / 2 + key_dim / NVFP4_GROUP).checked_mul(2)
            }
            Self::Nvfp4
            | Self::Fp8DsMla
            | Self::Nvfp4DsMla
            | Self::TurboquantK8v4
            | Self::Turboquant4bitNc
            | Self::TurboquantK3v4Nc
            | Self::Turboquant3bitNc => None,
        }
    }

    /// Bytes of one token's latent and rotary key together (MLA); `None` where the type has no
    /// such layout, or beyond `u64`.
    pub(super) fn latent_bytes(self, elements: u64) -> Option<u64> {
        match self {
            Self::Auto | Self::Float16 | Self::Bfloat16 => elements.checked_mul(2),
            Self::Fp8 | Self::Fp8E4m3 => Some(elements),
            Self::Fp8DsMla => Some(FP8_DS_MLA),
            Self::Nvfp4DsMla => Some(NVFP4_DS_MLA),
            Self::Fp8E5m2
            | Self::Nvfp4
            | Self::Int8PerTokenHead
            | Self::Fp8PerTokenHead
            | Self::Int4PerTokenHead
            | Self::TurboquantK8v4
            | Self::Turboquant4bitNc
            | Self::TurboquantK3v4Nc
            | Self::Turboquant3bitNc => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in CacheType::ALL {
            assert_eq!(CacheType::from_name(kind.name()), Some(kind));
            assert!(CacheType::NAMES.split(", ").any(|name| name == kind.name()));
        }
        assert_eq!(CacheType::from_name("int8"), None);
    }

    /// Bytes per token of Llama-3.1-8B (32 layers, 8 KV heads of 128), as measured.
    #[test]
    fn bytes_of_heads_are_the_engines() {
        for (kind, measured) in [
            (CacheType::Auto, 131_072),
            (CacheType::Fp8, 65_536),
            (CacheType::Int8PerTokenHead, 67_584),
            (CacheType::Int4PerTokenHead, 34_816),
        ] {
            let bytes = kind.head_bytes(128, 128).unwrap() * 8 * 32;
            assert_eq!(bytes, measured, "{}", kind.name());
        }
    }
}
