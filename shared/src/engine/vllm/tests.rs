//! What the engine is given, refuses and says; its capacities are held to measurements in
//! `tests/it/vllm_truth.rs`.

use alloc::vec;

use super::*;
use crate::fit::{self, Limit, max_context};
use crate::source::hf::read_config;

const GIB: u64 = 1 << 30;

fn llama() -> Model {
    let config = br#"{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
        "max_position_embeddings": 131072, "vocab_size": 128256, "tie_word_embeddings": false}"#;
    read_config(config, "llama").unwrap()
}

fn latent() -> Model {
    let config = br#"{"model_type": "deepseek_v3", "hidden_size": 7168,
        "intermediate_size": 18432, "num_attention_heads": 128, "num_hidden_layers": 4,
        "num_key_value_heads": 128, "max_position_embeddings": 163840, "vocab_size": 129280,
        "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "first_k_dense_replace": 4,
        "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
        "num_experts_per_tok": 8}"#;
    read_config(config, "latent").unwrap()
}

fn with_prediction() -> Model {
    let config = br#"{"model_type": "glm4_moe", "hidden_size": 4096, "intermediate_size": 10944,
        "num_attention_heads": 96, "num_hidden_layers": 4, "num_key_value_heads": 8,
        "head_dim": 128, "max_position_embeddings": 131072, "vocab_size": 151552,
        "first_k_dense_replace": 1, "moe_intermediate_size": 1408, "n_routed_experts": 128,
        "n_shared_experts": 1, "num_experts_per_tok": 8, "num_nextn_predict_layers": 1,
        "attention_bias": true}"#;
    read_config(config, "with prediction").unwrap()
}

fn card(free: u64, total: u64, capability: (u32, u32)) -> Device {
    Device {
        name: "GPU".into(),
        free,
        total: Some(total),
        compute_capability: Some(capability),
    }
}

fn blocks(settings: &Vllm, model: &Model, devices: &[Device]) -> (u64, u64) {
    let plan = settings.prepare(model, devices).unwrap().plan(1_024);
    match plan.unwrap().details {
        Details::Vllm {
            block_size,
            num_blocks,
            ..
        } => (block_size, num_blocks),
        other => panic!("{other:?}"),
    }
}

/// What CUDA counts of a card of 24 GiB.
const CUDA_TOTAL: u64 = 24 * GIB - (468 << 20);

#[test]
fn a_share_that_is_not_free_is_refused_or_lowered() {
    let model = llama();
    let busy = [card(20 * GIB, 24 * GIB, (8, 9))];
    let asked = Vllm {
        gpu_memory_utilization: Utilization::from_decimal("0.92"),
        runtime_overhead: Some(300 << 20),
        ..Vllm::default()
    };
    let refused = EngineError::ShareNotFree {
        device: "GPU".into(),
        requested: Version::V0_33_0.default_utilization().of(CUDA_TOTAL),
        free: 20 * GIB - (300 << 20),
    };
    assert_eq!(asked.prepare(&model, &busy).err(), Some(refused));
    let lowered = Vllm::default().on(&busy, Reserve::default());
    let share = lowered.gpu_memory_utilization.unwrap();
    // 20,130 of 24,108 MiB.
    assert_eq!(alloc::format!("{share}"), "0.834");
    assert_eq!(
        blocks(&lowered, &model, &busy),
        blocks(&Vllm::default(), &model, &busy)
    );
    let margin = Reserve {
        safety_margin: 500 << 20,
        runtime_overhead: None,
    };
    // 19,630 of 24,108 MiB.
    let careful = Vllm::default().on(&busy, margin);
    let share = careful.gpu_memory_utilization.unwrap();
    assert_eq!(alloc::format!("{share}"), "0.814");
    let idle = [card(CUDA_TOTAL, 24 * GIB, (8, 9))];
    let same = Vllm::default().on(&idle, Reserve::default());
    assert_eq!(same, Vllm::default());
}

#[test]
fn the_cache_gets_what_the_rest_of_the_share_leaves() {
    let model = llama();
    let devices = [card(CUDA_TOTAL, 24 * GIB, (8, 9))];
    for version in Version::ALL {
        let settings = Vllm {
            version,
            runtime_overhead: Some(300 << 20),
            ..Vllm::default()
        };
        let planner = settings.prepare(&model, &devices).unwrap();
        let plan = planner.plan(1).unwrap();
        let device = &plan.devices[0];
        let requested = version.default_utilization().of(CUDA_TOTAL);
        assert_eq!(
            device.cache_allowance.unwrap(),
            requested - device.weights.bytes - device.compute.bytes
        );
        // 8,030,261,248 parameters.
        assert_eq!(device.weights.bytes, 16_060_522_496);
        assert!(device.start_overhead.is_exact());
    }
}

