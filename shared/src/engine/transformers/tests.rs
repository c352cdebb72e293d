//! Plans against peaks and caches measured on Transformers 5.23.0.

use serde_json::json;

use super::*;
use crate::quant::{FileType, pack, quantize};
use crate::source::hf::read_config;
use crate::text::UserMessage;

const GIB: u64 = 1 << 30;

fn card() -> Device {
    Device {
        compute_capability: Some((8, 9)),
        ..Device::with_free("card".into(), 24 * GIB)
    }
}

/// Llama 3.1 8B with fewer layers.
fn llama(layers: u64) -> Model {
    let config = json!({
        "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
        "num_hidden_layers": layers, "num_attention_heads": 32, "num_key_value_heads": 8,
        "vocab_size": 128_256, "max_position_embeddings": 131_072, "torch_dtype": "bfloat16",
    });
    read_config(config.to_string().as_bytes(), "llama").unwrap()
}

/// The language model of Gemma 3 4B, its first six layers.
fn gemma() -> Model {
    let config = json!({
        "model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
        "num_hidden_layers": 6, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 256, "sliding_window": 1024, "vocab_size": 262_208,
        "max_position_embeddings": 131_072, "torch_dtype": "bfloat16",
    });
    read_config(config.to_string().as_bytes(), "gemma").unwrap()
}

fn planned(settings: Transformers, model: &Model, tokens: u64) -> DevicePlan {
    let planner = settings.prepare(model, &[card()]).unwrap();
    let plan = planner.plan(tokens).unwrap();
    assert!(!planner.explain(&plan).is_empty());
    plan.devices[0].clone()
}

fn eager() -> Transformers {
    Transformers {
        attention: Some(AttentionImplementation::Eager),
        ..Transformers::default()
    }
}

fn with_all_logits() -> Transformers {
    Transformers {
        all_logits: true,
        ..Transformers::default()
    }
}

#[test]
fn peaks_are_those_measured() {
    let sdpa = Transformers::default();
    let cases: [(Transformers, u64, u64, u64, u64); 8] = [
        (sdpa, 4, 2_048, 33_554_432, 244_334_592),
        (sdpa, 4, 4_096, 67_108_864, 488_669_184),
        (sdpa, 8, 4_096, 134_217_728, 488_669_184),
        (sdpa, 4, 16_384, 268_435_456, 1_954_676_736),
        (with_all_logits(), 4, 2_048, 33_554_432, 542_113_792),
        (with_all_logits(), 4, 4_096, 67_108_864, 1_084_227_584),
        (eager(), 4, 2_048, 33_554_432, 1_452_294_144),
        (eager(), 4, 4_096, 67_108_864, 5_605_720_064),
    ];
    for (settings, layers, tokens, kv_cache, transient) in cases {
        let plan = planned(settings, &llama(layers), tokens);
        assert_eq!(plan.kv_cache.bytes, kv_cache);
        assert_eq!(plan.compute.bytes, transient, "{settings:?} {tokens}");
        assert!(plan.compute.is_exact());
    }
    assert_eq!(planned(sdpa, &llama(4), 1).weights.bytes, 3_846_250_496);
    assert_eq!(planned(sdpa, &llama(8), 1).weights.bytes, 5_591_146_496);
}

/// Classes with tensors that hold no data, in SDPA or plain attention: the peak beside weights and
/// cache. Each layer with a window has 8 bytes on the GPU, which the counts do not have.
#[test]
fn peaks_are_those_counted_over_the_classes() {
    let windows = |layers: u64| layers * 8;
    let cases = [
        (
            json!({"model_type": "qwen3", "hidden_size": 4096, "intermediate_size": 12288,
                "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 8,
                "head_dim": 128, "vocab_size": 32000}),
            (None, 2_048, 219_168_768),
        ),
        (
            json!({"model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192,
                "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 32,
                "vocab_size": 32064}),
            (None, 2_048, 185_352_192),
        ),
        (
            json!({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
                "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 8,
                "vocab_size": 32000, "sliding_window": 1024}),
            (None, 4_096, 505_446_400 + windows(2)),
        ),
        (
            json!({"model_type": "gemma2", "hidden_size": 2304, "intermediate_size": 9216,
                "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 4,
                "head_dim": 256, "vocab_size": 32000, "sliding_window": 1024}),
            (None, 2_048, 407_912_448 + windows(1)),
        ),
        (
            json!({"model_type": "cohere2", "hidden_size": 4096, "intermediate_size": 14336,
                "num_hidden_layers": 4, "num_attention_heads": 32, "num_key_value_heads": 8,
                "vocab_size": 32000, "sliding_window": 1024, "sliding_window_pattern": 4}),
            (None, 4_096, 505_446_400 + windows(3)),
        ),
        (
            json!({"model_type": "olmo3", "hidden_size": 4096, "intermediate_size": 11008,
                "num_hidden_layers": 4, "num_attention_heads": 32, "num_key_value_heads": 32,
                "vocab_size": 32000, "sliding_window": 1024}),
            (None, 4_096, 396_394_496 + windows(3)),
        ),
        (
            json!({"model_type": "lfm2", "hidden_size": 2048, "intermediate_size": 8192,
                "num_hidden_layers": 3, "num_attention_heads": 32, "num_key_value_heads": 8,
                "layer_types": ["conv", "conv", "full_attention"], "conv_L_cache": 3,
                "block_auto_adjust_ff_dim": false, "vocab_size": 32000}),
            (None, 2_048, 134_758_400),
        ),
    ];
    for (config, (attention, tokens, peak)) in cases {
        let model = read_config(config.to_string().as_bytes(), "x").unwrap();
        let settings = Transformers {
            attention,
            ..Transformers::default()
        };
        let plan = planned(settings, &model, tokens);
        assert_eq!(plan.compute.bytes, peak, "{config}");
        assert!(plan.compute.is_exact(), "{config}");
    }
}

