//! LM Studio.
//!
//! Source: the documentation of LM Studio 0.4 (`lms load`; parallel requests: 4 slots with a
//! unified cache), its SDK's load settings and their defaults (`lmstudio-js`,
//! `LLMLoadModelConfig`, `lms-kv-config`): batches of 512, the types of the KV cache. Which
//! llama.cpp its runtime carries, and how many rows of logits it plans, is not said: those of a
//! whole micro-batch are the most that it can be.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::words::{Words, file, python, quote};
use super::{OWN_BATCH, Profile, only_types, with_own_build};
use crate::engine::EngineError;
use crate::engine::llama_cpp::{FlashAttention, LlamaCpp};
use crate::quant::TensorType;

/// LM Studio.
#[derive(Debug)]
pub struct LmStudio;

const TAKES: &[&str] = &[
    "--cache-type-k",
    "--cache-type-v",
    "--flash-attn",
    "--batch-size",
    "--ubatch-size",
    "--parallel",
    "--kv-unified",
    "--no-kv-offload",
];

/// `LLMLlamaCacheQuantizationType`.
const CACHE_TYPES: &[TensorType] = &[
    TensorType::F32,
    TensorType::F16,
    TensorType::Q8_0,
    TensorType::Q4_0,
    TensorType::Q4_1,
    TensorType::Iq4Nl,
    TensorType::Q5_0,
    TensorType::Q5_1,
];

/// Concurrent predictions.
const SLOTS: u64 = 4;

impl Profile for LmStudio {
    fn name(&self) -> &'static str {
        "lm-studio"
    }

    fn label(&self) -> &'static str {
        "LM Studio"
    }

    fn version(&self) -> Option<&'static str> {
        Some("0.4")
    }

    fn defaults(&self) -> LlamaCpp {
        LlamaCpp {
            parallel: SLOTS,
            kv_unified: true,
            ..with_own_build(&Self)
        }
    }

    fn takes(&self) -> &'static [&'static str] {
        TAKES
    }

    fn check(&self, settings: &LlamaCpp) -> Result<(), EngineError> {
        only_types(
            settings,
            CACHE_TYPES,
            "f32, f16, q8_0, q4_0, q4_1, iq4_nl, q5_0, q5_1",
        )
    }

    fn attention(&self, _settings: &LlamaCpp) -> FlashAttention {
        FlashAttention::On
    }

    fn is_measured(&self) -> bool {
        false
    }

    /// `lms load`, or where that lacks an option for what is set, its Python SDK.
    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String {
        let file = file(model);
        let name = file.trim_end_matches(".gguf");
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let load = LlamaCpp {
            parallel: settings.parallel,
            ..self.defaults()
        };
        if *settings == load {
            let mut words = Words::new("lms");
            words.word("load");
            words.word(name);
            words.number("--context-length", context_length);
            words.option("--gpu", "max");
            if settings.parallel != SLOTS {
                words.number("--parallel", settings.parallel);
            }
            return words.line();
        }
        let mut given: Vec<String> = Vec::new();
        let mut field = |name: &str, value: &str| given.push(format!("{}: {value}", python(name)));
        field("contextLength", &context_length.to_string());
        field("gpu", "{'ratio': 'max'}");
        match settings.flash_attention {
            FlashAttention::Off => field("flashAttention", "False"),
            FlashAttention::On => field("flashAttention", "True"),
            // Values can only be quantized with it.
            FlashAttention::Auto if settings.cache_type_v != TensorType::F16 => {
                field("flashAttention", "True");
            }
            FlashAttention::Auto => {}
        }
        for (name, cache_type) in [
            ("llamaKCacheQuantizationType", settings.cache_type_k),
            ("llamaVCacheQuantizationType", settings.cache_type_v),
        ] {
            if cache_type != TensorType::F16 {
                field(name, &python(cache_type.name()));
            }
        }
        if settings.batch_size != OWN_BATCH {
            field("evalBatchSize", &settings.batch_size.to_string());
        }
        if settings.ubatch_size != OWN_BATCH {
            field("physicalBatchSize", &settings.ubatch_size.to_string());
        }
        if settings.parallel != SLOTS {
            field("maxParallelPredictions", &settings.parallel.to_string());
        }
        if !settings.kv_unified {
            field("useUnifiedKvCache", "False");
        }
        if !settings.kv_offload {
            field("offloadKVCacheToGpu", "False");
        }
        let code = format!(
            "import lmstudio; lmstudio.llm({}, config={{{}}})",
            python(name),
            given.join(", ")
        );
        format!("python -c {}", python_line(&code))
    }
}

/// Code as one word of a shell: in double quotes where that needs no escapes.
fn python_line(code: &str) -> String {
    if code.contains(['"', '$', '`', '\\', '!']) {
        quote(code)
    } else {
        format!("\"{code}\"")
    }
}
