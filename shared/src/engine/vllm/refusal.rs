//! What vLLM refuses at once.
//!
//! Source: vLLM 0.33.0, `config/model.py` (`verify_with_parallel_config`),
//! `config/cache.py`, `config/scheduler.py`.

use alloc::string::ToString;

use super::cache_type::CacheType;
use super::longest_context;
use super::settings::{Drafter, Vllm};
use crate::engine::EngineError;
use crate::engine::serving::{MOST, divisible, enough, has_ggml_weights, kv_heads, positive};
use crate::gpu::Device;
use crate::model::{Attention, Method, Model};
use crate::quant::Packing;

/// Formats of weights that are told of.
const FORMATS: &str = "BF16, GPTQ, AWQ, FP8, NVFP4, MXFP4, compressed-tensors";

/// Methods that are no longer built in, and groups of GPTQ in the order of activations, which no
/// kernel takes any more.
fn quantization(settings: &Vllm, model: &Model) -> Result<(), EngineError> {
    let Some(quantization) = &model.quantization else {
        return Ok(());
    };
    let is_old = settings.version.reads_gguf();
    let refused = match (&quantization.method, quantization.packing) {
        (Method::Exl2 | Method::Exl3, _) => true,
        (Method::BitsAndBytes | Method::Hqq, _) => !is_old,
        (_, Some(Packing::Gptq(gptq))) => !is_old && gptq.act_order && gptq.group_size.is_some(),
        _ => false,
    };
    if !refused {
        return Ok(());
    }
    Err(EngineError::WeightsNotForEngine {
        format: model.weights_format.clone(),
        takes: FORMATS,
    })
}

/// The lowest compute capability that Triton compiles for, which compiles the model and, on older
/// GPUs, is its attention (torch 2.14, `_inductor/scheduler.py`).
const LOWEST_CAPABILITY: (u32, u32) = (7, 0);

pub(super) fn check(settings: &Vllm, model: &Model, devices: &[Device]) -> Result<(), EngineError> {
    let gpus = devices.len();
    positive(
        "--tensor-parallel-size",
        Some(settings.tensor_parallel_size),
    )?;
    positive(
        "--pipeline-parallel-size",
        Some(settings.pipeline_parallel_size),
    )?;
    positive("--max-num-batched-tokens", settings.max_num_batched_tokens)?;
    positive("--max-num-seqs", settings.max_num_seqs)?;
    positive("--max-model-len", settings.max_model_len)?;
    positive("--block-size", settings.block_size)?;
    let predicts = model.layers.iter().any(|layer| layer.next_token_prediction);
    if settings.num_speculative_tokens > 0 && settings.drafter == Drafter::Mtp && !predicts {
        return Err(EngineError::NoPredictionLayers {
            model: model.name.clone(),
        });
    }
    if !settings.version.reads_gguf() && has_ggml_weights(model) {
        return Err(EngineError::WeightsNotForEngine {
            format: model.weights_format.clone(),
            takes: FORMATS,
        });
    }
    quantization(settings, model)?;
    if let (Some(asked), Some(longest)) = (settings.max_model_len, longest_context(model))
        && asked > longest
    {
        return Err(EngineError::InvalidSetting {
            name: "--max-model-len",
            value: asked.to_string(),
            expected: (
                "モデルの学習時の上限以下",
                "at most the context that the model was trained for",
            ),
        });
    }
    if settings
        .block_size
        .is_some_and(|size| !size.is_multiple_of(16))
    {
        return Err(EngineError::InvalidSetting {
            name: "--block-size",
            value: settings.block_size.unwrap_or_default().to_string(),
            expected: ("16 の倍数", "a multiple of 16"),
        });
    }
    if settings.num_speculative_tokens > MOST {
        positive(
            "--num-speculative-tokens",
            Some(settings.num_speculative_tokens),
        )?;
    }
    let ranks = settings.ranks();
    enough(ranks, gpus)?;
    let in_use = devices
        .iter()
        .take(usize::try_from(ranks).unwrap_or(usize::MAX));
    for device in in_use {
        if let Some(capability) = device.compute_capability
            && capability < LOWEST_CAPABILITY
        {
            return Err(EngineError::DeviceTooOld {
                device: device.name.clone(),
                capability,
                needed: LOWEST_CAPABILITY,
            });
        }
    }
    let layers = model.decoder_layers().count() as u64;
    if settings.pipeline_parallel_size > layers {
        return Err(EngineError::InvalidSetting {
            name: "--pipeline-parallel-size",
            value: settings.pipeline_parallel_size.to_string(),
            expected: ("層の数以下", "at most the number of layers"),
        });
    }
    let mut remembers = false;
    for (_, layer) in model.decoder_layers() {
        remembers |= layer.recurrent.is_some();
        let heads = match layer.attention {
            Attention::None => continue,
            Attention::Heads(heads) => {
                kv_heads(heads.kv_heads, settings.tensor_parallel_size)?;
                heads.query_heads
            }
            Attention::Latent(latent) => latent.query_heads,
        };
        remembers = true;
        divisible("attention heads", heads, settings.tensor_parallel_size)?;
        if layer.indexer.is_none()
            && matches!(
                settings.cache_type,
                CacheType::Fp8DsMla | CacheType::Nvfp4DsMla
            )
        {
            return Err(EngineError::CacheTypeNotForModel {
                cache_type: settings.cache_type.name(),
                architecture: model.architecture.clone(),
            });
        }
    }
    if remembers {
        Ok(())
    } else {
        Err(EngineError::NotGenerative {
            architecture: model.architecture.clone(),
        })
    }
}
