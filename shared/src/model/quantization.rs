//! How a checkpoint says that it is quantized.

use alloc::string::String;

use crate::quant::Packing;

/// How a checkpoint is quantized. Which matrices are packed, and how, stands at the tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantization {
    /// What made it.
    pub method: Method,
    /// How most of the packed matrices are stored; `None` where none is packed, or where the
    /// method's sizes are not known.
    pub packing: Option<Packing>,
    /// The checkpoint asks for its KV cache in FP8.
    pub fp8_kv_cache: bool,
}

/// The methods that checkpoints are quantized with (`quant_method`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// GPTQ (GPTQModel, AutoGPTQ, and AutoRound in its layout).
    Gptq,
    /// AWQ.
    Awq,
    /// compressed-tensors (llm-compressor).
    CompressedTensors,
    /// 8-bit floating point, per tensor, channel or block.
    Fp8,
    /// 8-bit floating point by FBGEMM.
    FbgemmFp8,
    /// NVIDIA ModelOpt.
    ModelOpt,
    /// MXFP4 experts.
    Mxfp4,
    /// bitsandbytes.
    BitsAndBytes,
    /// HQQ.
    Hqq,
    /// ExLlamaV2.
    Exl2,
    /// ExLlamaV3.
    Exl3,
    /// One whose sizes are not known, by its own name.
    Other(String),
}

impl Method {
    /// The method that makes this packing by itself.
    #[must_use]
    pub fn of(packing: Packing) -> Self {
        match packing {
            Packing::Gptq(_) => Self::Gptq,
            Packing::Awq(_) => Self::Awq,
            Packing::PackedIntegers(_) | Packing::ScaledInt8(_) => Self::CompressedTensors,
            Packing::Fp8(_) => Self::Fp8,
            Packing::Nvfp4(_) | Packing::Mxfp8(_) => Self::ModelOpt,
            Packing::Mxfp4(_) => Self::Mxfp4,
            Packing::Nf4(_) | Packing::Int8(_) => Self::BitsAndBytes,
            Packing::Hqq(_) => Self::Hqq,
            Packing::Exl2(_) => Self::Exl2,
            Packing::Exl3(_) => Self::Exl3,
        }
    }

    /// The name as `quant_method` has it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Gptq => "gptq",
            Self::Awq => "awq",
            Self::CompressedTensors => "compressed-tensors",
            Self::Fp8 => "fp8",
            Self::FbgemmFp8 => "fbgemm_fp8",
            Self::ModelOpt => "modelopt",
            Self::Mxfp4 => "mxfp4",
            Self::BitsAndBytes => "bitsandbytes",
            Self::Hqq => "hqq",
            Self::Exl2 => "exl2",
            Self::Exl3 => "exl3",
            Self::Other(name) => name,
        }
    }
}