/// The same with experts, which is met to a thousandth.
#[test]
fn peaks_with_experts_are_close() {
    let cases = [
        (
            json!({"model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880,
                "num_hidden_layers": 2, "num_attention_heads": 64, "num_key_value_heads": 8,
                "head_dim": 64, "num_local_experts": 32, "num_experts_per_tok": 4,
                "sliding_window": 128, "vocab_size": 32000}),
            1_714_176_000,
        ),
        (
            json!({"model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144,
                "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8,
                "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 4,
                "head_dim": 128, "vocab_size": 32000}),
            304_235_520,
        ),
        (
            json!({"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336,
                "num_hidden_layers": 2, "num_attention_heads": 32, "num_key_value_heads": 8,
                "num_local_experts": 8, "num_experts_per_tok": 2, "vocab_size": 32000}),
            571_670_592,
        ),
        (
            json!({"model_type": "glm4_moe", "hidden_size": 4096, "intermediate_size": 10944,
                "moe_intermediate_size": 1408, "num_hidden_layers": 2, "first_k_dense_replace": 1,
                "num_attention_heads": 96, "num_key_value_heads": 8, "head_dim": 128,
                "n_routed_experts": 128, "num_experts_per_tok": 8, "n_shared_experts": 1,
                "vocab_size": 32000}),
            874_726_400,
        ),
    ];
    for (config, counted) in cases {
        let model = read_config(config.to_string().as_bytes(), "x").unwrap();
        let ours = planned(Transformers::default(), &model, 2_048)
            .compute
            .bytes;
        assert!(
            (counted..=counted + counted / 1_000).contains(&ours),
            "{config}: {ours}, not {counted}"
        );
    }
}

#[test]
fn windows_hold_the_whole_prompt_while_it_passes() {
    let model = gemma();
    let plan = planned(Transformers::default(), &model, 4_096);
    assert_eq!(plan.weights.bytes, 2_475_101_184);
    assert_eq!(plan.kv_cache.bytes, 100_663_296);
    assert_eq!(plan.compute.bytes, 360_742_952);
    let plan = planned(eager(), &model, 4_096);
    assert_eq!(plan.compute.bytes, 1_530_953_768);
    // Once a token has followed.
    let settings = Transformers::default();
    let prepared = Prepared::new(&settings, &model, &[card()]).unwrap();
    let settled = prepared.settled_bytes(&prepared.gpus[0], 4_096).unwrap();
    assert_eq!(settled, 37_728_256);
    // A static cache has no more than its windows.
    let settings = Transformers {
        cache: Cache::Static,
        ..settings
    };
    let plan = planned(settings, &model, 4_160);
    assert_eq!(plan.kv_cache.bytes, 38_010_880);
    let plan = planned(settings, &llama(4), 4_160);
    assert_eq!(plan.kv_cache.bytes, 68_157_440);
}

/// One layer of 2 heads of 64: what the cache holds after a prompt of 100 or 300 tokens and 3
/// more, without its newest tokens.
#[test]
fn quantized_caches_have_scales_per_group() {
    let shape = Shape {
        element: 2,
        sink: 0,
        gpu: 0,
        cached: 2 * 64,
        copied: 2 * 64,
        mask: Some(Mask::Causal),
        heads: 2,
        score: 10,
        attended: 0,
        fused: 0,
        network: 0,
        fixed: 0,
        recurrent: 0,
        state: 0,
    };
    for (cache, tokens, keys) in [
        (Cache::Int4, 100, 7_200),
        (Cache::Int4, 300, 21_600),
        (Cache::Int8, 100, 13_600),
        (Cache::Int8, 300, 40_800),
    ] {
        // 127 newest in 16 bits on top of those.
        let bytes = shape.cache_bytes(cache, tokens + 127);
        assert_eq!(bytes, keys + 127 * 128 * 2, "{cache:?} {tokens}");
    }
    let narrow = planned(
        Transformers::default().in_precision(Precision::Int4),
        &llama(4),
        32_768,
    );
    let wide = planned(Transformers::default(), &llama(4), 32_768);
    assert!(narrow.kv_cache.bytes * 3 < wide.kv_cache.bytes);
    assert!(!narrow.compute.is_exact());
}

