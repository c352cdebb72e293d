use super::*;
use crate::catalogue;
use crate::engine::llama_cpp::{Additions, Version};
use crate::engine::{Engine, Precision};
use crate::fit::{Answer, Budget, max_context};
use crate::model::Vision;
use alloc::sync::Arc;

const MIB: u64 = 1024 * 1024;

fn model(name: &str) -> Model {
    catalogue::find(name).unwrap().model(None).unwrap()
}

fn devices(free: &[u64]) -> alloc::vec::Vec<Device> {
    let device = |&free| Device::with_free("GPU".into(), free * MIB);
    free.iter().map(device).collect()
}

#[test]
fn every_program_is_found_and_works_as_it_comes() {
    let model = model("qwen3:8b");
    for &profile in PROFILES {
        assert_eq!(find(profile.name()), Some(profile));
        let settings = profile.defaults();
        assert_eq!(settings.profile, profile);
        assert_eq!(settings.name(), profile.name());
        for precision in Precision::ALL {
            let engine = settings.in_precision(precision);
            let devices = devices(&[24_000]);
            let planner = engine.prepare(&model, &devices).unwrap();
            let budget = Budget::default();
            let fit = max_context(planner.as_ref(), &devices, &budget, None).unwrap();
            assert!(fit.max_context_length > 8_192, "{}", profile.name());
            assert_eq!(fit.plan.context_length, fit.max_context_length);
            let command = engine.launch_command("qwen3:8b", 16_384);
            assert!(command.contains("16384"), "{command}");
        }
    }
}

#[test]
fn koboldcpp_caches_128_tokens_more_in_one_cache() {
    let engine = KoboldCpp.defaults();
    let model = model("gemma3:12b");
    let planner = engine.prepare(&model, &devices(&[24_000])).unwrap();
    for (asked, cells) in [(8_192, 8_448), (8_320, 8_448), (8_321, 8_704)] {
        let plan = planner.plan(asked).unwrap();
        let crate::engine::Details::LlamaCpp {
            kv_cells,
            swa_cells,
            n_ctx,
            ..
        } = plan.details
        else {
            panic!("{:?}", plan.details);
        };
        // Sliding windows are cached whole.
        assert_eq!((kv_cells, swa_cells, n_ctx), (cells, cells, cells));
        assert_eq!(plan.context_length, cells - 128);
    }
    assert_eq!(planner.context_step(), 128);
    assert_eq!(planner.context_limit(), 262_144);
}

