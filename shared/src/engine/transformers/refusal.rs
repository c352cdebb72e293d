//! What Transformers and the GPTQ packages refuse at once.
//!
//! Source: Transformers 5.23.0, `cache_utils.py` (`QuantizedCache`), `quantizers/auto.py`,
//! `modeling_utils.py`; GPTQModel 7.7.0, AutoGPTQ 0.7.1 (`from_quantized`).

use alloc::string::ToString;

use super::element::FloatType;
use super::kernel::Kernel;
use super::settings::{AttentionImplementation, Profile, Transformers};
use crate::engine::EngineError;
use crate::model::{Attention, Method, Model, Span};
use crate::quant::{Packing, TensorType};
use crate::text::same;

/// Families whose classes have no scaled dot-product attention: soft caps and sinks.
const WITHOUT_SDPA: [&str; 4] = ["gemma2", "gpt-oss", "mimo2", "deepseek4"];

/// Families whose classes do not run with FlashAttention 2: sinks, and the newest attention.
const WITHOUT_FLASH: [&str; 3] = ["gpt-oss", "mimo2", "deepseek4"];
/// The widest heads that FlashAttention 2 takes.
const FLASH_HEAD: u64 = 256;

fn widest_head(model: &Model) -> u64 {
    let widths = model
        .decoder_layers()
        .map(|(_, layer)| match layer.attention {
            Attention::None => 0,
            Attention::Heads(heads) => heads.key_dim.max(heads.value_dim),
            Attention::Latent(latent) => latent.key_dim,
        });
    widths.max().unwrap_or(0)
}

/// How attention is computed where the settings do not say it.
pub(super) fn attention(
    settings: &Transformers,
    model: &Model,
) -> Result<AttentionImplementation, EngineError> {
    let has_sdpa = !WITHOUT_SDPA.contains(&model.architecture.as_str());
    match settings.attention {
        None if has_sdpa => Ok(AttentionImplementation::Sdpa),
        None => Ok(AttentionImplementation::Eager),
        Some(AttentionImplementation::Sdpa) if !has_sdpa => Err(EngineError::InvalidSetting {
            name: "--attn-implementation",
            value: AttentionImplementation::Sdpa.name().to_string(),
            expected: same("eager, flash_attention_2"),
        }),
        Some(AttentionImplementation::FlashAttention2)
            if WITHOUT_FLASH.contains(&model.architecture.as_str())
                || widest_head(model) > FLASH_HEAD
                || FloatType::of(settings, model) == FloatType::Float32 =>
        {
            Err(EngineError::InvalidSetting {
                name: "--attn-implementation",
                value: AttentionImplementation::FlashAttention2.name().to_string(),
                expected: same(if has_sdpa { "sdpa, eager" } else { "eager" }),
            })
        }
        Some(asked) => Ok(asked),
    }
}

pub(super) fn check(settings: &Transformers, model: &Model) -> Result<(), EngineError> {
    weights(settings, model)?;
    if settings.cache.bits().is_some()
        && let Some(layer) = other_than_full_attention(model)
    {
        return Err(EngineError::QuantizedCacheNeedsFullAttention {
            architecture: model.architecture.clone(),
            layer,
        });
    }
    kernel(settings, model)
}

/// Kernels that the package has, and that take these bits.
fn kernel(settings: &Transformers, model: &Model) -> Result<(), EngineError> {
    let Some(kernel) = settings.kernel else {
        return Ok(());
    };
    let packing = model.quantization.as_ref().and_then(|own| own.packing);
    let bits = match packing {
        Some(Packing::Gptq(gptq)) => gptq.bits,
        _ => 4,
    };
    let expected = match kernel {
        Kernel::Exllama if settings.profile != Profile::AutoGptq => {
            "marlin, exllama_v2, triton, torch"
        }
        Kernel::Exllama | Kernel::ExllamaV2 if bits != 4 => "marlin, triton, torch",
        Kernel::Marlin if bits != 4 && bits != 8 => "triton, torch",
        _ => return Ok(()),
    };
    Err(EngineError::InvalidSetting {
        name: "--kernel",
        value: kernel.name().to_string(),
        expected: same(expected),
    })
}

/// The formats of weights that the package loads.
fn weights(settings: &Transformers, model: &Model) -> Result<(), EngineError> {
    let refused = |takes| {
        Err(EngineError::WeightsNotForEngine {
            format: model.weights_format.clone(),
            takes,
        })
    };
    let is_ggml = |kind: TensorType| kind.is_quantized() && kind != TensorType::Mxfp4;
    if model
        .tensors
        .iter()
        .any(|tensor| is_ggml(tensor.tensor_type))
    {
        return refused("BF16, gptq-int4-g128, awq-int4-g128, fp8, nf4");
    }
    let quantization = model.quantization.as_ref();
    let packing = quantization.and_then(|own| own.packing);
    let method = quantization.map(|own| &own.method);
    if settings.profile.needs_gptq() {
        let Some(Packing::Gptq(gptq)) = packing else {
            return refused("gptq-int4-g128, gptq-int8-g128");
        };
        if settings.profile == Profile::AutoGptq && ![2, 3, 4, 8].contains(&gptq.bits) {
            return refused("gptq-int2, gptq-int3, gptq-int4, gptq-int8");
        }
        return Ok(());
    }
    match method {
        Some(Method::Exl2 | Method::Exl3) => {
            refused("BF16, gptq-int4-g128, awq-int4-g128, fp8, nf4")
        }
        Some(Method::Other(_)) if packing.is_none() => {
            refused("BF16, gptq-int4-g128, awq-int4-g128, fp8, nf4")
        }
        _ => Ok(()),
    }
}

/// The first kind of layer that a quantized cache has no place for.
fn other_than_full_attention(model: &Model) -> Option<&'static str> {
    model.decoder_layers().find_map(|(_, layer)| {
        if layer.recurrent.is_some() {
            return Some("linear_attention");
        }
        if layer.indexer.is_some() {
            return Some("indexed_attention");
        }
        if let Attention::Heads(heads) = layer.attention
            && heads.shares_cache
        {
            return Some("dummy");
        }
        match layer.attention.span() {
            None => Some("dummy"),
            Some(Span::Full) => None,
            Some(Span::Sliding { .. }) => Some("sliding_attention"),
            Some(Span::Chunked { .. }) => Some("chunked_attention"),
        }
    })
}
