//! KoboldCpp.
//!
//! Source: KoboldCpp 1.113, `koboldcpp.py` (options and their defaults) and
//! `gpttype_adapter.cpp` (`gpttype_load_model`): one unified cache, 128 tokens of context on top
//! of those asked for, the micro-batch as large as the batch, sliding windows cached whole unless
//! `--useswa` is given, logits of a whole micro-batch (`n_outputs_max` is left alone).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::words::{Words, file, shares};
use super::{OWN_BATCH, Profile, one_batch, only_types, with_own_build};
use crate::engine::EngineError;
use crate::engine::llama_cpp::{FlashAttention, LlamaCpp, SplitMode};
use crate::model::Model;
use crate::quant::TensorType;
use crate::text::same;

/// KoboldCpp.
#[derive(Debug)]
pub struct KoboldCpp;

const TAKES: &[&str] = &[
    "--cache-type-k",
    "--cache-type-v",
    "--flash-attn",
    "--batch-size",
    "--ubatch-size",
    "--swa-full",
    "--n-gpu-layers",
    "--n-cpu-moe",
    "--override-tensor",
    "--tensor-split",
    "--main-gpu",
    "--split-mode",
    "--no-kv-offload",
];

/// What `--quantkv` takes.
const CACHE_TYPES: &[TensorType] = &[
    TensorType::F16,
    TensorType::Bf16,
    TensorType::Q8_0,
    TensorType::Q5_1,
    TensorType::Q4_0,
];

/// What `--batchsize` takes.
const BATCH_SIZES: [u64; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// What `--contextsize` starts from.
const SHORTEST_CONTEXT: u64 = 256;
/// What `--contextsize` goes up to.
const LONGEST_CONTEXT: u64 = 262_144;

/// `extra_context_handle_fragmentation`.
const EXTRA_CONTEXT: u64 = 128;

/// More layers than any model has.
const ALL_LAYERS: u64 = 999;

impl Profile for KoboldCpp {
    fn name(&self) -> &'static str {
        "koboldcpp"
    }

    fn label(&self) -> &'static str {
        "KoboldCpp"
    }

    fn version(&self) -> Option<&'static str> {
        Some("1.113")
    }

    fn defaults(&self) -> LlamaCpp {
        LlamaCpp {
            kv_unified: true,
            swa_full: true,
            ..with_own_build(&Self)
        }
    }

    fn takes(&self) -> &'static [&'static str] {
        TAKES
    }

    fn check(&self, settings: &LlamaCpp) -> Result<(), EngineError> {
        only_types(settings, CACHE_TYPES, "f16, bf16, q8_0, q5_1, q4_0")?;
        // One option gives both types; without flash attention values stay in f16.
        let value = if settings.uses_flash_attention() {
            settings.cache_type_k
        } else {
            TensorType::F16
        };
        if settings.cache_type_v != value {
            return Err(EngineError::InvalidSetting {
                name: "--cache-type-v",
                value: settings.cache_type_v.name().to_string(),
                expected: same(value.name()),
            });
        }
        one_batch(settings)?;
        if !BATCH_SIZES.contains(&settings.batch_size) {
            return Err(EngineError::InvalidSetting {
                name: "--batch-size",
                value: settings.batch_size.to_string(),
                expected: same("16, 32, 64, 128, 256, 512, 1024, 2048, 4096"),
            });
        }
        Ok(())
    }

    fn attention(&self, _settings: &LlamaCpp) -> FlashAttention {
        FlashAttention::On
    }

    fn has_one_batch_size(&self) -> bool {
        true
    }

    fn extra_context(&self) -> u64 {
        EXTRA_CONTEXT
    }

    fn shortest_context(&self) -> u64 {
        SHORTEST_CONTEXT
    }

    fn context_limit(&self, _settings: &LlamaCpp, _model: &Model) -> u64 {
        LONGEST_CONTEXT
    }

    fn is_measured(&self) -> bool {
        false
    }

    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String {
        let mut words = Words::new("koboldcpp");
        words.option("--model", &file(model));
        words.word("--usecuda");
        words.number("--contextsize", context_length.max(SHORTEST_CONTEXT));
        words.number("--gpulayers", settings.gpu_layers.unwrap_or(ALL_LAYERS));
        if settings.cache_type_k != TensorType::F16 {
            words.option("--quantkv", settings.cache_type_k.name());
        }
        if settings.flash_attention == FlashAttention::Off {
            words.word("--noflashattention");
        }
        if settings.batch_size != OWN_BATCH {
            words.number("--batchsize", settings.batch_size);
        }
        if !settings.swa_full {
            words.word("--useswa");
        }
        if settings.cpu_moe_layers > 0 {
            words.number("--moecpu", settings.cpu_moe_layers);
        }
        if !settings.tensor_overrides.is_empty() {
            let given = settings.tensor_overrides.iter();
            let overrides: Vec<String> = given
                .map(|given| format!("{}={}", given.pattern, given.buffer))
                .collect();
            words.option("--overridetensors", &overrides.join(","));
        }
        if !settings.tensor_split.is_empty() {
            words.word("--tensor_split");
            for share in &settings.tensor_split {
                words.word(&shares(core::slice::from_ref(share), ""));
            }
        }
        if settings.split_mode == SplitMode::None {
            words.option("--splitmode", "none");
            words.number("--maingpu", settings.main_gpu as u64);
        }
        if !settings.kv_offload {
            words.word("--lowvram");
        }
        words.line()
    }
}