#[test]
fn kernels_keep_what_their_packages_allocate() {
    let gptq = pack(&llama(2), Packing::from_name("gptq-int4-g128").unwrap());
    let scratch = |profile, kernel| {
        let settings = Transformers {
            kernel,
            ..Transformers::of(profile)
        };
        Prepared::new(&settings, &gptq, &[card()]).unwrap().gpus[0].scratch
    };
    // The widest matrices: 14,336 channels out, and 4,096 in.
    let exllama_v2 = 14_336 * 4_096 * 2 + 128 + 14_336 * 2_048 * 8 * 4 + 128;
    assert_eq!(scratch(Profile::AutoGptq, None), exllama_v2);
    assert_eq!(
        scratch(Profile::GptqModel, Some(Kernel::ExllamaV2)),
        exllama_v2
    );
    let exllama = scratch(Profile::AutoGptq, Some(Kernel::Exllama));
    assert_eq!(exllama, 14_336 * 4_096 * 2 + 14_336 * 2);
    assert!(scratch(Profile::GptqModel, None) < 1 << 20);
    assert_eq!(scratch(Profile::GptqModel, Some(Kernel::Torch)), 0);
    let act_order = pack(&llama(2), Packing::from_name("gptq-actorder").unwrap());
    let settings = Transformers {
        kernel: Some(Kernel::Exllama),
        ..Transformers::of(Profile::AutoGptq)
    };
    let prepared = Prepared::new(&settings, &act_order, &[card()]).unwrap();
    assert_eq!(
        prepared.gpus[0].scratch,
        14_336 * 4_096 * 2 + 2_048 * 14_336 * 2
    );
}

#[test]
fn weights_stay_packed_where_the_gpu_can_use_them() {
    let fp8 = pack(&llama(2), Packing::from_name("fp8").unwrap());
    let weights = |compute_capability| {
        let device = Device {
            compute_capability,
            ..card()
        };
        let planner = Transformers::default().prepare(&fp8, &[device]).unwrap();
        planner.plan(1).unwrap().devices[0].weights.bytes
    };
    let plain = planned(Transformers::default(), &llama(2), 1).weights.bytes;
    assert_eq!(weights(Some((8, 6))), plain);
    assert!(weights(Some((8, 9))) < plain);
    assert_eq!(weights(None), weights(Some((9, 0))));
}

#[test]
fn what_cannot_be_is_refused() {
    let refusal = |settings: Transformers, model: &Model| {
        let error = settings.prepare(model, &[card()]).err();
        error.map(|error| error.code())
    };
    let int8 = Transformers::default().in_precision(Precision::Int8);
    assert_eq!(refusal(int8, &llama(1)), None);
    assert_eq!(
        refusal(int8, &gemma()),
        Some("quantized_cache_needs_full_attention")
    );
    for profile in [Profile::GptqModel, Profile::AutoGptq] {
        let settings = Transformers::of(profile);
        assert_eq!(refusal(settings, &llama(1)), Some("weights_not_for_engine"));
        let gptq = pack(&llama(1), Packing::from_name("gptq").unwrap());
        assert_eq!(refusal(settings, &gptq), None);
    }
    let exl3 = pack(&llama(1), Packing::from_name("exl3-4").unwrap());
    assert_eq!(
        refusal(Transformers::default(), &exl3),
        Some("weights_not_for_engine")
    );
    let none = Transformers::default().prepare(&llama(1), &[]).err();
    assert_eq!(none, Some(EngineError::NoDevice));
    let planner = Transformers::default().prepare(&llama(1), &[]).err();
    assert!(planner.is_some());
}

#[test]
fn sizes_beyond_everything_are_an_error() {
    let model = llama(1);
    let planner = eager().prepare(&model, &[card()]).unwrap();
    assert_eq!(planner.plan(u64::MAX).err(), Some(EngineError::TooLarge));
}

