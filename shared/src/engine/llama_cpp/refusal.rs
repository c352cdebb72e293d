//! What llama.cpp refuses.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-context.cpp` (`llama_init_from_model`).

use alloc::string::ToString;

use super::batch::output_rows;
use super::flash_attention;
use super::settings::{FlashAttention, LlamaCpp};
use crate::engine::EngineError;
#[cfg(feature = "configs")]
use crate::model::Geometry;
use crate::model::{Attention, Model};
use crate::quant::TensorType;

/// Names of the cache types, for the error that lists them.
const CACHE_TYPE_NAMES: &str = "f32, f16, bf16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1";

/// `LLAMA_MAX_SEQ` (`llama-cparams.h`).
const MOST_SEQUENCES: u64 = 256;

/// Architectures that configurations have and llama.cpp has no graph for (`llama-arch.cpp`), by the
/// names that they get here. A GGUF file of one would be of a newer release.
#[cfg(feature = "configs")]
const NOT_LOADED: &[&str] = &[
    "aria",
    "axk1",
    "biogpt",
    "codegen",
    "cosmos3_edge",
    "ernie4_5-vl-moe",
    "flex_olmo",
    "flint",
    "gpt_neo",
    "helium",
    "hunyuan-large",
    "hyperclovax",
    "inkling",
    "jetmoe",
    "kolibri1",
    "lara_mini",
    "lfm3",
    "longcat_flash",
    "mistral_large4",
    "mllama",
    "molmo2",
    "muse_spark",
    "nanochat",
    "olmo_hybrid",
    "opt",
    "persimmon",
    "phi3small",
    "recurrent_gemma",
    "vaultgemma",
    "voxtral_realtime",
    "xglm",
    "zamba",
    "zamba2",
];

/// Whether the engine has a graph for the architecture, as far as that is known.
#[cfg(feature = "configs")]
fn is_loaded(model: &Model) -> bool {
    model.geometry != Geometry::Known || !NOT_LOADED.contains(&model.architecture.as_str())
}

#[cfg(not(feature = "configs"))]
const fn is_loaded(_: &Model) -> bool {
    true
}

/// Refuses a model that only runs beside the one it drafts for (`ctx_other`).
pub(super) fn check_alone(model: &Model) -> Result<(), EngineError> {
    let lacks = |name| model.tensor(name).is_none();
    let needs_another = match model.architecture.as_str() {
        // Reads the other's caches.
        "gemma4-assistant" => true,
        "eagle3" => lacks("token_embd.weight") || lacks("output.weight"),
        // Its own embeddings can serve for the output.
        "dflash" => lacks("token_embd.weight"),
        _ => false,
    };
    if needs_another {
        return Err(EngineError::DraftsForAnother {
            architecture: model.architecture.clone(),
        });
    }
    Ok(())
}