#[test]
fn the_longest_context_is_the_one_that_the_pool_holds() {
    let model = llama();
    let devices = [card(40 * GIB, 40 * GIB, (8, 0))];
    let settings = Vllm {
        kv_cache_memory_bytes: Some(16 * GIB),
        ..Vllm::default()
    };
    let planner = settings.prepare(&model, &devices).unwrap();
    let budget = fit::Budget::default();
    let trained = model.trained_context_length;
    let fit = max_context(&*planner, &devices, &budget, trained).unwrap();
    // 8,192 blocks of 16 tokens, one of which is never handed out.
    assert_eq!(fit.max_context_length, 131_056);
    assert_eq!(fit.limit, Limit::Vram);
    assert!(!planner.explain(&fit.plan).is_empty());
    // What does not fit on the GPU besides the weights holds nothing.
    let small = [card(20 * GIB, 24 * GIB, (8, 9))];
    let planner = settings.prepare(&model, &small).unwrap();
    let fit = max_context(&*planner, &small, &budget, trained).unwrap();
    assert_eq!((fit.max_context_length, fit.limit), (0, Limit::Weights));
}

#[test]
fn blocks_are_those_of_the_gpus_attention() {
    let model = latent();
    let tokens = |cache_type, capability| {
        let settings = Vllm {
            cache_type,
            kv_cache_memory_bytes: Some(GIB),
            ..Vllm::default()
        };
        let devices = [card(1 << 45, 80 * GIB, capability)];
        blocks(&settings, &model, &devices).0
    };
    assert_eq!(tokens(CacheType::Auto, (9, 0)), 16);
    assert_eq!(tokens(CacheType::Fp8, (9, 0)), 64);
    assert_eq!(tokens(CacheType::Fp8, (8, 9)), 16);
    assert_eq!(tokens(CacheType::Auto, (10, 0)), 32);
}

#[test]
fn prediction_layers_keep_pages_where_they_draft() {
    let model = with_prediction();
    let bytes = |drafter, num_speculative_tokens| {
        let settings = Vllm {
            drafter,
            num_speculative_tokens,
            kv_cache_memory_bytes: Some(GIB),
            ..Vllm::default()
        };
        let devices = [card(1 << 45, 80 * GIB, (9, 0))];
        let plan = settings.prepare(&model, &devices).unwrap().plan(16);
        plan.unwrap().devices[0].kv_cache.bytes
    };
    let layer = 2 * 16 * 8 * 512;
    assert_eq!(bytes(Drafter::Mtp, 0), 4 * layer);
    assert_eq!(bytes(Drafter::Ngram, 2), 4 * layer);
    assert_eq!(bytes(Drafter::Mtp, 2), 5 * layer);
    let settings = Vllm {
        drafter: Drafter::Mtp,
        num_speculative_tokens: 2,
        ..Vllm::default()
    };
    let without = crate::catalogue::find("qwen3:8b").unwrap();
    let devices = [card(1 << 45, 80 * GIB, (9, 0))];
    let refused = settings
        .prepare(&without.checkpoint().unwrap(), &devices)
        .err();
    assert!(matches!(
        refused,
        Some(EngineError::NoPredictionLayers { .. })
    ));
}