#[test]
fn what_a_program_does_not_take_is_refused() {
    let model = model("qwen3:8b");
    let refused = |settings: &LlamaCpp| {
        let planner = settings.prepare(&model, &devices(&[24_000]));
        planner.map(|_| ()).unwrap_err()
    };
    let kobold = KoboldCpp.defaults();
    let types = |settings: &LlamaCpp, key, value| LlamaCpp {
        cache_type_k: key,
        cache_type_v: value,
        ..settings.clone()
    };
    let (f16, q8, iq4) = (TensorType::F16, TensorType::Q8_0, TensorType::Iq4Nl);
    assert!(matches!(
        refused(&types(&kobold, iq4, iq4)),
        EngineError::UnknownCacheType { .. }
    ));
    let name = |error| match error {
        EngineError::InvalidSetting { name, .. } => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(name(refused(&types(&kobold, q8, f16))), "--cache-type-v");
    assert_eq!(name(refused(&kobold.with_micro_batch(100))), "--batch-size");
    // Without flash attention KoboldCpp keeps values in f16.
    let off = LlamaCpp {
        flash_attention: FlashAttention::Off,
        ..types(&kobold, q8, f16)
    };
    assert!(off.prepare(&model, &devices(&[24_000])).is_ok());
    assert_eq!(
        name(refused(&types(&Ollama.defaults(), q8, f16))),
        "--cache-type-v"
    );
    let bf16 = TensorType::Bf16;
    assert!(matches!(
        refused(&types(&LmStudio.defaults(), bf16, bf16)),
        EngineError::UnknownCacheType { .. }
    ));
}

/// A load on a card of 24 GiB had five copies of a state of 149.625 MiB, and a cache for 17 layers.
#[test]
fn ollama_drafts_with_layers_that_predict() {
    let model = model("qwen3.8:27b");
    let plan = |settings: &LlamaCpp| {
        let planner = settings.prepare(&model, &devices(&[24_000])).unwrap();
        planner.plan(8_192).unwrap().devices[0].clone()
    };
    let device = plan(&Ollama.defaults());
    assert_eq!(device.recurrent_state.bytes, 748 * MIB + MIB / 8);
    assert_eq!(device.kv_cache.bytes, 544 * MIB);
    let server = plan(&LlamaServer.defaults());
    assert_eq!(server.recurrent_state.bytes, 149 * MIB + MIB / 8 * 5);
    assert_eq!(server.kv_cache.bytes, 512 * MIB);
}

/// The encoder of images is loaded with the model, and its weights are left free once more.
#[test]
fn ollama_loads_encoders() {
    let model = model("gemma3:12b");
    let plan = |settings: &LlamaCpp| {
        let planner = settings.prepare(&model, &devices(&[24_000])).unwrap();
        planner.plan(8_192).unwrap().devices[0].clone()
    };
    let encoder = model.vision.as_ref().and_then(Vision::projector).unwrap();
    let encoder = encoder.tensors[0].bytes();
    let server = plan(&LlamaServer.defaults());
    let own = plan(&Ollama.defaults());
    let aligned = encoder.next_multiple_of(128);
    assert_eq!(own.weights.bytes, server.weights.bytes + aligned);
    let left = own.start_overhead.bytes + own.growth.bytes - server.start_overhead.bytes;
    assert_eq!(left, (1 << 30) + encoder);
    // Fewer layers on the GPU than there are: the encoder is not there either, and nothing fitted.
    let few = LlamaCpp {
        gpu_layers: Some(40),
        ..Ollama.defaults()
    };
    let server = LlamaCpp {
        gpu_layers: Some(40),
        ..LlamaServer.defaults()
    };
    assert_eq!(plan(&few).weights, plan(&server).weights);
    assert_eq!(plan(&few).start_overhead, plan(&server).start_overhead);
}

/// Ollama's batch grows with the context while there is room for it.
#[test]
fn ollama_chooses_batches_by_the_context() {
    let model = model("qwen3:8b");
    let engine = Ollama.defaults();
    let roomy = devices(&[40_000]);
    let tight = devices(&[10_000]);
    let compute = |devices: &[Device], context, tokens| {
        let planned = |engine: &LlamaCpp| {
            let plan = engine.prepare(&model, devices).unwrap().plan(context);
            plan.unwrap().devices[0].compute.bytes
        };
        assert_eq!(
            planned(&engine),
            planned(&engine.with_micro_batch(tokens)),
            "{context}"
        );
    };
    compute(&roomy, 4_096, 512);
    compute(&roomy, 4_352, 1024);
    compute(&roomy, 32_768, 1024);
    compute(&roomy, 33_024, 2048);
    // 5.0 GB of weights and 0.6 GB of cache are less than 75 %, and with 768 MiB than 80 %.
    compute(&tight, 8_192, 1024);
    compute(&tight, 24_576, 512);
    let planner = engine.prepare(&model, &roomy).unwrap();
    assert_eq!(planner.context_limit(), 40_960);
}

#[test]
fn ollama_uses_one_gpu_where_one_is_enough() {
    let model = model("qwen3:8b");
    let engine = Ollama.defaults();
    let two = devices(&[8_000, 16_000]);
    let planner = engine.prepare(&model, &two).unwrap();
    let plan = planner.plan(8_192).unwrap();
    assert_eq!(plan.devices[0].planned(), 0);
    assert_eq!(plan.devices[0].start_overhead.bytes, 0);
    assert!(plan.devices[1].planned() > 5_000 * MIB);
    // 80 % of neither is enough for 5.0 GB and 5.6 GB of cache as Ollama predicts it.
    let two = devices(&[8_000, 8_000]);
    let plan = engine.prepare(&model, &two).unwrap().plan(40_960).unwrap();
    assert!(plan.devices.iter().all(|device| device.planned() > 0));
}

#[test]
fn ollama_leaves_a_gibibyte_free() {
    let model = model("qwen3:8b");
    let devices = devices(&[12_000]);
    let budget = Budget {
        safety_margin: 0,
        runtime_overhead: None,
        answer: Answer::Survives,
    };
    let total = |engine: &LlamaCpp| {
        let plan = engine
            .prepare(&model, &devices)
            .unwrap()
            .plan(8_192)
            .unwrap();
        budget.total(&plan.devices[0]) - plan.devices[0].planned()
    };
    let automatic = Ollama.defaults();
    let given = LlamaCpp {
        gpu_layers: Some(37),
        ..Ollama.defaults()
    };
    let context = 80 + 12 * 18;
    assert_eq!(total(&automatic), (1_024 + context) * MIB);
    assert!(total(&given) < 400 * MIB);
}

#[test]
fn commands_say_what_was_set() {
    let command = |settings: &LlamaCpp, model: &str| settings.launch_command(model, 16_384);
    let int8 = |profile: &dyn Profile| profile.defaults().in_precision(Precision::Int8);
    assert_eq!(
        command(&Ollama.defaults(), "qwen3:8b"),
        "OLLAMA_CONTEXT_LENGTH=16384 ollama serve\nollama run qwen3:8b"
    );
    assert_eq!(
        command(&int8(&Ollama), "qwen3:8b"),
        "OLLAMA_CONTEXT_LENGTH=16384 OLLAMA_KV_CACHE_TYPE=q8_0 ollama serve\nollama run qwen3:8b"
    );
    let layers = LlamaCpp {
        gpu_layers: Some(20),
        parallel: 2,
        ..int8(&Ollama)
    };
    assert_eq!(
        command(&layers, "qwen3:8b"),
        "OLLAMA_KV_CACHE_TYPE=q8_0 OLLAMA_NUM_PARALLEL=2 ollama serve\n\
         printf 'FROM qwen3:8b\\nPARAMETER num_ctx 8192\\nPARAMETER num_gpu 20\\n' > Modelfile\n\
         ollama create qwen3-8b-8192 -f Modelfile && ollama run qwen3-8b-8192"
    );
    assert_eq!(
        command(&LmStudio.defaults(), "qwen3:8b"),
        "lms load qwen3-8b --context-length 16384 --gpu max"
    );
    assert_eq!(
        command(&int8(&LmStudio), "qwen3:8b"),
        "python -c \"import lmstudio; lmstudio.llm('qwen3-8b', config={'contextLength': 16384, \
         'gpu': {'ratio': 'max'}, 'flashAttention': True, \
         'llamaKCacheQuantizationType': 'q8_0', 'llamaVCacheQuantizationType': 'q8_0'})\""
    );
    assert_eq!(
        command(&int8(&KoboldCpp), "./a b.gguf"),
        "koboldcpp --model './a b.gguf' --usecuda --contextsize 16384 --gpulayers 999 \
         --quantkv q8_0"
    );
    assert_eq!(
        command(&int8(&LlamaCppPython), "qwen3:8b"),
        "from llama_cpp import Llama\nllm = Llama(model_path='qwen3-8b.gguf', n_gpu_layers=-1, \
         n_ctx=16384, flash_attn=True, type_k=8, type_v=8)"
    );
    assert_eq!(
        command(&LlamaCli.defaults(), "qwen3:8b"),
        "llama-cli --model qwen3-8b.gguf --ctx-size 16384 --n-gpu-layers all"
    );
}

/// A repository's projector is loaded only where it was counted.
#[test]
fn projectors_are_started_as_they_are_planned() {
    let command = |settings: &LlamaCpp, model: &str| settings.launch_command(model, 4_096);
    let repository = "unsloth/Qwen3-VL-8B-Thinking-GGUF:Q4_K_M";
    let mut settings = LlamaCpp::default();
    for settings in [&settings, &LlamaCli.defaults()] {
        let line = command(settings, repository);
        assert!(line.contains(" --no-mmproj "), "{line}");
        let line = command(settings, "./qwen3.gguf");
        assert!(!line.contains("mmproj"), "{line}");
    }
    let model = model("gemma3:12b");
    let own = model.vision.as_ref().and_then(Vision::projector).unwrap();
    let name = Additions::OWN_PROJECTOR;
    settings.additions.projector = Some((name.into(), Arc::new(own)));
    assert!(!command(&settings, repository).contains("mmproj"));
    let line = command(&settings, "gemma3:12b");
    assert!(line.ends_with(" --mmproj mmproj-F16.gguf"), "{line}");
    let weights = |settings: &LlamaCpp| {
        let planner = settings.prepare(&model, &devices(&[24_000])).unwrap();
        planner.plan(4_096).unwrap().devices[0].weights
    };
    let more = weights(&settings).bytes - weights(&LlamaCpp::default()).bytes;
    // The file holds 851 MB: norms and positions are in 32 bits there.
    assert!((835_000_000..=860_000_000).contains(&more), "{more}");
    assert!(!weights(&settings).is_exact());
}

/// The library's compute buffers are those of llama.cpp 0.5.0 with its settings.
#[test]
fn llama_cpp_python_is_llama_cpp_0_5_0() {
    let model = model("gemma3:12b");
    let devices = devices(&[24_000]);
    let python = LlamaCppPython.defaults();
    assert!(!python.uses_flash_attention());
    let same = LlamaCpp {
        version: Version::V0_5_0,
        batch_size: 512,
        swa_full: true,
        outputs_max: Some(0),
        flash_attention: FlashAttention::Off,
        ..LlamaCpp::default()
    };
    let plan = |engine: &LlamaCpp| {
        engine
            .prepare(&model, &devices)
            .unwrap()
            .plan(8_192)
            .unwrap()
    };
    assert_eq!(plan(&python), plan(&same));
    assert!(python.in_precision(Precision::Int8).uses_flash_attention());
}

/// What KoboldCpp's command line does not take, it is not planned for.
#[test]
fn koboldcpp_is_planned_as_it_is_started() {
    let model = model("qwen3:8b");
    let devices = devices(&[24_000]);
    let engine = KoboldCpp.defaults();
    let planner = engine.prepare(&model, &devices).unwrap();
    assert_eq!(planner.plan(100), planner.plan(256));
    assert!(
        engine
            .launch_command("m.gguf", 100)
            .contains("--contextsize 256 ")
    );
}