pub(super) fn check(settings: &LlamaCpp, model: &Model) -> Result<(), EngineError> {
    if !is_loaded(model) {
        return Err(EngineError::ArchitectureNotLoaded {
            architecture: model.architecture.clone(),
        });
    }
    for cache_type in [settings.cache_type_k, settings.cache_type_v] {
        if !LlamaCpp::CACHE_TYPES.contains(&cache_type) {
            return Err(EngineError::UnknownCacheType {
                name: cache_type.name().to_string(),
                known: CACHE_TYPE_NAMES,
            });
        }
    }
    let unknown = match model.architecture.as_str() {
        // Its decoder adds positions to the scores, which it keeps whatever flash attention is.
        "t5" => Some("encoder and decoder"),
        "gemma4-assistant" => Some("caches of another model"),
        _ => None,
    };
    if let Some(reason) = unknown {
        return Err(EngineError::UnsupportedModel {
            architecture: model.architecture.clone(),
            reason,
        });
    }
    if !is_believable(model) {
        return Err(EngineError::TooLarge);
    }
    if !(1..=MOST_SEQUENCES).contains(&settings.parallel) {
        return Err(EngineError::InvalidSetting {
            name: "--parallel",
            value: settings.parallel.to_string(),
            expected: ("1〜256", "1 to 256"),
        });
    }
    positive("--batch-size", settings.batch_size)?;
    positive("--ubatch-size", settings.ubatch_size)?;
    output_rows(settings, settings.batch_size)?;
    let mut remembers = false;
    for (_, layer) in model.decoder_layers() {
        remembers |= layer.attention != Attention::None || layer.recurrent.is_some();
        match layer.attention {
            Attention::None => {}
            Attention::Heads(heads) => {
                if model.architecture == "deepseek4" {
                    same_types(settings)?;
                }
                // Without flash attention whole blocks in a row of all heads are enough.
                let rows = !settings.uses_flash_attention();
                let key = heads
                    .key_dim
                    .saturating_mul(if rows { heads.kv_heads } else { 1 });
                divisible("K", settings.cache_type_k, key)?;
                divisible("V", settings.cache_type_v, heads.value_dim)?;
            }
            Attention::Latent(latent) => {
                same_types(settings)?;
                divisible(
                    "K",
                    settings.cache_type_k,
                    latent.latent_dim.saturating_add(latent.rope_dim),
                )?;
            }
        }
    }
    if !remembers {
        return Err(EngineError::NotGenerative {
            architecture: model.architecture.clone(),
        });
    }
    let off = settings.flash_attention == FlashAttention::Off
        || flash_attention::never(&model.architecture);
    if settings.cache_type_v.is_quantized() && off {
        return Err(EngineError::QuantizedValueCacheNeedsFlashAttention {
            cache_type: settings.cache_type_v.name().to_string(),
        });
    }
    settings.profile.check(settings)
}

/// Values that are views of the keys have their type.
fn same_types(settings: &LlamaCpp) -> Result<(), EngineError> {
    if settings.cache_type_k == settings.cache_type_v {
        return Ok(());
    }
    Err(EngineError::MixedCacheTypes {
        key: settings.cache_type_k.name().to_string(),
        value: settings.cache_type_v.name().to_string(),
    })
}

/// Whether every number is small enough that the product of any three fits in 64 bits.
fn is_believable(model: &Model) -> bool {
    /// Widths, heads and experts: a hundred times what the largest models have.
    const MOST: u64 = 1 << 21;
    /// Rows of a vocabulary and extents of a tensor.
    const MOST_ROWS: u64 = 1 << 32;
    let small = |numbers: &[u64]| numbers.iter().all(|&number| number <= MOST);
    let layers = model.layers.iter().all(|layer| {
        let attention = match layer.attention {
            Attention::None => true,
            Attention::Heads(heads) => small(&[
                heads.query_heads,
                heads.kv_heads,
                heads.key_dim,
                heads.value_dim,
            ]),
            Attention::Latent(latent) => small(&[
                latent.query_heads,
                latent.latent_dim,
                latent.rope_dim,
                latent.key_dim,
                latent.value_dim,
            ]),
        };
        let experts = layer.feed_forward.experts.is_none_or(|experts| {
            small(&[
                experts.count,
                experts.used,
                experts.length,
                experts.shared_length,
            ])
        });
        let recurrent = layer.recurrent.is_none_or(|state| small(&state.extents()));
        attention && experts && recurrent && small(&[layer.feed_forward.length])
    });
    let tensors = model
        .tensors
        .iter()
        .all(|tensor| tensor.dimensions.iter().all(|&extent| extent <= MOST_ROWS));
    layers
        && tensors
        && small(&[model.embedding_length, model.input_length])
        && model.vocabulary_size <= MOST_ROWS
}

fn positive(name: &'static str, value: u64) -> Result<(), EngineError> {
    /// The engine's batch sizes are 32-bit; more than this is a slip of the finger.
    const MOST: u64 = 1 << 20;
    if (1..=MOST).contains(&value) {
        Ok(())
    } else {
        Err(EngineError::InvalidSetting {
            name,
            value: value.to_string(),
            expected: ("1〜1048576", "1 to 1048576"),
        })
    }
}

fn divisible(side: &'static str, cache_type: TensorType, head_dim: u64) -> Result<(), EngineError> {
    let block = cache_type.block_elements();
    if head_dim.is_multiple_of(block) {
        Ok(())
    } else {
        Err(EngineError::HeadNotDivisible {
            side,
            cache_type: cache_type.name().to_string(),
            block,
            head_dim,
        })
    }
}