/// Bytes per token of all layers, as measured with Llama-3.1-8B.
#[test]
fn packed_types_leave_the_ends_unpacked() {
    let model = llama();
    for (cache_type, measured) in [
        (CacheType::Auto, 131_072),
        (CacheType::TurboquantK8v4, 60_288),
        (CacheType::Turboquant4bitNc, 46_400),
        (CacheType::Turboquant3bitNc, 39_232),
    ] {
        let settings = Vllm {
            cache_type,
            kv_cache_memory_bytes: Some(16 * GIB),
            ..Vllm::default()
        };
        let devices = [card(1 << 45, 80 * GIB, (9, 0))];
        let (block_size, num_blocks) = blocks(&settings, &model, &devices);
        let is_packed = cache_type != CacheType::Auto;
        assert_eq!(block_size, if is_packed { 32 } else { 16 });
        assert_eq!(num_blocks, 16 * GIB / (block_size * measured));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let devices = vec![card(1 << 45, 80 * GIB, (9, 0)); 4];
    let refusal = |settings: Vllm, model: &Model| {
        let error = settings.prepare(model, &devices).err();
        error.map(|error| crate::text::UserMessage::code(&error))
    };
    let of = |change: fn(&mut Vllm)| {
        let mut settings = Vllm::default();
        change(&mut settings);
        settings
    };
    let (llama, latent) = (llama(), latent());
    assert_eq!(refusal(Vllm::default(), &llama), None);
    for (change, model, code) in [
        (
            (|settings| settings.tensor_parallel_size = 3) as fn(&mut Vllm),
            &llama,
            "not_divisible_by_ranks",
        ),
        (
            |settings| settings.tensor_parallel_size = 8,
            &llama,
            "too_few_devices",
        ),
        (
            |settings| settings.cache_type = CacheType::Int4PerTokenHead,
            &latent,
            "cache_type_not_for_model",
        ),
        (
            |settings| settings.cache_type = CacheType::Fp8DsMla,
            &llama,
            "cache_type_not_for_model",
        ),
        (
            |settings| settings.max_model_len = Some(131_073),
            &llama,
            "invalid_setting",
        ),
        (
            |settings| settings.block_size = Some(24),
            &llama,
            "invalid_setting",
        ),
        (
            |settings| settings.max_num_seqs = Some(0),
            &llama,
            "invalid_setting",
        ),
    ] {
        assert_eq!(refusal(of(change), model), Some(code), "{code}");
    }
    let none = Vllm::default().prepare(&llama, &[]).err();
    assert_eq!(none, Some(EngineError::NoDevice));
}

#[test]
fn sizes_beyond_everything_are_an_error() {
    let model = llama();
    let devices = [card(24 * GIB, 24 * GIB, (8, 9))];
    let planner = Vllm::default().prepare(&model, &devices).unwrap();
    assert_eq!(planner.plan(u64::MAX).err(), Some(EngineError::TooLarge));
}

#[test]
fn precisions_have_types_of_their_own() {
    for (precision, name) in [
        (Precision::Fp16, "auto"),
        (Precision::Int8, "fp8"),
        (Precision::Int4, "int4_per_token_head"),
    ] {
        let types = Vllm::default().with_precision(precision).cache_types();
        assert_eq!((types.key.as_str(), types.value.as_str()), (name, name));
    }
}

#[test]
fn every_model_of_the_catalogue_is_planned() {
    let devices = vec![card(1 << 45, 80 * GIB, (9, 0)); 4];
    for entry in crate::catalogue::entries() {
        let model = entry.checkpoint().unwrap();
        for (ranks, precision) in [
            (1, Precision::Fp16),
            (1, Precision::Int8),
            (2, Precision::Fp16),
        ] {
            let settings = Vllm {
                tensor_parallel_size: ranks,
                kv_cache_memory_bytes: Some(64 * GIB),
                ..Vllm::default().in_precision(precision)
            };
            let planner = match settings.prepare(&model, &devices) {
                Ok(planner) => planner,
                // Odd numbers of heads.
                Err(EngineError::NotDivisibleByRanks { .. }) if ranks > 1 => continue,
                Err(error) => panic!("{}: {error:?}", entry.tag),
            };
            let trained = model.trained_context_length;
            let budget = fit::Budget::default();
            let fit = max_context(&*planner, &devices, &budget, trained).unwrap();
            assert!(fit.max_context_length > 0, "{}", entry.tag);
            assert!(!planner.explain(&fit.plan).is_empty());
        }
    }
}

/// The larger Gemma 4 take a video in one go: 32 frames of 78 tokens.
#[test]
fn a_batch_holds_a_whole_video() {
    let model = |tag: &str| crate::catalogue::find(tag).unwrap().checkpoint().unwrap();
    let small = card(24 * GIB, 24 * GIB, (8, 9));
    let tokens = |tag: &str, device: &Device, asked| {
        let settings = Vllm {
            max_num_batched_tokens: asked,
            ..Vllm::default()
        };
        Hardware::new(&settings, &model(tag), device).max_num_batched_tokens
    };
    assert_eq!(tokens("gemma4:31b", &small, None), 2_496);
    assert_eq!(tokens("gemma4:31b", &small, Some(2_048)), 2_048);
    assert_eq!(tokens("gemma4:e4b", &small, None), 2_048);
    let large = card(80 * GIB, 80 * GIB, (9, 0));
    assert_eq!(tokens("gemma4:31b", &large, None), 8_192);
}

/// What GGUF stores is not for it; what checkpoints store is.
#[test]
fn formats_of_gguf_are_refused() {
    let devices = [card(1 << 45, 80 * GIB, (9, 0))];
    let entry = crate::catalogue::find("qwen3:8b").unwrap();
    let quantized = entry.model(None).unwrap();
    let refused = Vllm::default().prepare(&quantized, &devices).err();
    assert!(matches!(
        refused,
        Some(EngineError::WeightsNotForEngine { .. })
    ));
    let older = Vllm {
        version: Version::V0_20_0,
        ..Vllm::default()
    };
    assert!(older.prepare(&quantized, &devices).is_ok());
    // As published: MXFP4, and FP8 in blocks.
    for (tag, format) in [("gpt-oss:20b", "MXFP4"), ("minimax-m2", "fp8-block128")] {
        let own = crate::catalogue::find(tag).unwrap().checkpoint().unwrap();
        assert_eq!(own.weights_format, format);
        assert!(Vllm::default().prepare(&own, &devices).is_ok());
    }
}

/// Groups of GPTQ in the order of activations have no kernel any more; checkpoints may ask for
/// the KV cache's type.
#[test]
fn quantized_checkpoints_are_taken_at_their_word() {
    let read = |quantization: &str| {
        let config = alloc::format!(
            r#"{{"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
            "num_attention_heads": 32, "num_hidden_layers": 2, "num_key_value_heads": 8,
            "max_position_embeddings": 131072, "vocab_size": 128256,
            "tie_word_embeddings": false, "quantization_config": {quantization}}}"#
        );
        read_config(config.as_bytes(), "quantized").unwrap()
    };
    let devices = [card(1 << 45, 80 * GIB, (9, 0))];
    // Two layers of Llama-3.1-8B, as vLLM 0.33.0 creates them.
    for (quantization, bytes) in [
        (
            r#"{"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": false}"#,
            2_328_010_752,
        ),
        (
            r#"{"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true}"#,
            2_328_010_752,
        ),
        (
            r#"{"quant_method": "fp8", "activation_scheme": "static"}"#,
            2_537_595_008,
        ),
        (
            r#"{"quant_method": "fp8", "activation_scheme": "dynamic",
            "weight_block_size": [128, 128]}"#,
            2_537_701_392,
        ),
    ] {
        let model = read(quantization);
        let planner = Vllm::default().prepare(&model, &devices).unwrap();
        let plan = planner.plan(1).unwrap();
        assert_eq!(plan.devices[0].weights.bytes, bytes, "{quantization}");
        assert_eq!(plan.cache_types.key, "auto");
    }
    let act_order =
        read(r#"{"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": true}"#);
    assert!(matches!(
        Vllm::default().prepare(&act_order, &devices).err(),
        Some(EngineError::WeightsNotForEngine { .. })
    ));
    let with_cache = read(
        r#"{"quant_method": "modelopt", "quantization": {"quant_algo": "FP8",
        "kv_cache_quant_algo": "FP8"}}"#,
    );
    let types = |cache_type| {
        let settings = Vllm {
            cache_type,
            ..Vllm::default()
        };
        let planner = settings.prepare(&with_cache, &devices).unwrap();
        planner.plan(1).unwrap().cache_types.key
    };
    assert_eq!(types(CacheType::Auto), "fp8_e4m3");
    assert_eq!(types(CacheType::Bfloat16), "bfloat16");
}

#[test]
fn gpus_that_triton_does_not_compile_for_are_refused() {
    let model = llama();
    let pascal = card(10 * GIB, 11 * GIB, (6, 1));
    let refused = EngineError::DeviceTooOld {
        device: "GPU".into(),
        capability: (6, 1),
        needed: (7, 0),
    };
    let settings = Vllm::default();
    let error = settings
        .prepare(&model, core::slice::from_ref(&pascal))
        .err();
    assert_eq!(error, Some(refused));
    // One that is not used does not matter.
    let newer = card(22 * GIB, 24 * GIB, (8, 9));
    assert!(settings.prepare(&model, &[newer, pascal]).is_ok());
    let volta = card(30 * GIB, 32 * GIB, (7, 0));
    assert!(settings.prepare(&model, &[volta]).is_ok());
}
