//! What vLLM and SGLang refuse alike: both serve checkpoints, with layers shared out among GPUs.

use alloc::string::ToString;

use super::EngineError;
use crate::model::Model;
use crate::quant::TensorType;

/// More than this is a slip of the finger.
pub(super) const MOST: u64 = 1 << 40;

/// A number that is given has to be one.
pub(super) fn positive(name: &'static str, value: Option<u64>) -> Result<(), EngineError> {
    match value {
        Some(value) if !(1..=MOST).contains(&value) => Err(EngineError::InvalidSetting {
            name,
            value: value.to_string(),
            expected: ("1 以上", "1 or more"),
        }),
        _ => Ok(()),
    }
}

/// Whether weights are in a quantized type of GGUF files, MXFP4 aside, which checkpoints have too.
pub(super) fn has_ggml_weights(model: &Model) -> bool {
    let of_ggml = |kind: TensorType| kind.is_quantized() && kind != TensorType::Mxfp4;
    let mut tensors = model.tensors.iter();
    tensors.any(|tensor| of_ggml(tensor.tensor_type))
}

/// There have to be as many GPUs as ranks.
pub(super) fn enough(ranks: u64, gpus: usize) -> Result<(), EngineError> {
    if gpus == 0 {
        return Err(EngineError::NoDevice);
    }
    if ranks > gpus as u64 {
        return Err(EngineError::TooFewDevices {
            needed: ranks,
            given: gpus as u64,
        });
    }
    Ok(())
}

/// KV heads are shared out evenly, or each to several ranks evenly.
pub(super) fn kv_heads(heads: u64, ranks: u64) -> Result<(), EngineError> {
    if heads < ranks && ranks.is_multiple_of(heads.max(1)) {
        Ok(())
    } else {
        divisible("KV heads", heads, ranks)
    }
}

/// The ranks have to share out evenly.
pub(super) fn divisible(what: &'static str, count: u64, ranks: u64) -> Result<(), EngineError> {
    if count.is_multiple_of(ranks) {
        Ok(())
    } else {
        Err(EngineError::NotDivisibleByRanks { what, count, ranks })
    }
}
