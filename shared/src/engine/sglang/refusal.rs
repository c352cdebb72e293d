//! What SGLang refuses at once, and models whose pools follow rules of their own.
//!
//! Source: SGLang 0.5.23, `models` (which classes there are), `layers/linear.py`,
//! `layers/quantization`.

use alloc::string::ToString;

use super::settings::{Ratio, Sglang, StaticShare};
use crate::engine::EngineError;
use crate::engine::serving::{divisible, enough, has_ggml_weights, kv_heads, positive};
use crate::model::{Attention, Method, Model};
use crate::text::same;

/// Formats of weights that are told of.
const FORMATS: &str = "BF16, GPTQ, AWQ, FP8, NVFP4, MXFP4, bitsandbytes, compressed-tensors";
/// Families with recurrent or sparse layers that no class of the engine's serves, or whose pools
/// are not known here.
const UNKNOWN: [&str; 4] = ["deepseek4", "jamba", "minimax-01", "minimax-m3"];
pub(super) fn check(settings: &Sglang, model: &Model, gpus: usize) -> Result<(), EngineError> {
    let unsupported = |reason| EngineError::UnsupportedModel {
        architecture: model.architecture.clone(),
        reason,
    };
    positive(
        "--tensor-parallel-size",
        Some(settings.tensor_parallel_size),
    )?;
    positive("--context-length", settings.context_length)?;
    positive("--chunked-prefill-size", settings.chunked_prefill_size)?;
    positive("--max-running-requests", settings.max_running_requests)?;
    positive("--max-total-tokens", settings.max_total_tokens)?;
    positive("--page-size", settings.page_size)?;
    positive("--max-mamba-cache-size", settings.max_mamba_cache_size)?;
    positive("--cuda-graph-max-bs-decode", settings.cuda_graph_max_bs)?;
    if let StaticShare::Given(given) = settings.mem_fraction_static {
        share("--mem-fraction-static", given)?;
    }
    share("--swa-full-tokens-ratio", settings.swa_full_tokens_ratio)?;
    if UNKNOWN.contains(&model.architecture.as_str()) {
        return Err(unsupported("SGLang"));
    }
    let packed = model.quantization.as_ref().map(|own| &own.method);
    if matches!(packed, Some(Method::Exl2 | Method::Exl3 | Method::Hqq)) || has_ggml_weights(model)
    {
        return Err(EngineError::WeightsNotForEngine {
            format: model.weights_format.clone(),
            takes: FORMATS,
        });
    }
    let ranks = settings.tensor_parallel_size;
    enough(ranks, gpus)?;
    let mut attends = false;
    for (_, layer) in model.decoder_layers() {
        let heads = match layer.attention {
            Attention::None => continue,
            Attention::Heads(heads) => {
                kv_heads(heads.kv_heads, ranks)?;
                heads.query_heads
            }
            Attention::Latent(latent) => latent.query_heads,
        };
        attends = true;
        divisible("attention heads", heads, ranks)?;
    }
    if attends {
        Ok(())
    } else {
        Err(EngineError::NotGenerative {
            architecture: model.architecture.clone(),
        })
    }
}

fn share(name: &'static str, value: Ratio) -> Result<(), EngineError> {
    if value.is_share() {
        return Ok(());
    }
    Err(EngineError::InvalidSetting {
        name,
        value: value.to_string(),
        expected: same("0.000001–1"),
    })
}
