//! The type that a model's numbers are loaded in.
//!
//! Source: Transformers 5.23.0, `modeling_utils.py` (`_get_dtype`): the `dtype` asked for, else the
//! configuration's, else that of the checkpoint's first weights in floating point;
//! `quantizers/quantizer_fbgemm_fp8.py` (`update_dtype`). GPTQModel 7.7.0, `models/loader.py`
//! (`auto_dtype`): single precision becomes bfloat16. AutoGPTQ 0.7.1: float16.

use super::settings::{Profile, Transformers};
use crate::model::{Method, Model};
use crate::quant::TensorType;

/// A type of `dtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FloatType {
    /// Single precision.
    Float32,
    /// IEEE half precision.
    Float16,
    /// Brain floating point.
    Bfloat16,
}

impl FloatType {
    /// The name as `dtype` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
        }
    }

    /// Bytes of an element.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::Float32 => 4,
            Self::Float16 | Self::Bfloat16 => 2,
        }
    }

    /// What `settings` load of `model`.
    pub(super) fn of(settings: &Transformers, model: &Model) -> Self {
        match settings.float_type {
            Some(asked) if settings.profile == Profile::Transformers => asked,
            _ => of_checkpoint(settings.profile, model),
        }
    }

    /// What the package is to be told to load, so that it loads what is counted; `None` where it
    /// decides by the quantization.
    pub(super) fn loaded(settings: &Transformers, model: &Model) -> Option<Self> {
        let profile = settings.profile;
        let is_plain = model.quantization.is_none() || settings.pack_on_load.is_some();
        (profile == Profile::Transformers && is_plain).then(|| of_checkpoint(profile, model))
    }
}

/// The checkpoint's own type is that of its embedding.
fn of_checkpoint(profile: Profile, model: &Model) -> FloatType {
    let table = model.tensor("token_embd.weight");
    let method = model.quantization.as_ref().map(|own| &own.method);
    match table.map(|table| table.tensor_type) {
        Some(TensorType::F32)
            if profile == Profile::Transformers && method != Some(&Method::FbgemmFp8) =>
        {
            FloatType::Float32
        }
        Some(TensorType::F16) => FloatType::Float16,
        _ => FloatType::Bfloat16,
    }
}