#[test]
fn layers_lie_on_all_gpus() {
    let model = llama(8);
    let devices = [card(), card()];
    let planner = Transformers::default().prepare(&model, &devices).unwrap();
    let plan = planner.plan(4_096).unwrap();
    let one = planned(Transformers::default(), &model, 4_096);
    let sum: u64 = plan.devices.iter().map(|device| device.weights.bytes).sum();
    assert_eq!(sum, one.weights.bytes);
    let caches: u64 = plan
        .devices
        .iter()
        .map(|device| device.kv_cache.bytes)
        .sum();
    assert_eq!(caches, one.kv_cache.bytes);
    assert!(plan.devices.iter().all(|device| device.kv_cache.bytes > 0));
}

#[test]
fn the_command_is_python() {
    let of = |settings: Transformers| settings.launch_command("Qwen/Qwen3-8B", 40_960);
    let plain = of(Transformers::default());
    assert!(plain.starts_with("python -c '"), "{plain}");
    assert!(plain.contains("max_length=40960)"), "{plain}");
    assert!(!plain.contains("cache_implementation"), "{plain}");
    let int8 = of(Transformers::default().in_precision(Precision::Int8));
    assert!(int8.contains(r#""backend": "hqq", "nbits": 8"#), "{int8}");
    let gptq = of(Transformers {
        kernel: Some(Kernel::ExllamaV2),
        ..Transformers::of(Profile::GptqModel)
    });
    assert!(gptq.contains("backend=BACKEND.GPTQ_EXLLAMA_V2"), "{gptq}");
    let quoted = Transformers::default().launch_command("it's \"x\"", 1);
    assert!(quoted.contains(r#""it'\''s \"x\"""#), "{quoted}");
    let names: Vec<String> = Cache::ALL.map(|cache| cache.name().to_string()).into();
    assert_eq!(names.len(), 4);
}

/// The same model in the type that its checkpoint has, or in the one asked for.
#[test]
fn single_precision_takes_twice_as_much() {
    let half = llama(2);
    let single = quantize(&half, FileType::F32).unwrap();
    let asked = Transformers {
        float_type: Some(FloatType::Float32),
        ..Transformers::default()
    };
    let sdpa = Transformers::default();
    let planned_half = planned(sdpa, &half, 2_048);
    for (settings, model) in [(sdpa, &single), (asked, &half)] {
        let plan = planned(settings, model, 2_048);
        assert_eq!(plan.weights.bytes, 2 * planned_half.weights.bytes);
        assert_eq!(plan.kv_cache.bytes, 2 * planned_half.kv_cache.bytes);
        assert!(plan.compute.bytes > planned_half.compute.bytes);
        assert!(!plan.compute.is_exact());
    }
}

/// The classes with tensors that hold no data, two layers of Llama 3.1 8B in plain attention: the
/// scores that a layer returns exist beside its network, which shows in short prompts.
#[test]
fn plain_attention_is_counted_in_either_type() {
    let half = llama(2);
    let single = quantize(&half, FileType::F32).unwrap();
    for (model, tokens, peak) in [
        (&half, 128, 16_352_256),
        (&half, 2_048, 1_452_294_144),
        (&single, 128, 32_703_488),
        (&single, 512, 156_766_208),
        (&single, 2_048, 1_293_959_168),
    ] {
        let plan = planned(eager(), model, tokens);
        assert_eq!(plan.compute.bytes, peak, "{tokens}");
        assert!(plan.compute.is_exact());
    }
}

/// What is counted is what the command loads.
#[test]
fn the_command_names_the_type() {
    let single = quantize(&llama(2), FileType::F32).unwrap();
    let command = |settings: Transformers, model: &Model| {
        let settled = settings.settled(model, &[card()], Reserve::default());
        settled.unwrap().launch_command("m", 4_096)
    };
    let transformers = Transformers::default();
    assert!(command(transformers, &single).contains("dtype=\"float32\""));
    assert!(command(transformers, &llama(2)).contains("dtype=\"bfloat16\""));
    let packed = pack(&llama(2), Packing::from_name("awq").unwrap());
    assert!(command(transformers, &packed).contains("dtype=\"auto\""));
}

/// Packing takes the same matrices of a checkpoint in single precision, and leaves the rest so.
#[test]
fn single_precision_packs_too() {
    let half = llama(2);
    let single = quantize(&half, FileType::F32).unwrap();
    let packing = Packing::from_name("nf4").unwrap();
    let packed = |model: &Model| {
        let packed = pack(model, packing);
        let count = packed.tensors.iter().filter(|own| own.packing.is_some());
        (
            count.count(),
            planned(Transformers::default(), &packed, 1).weights.bytes,
        )
    };
    let ((of_half, half), (of_single, single)) = (packed(&half), packed(&single));
    assert_eq!(of_half, of_single);
    // Two matrices of the vocabulary, norms.
    let kept = 2 * (2 * 128_256 * 4_096 + 5 * 4_096);
    assert_eq!(single - half, kept);
}
