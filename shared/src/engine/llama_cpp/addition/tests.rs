use alloc::format;
use alloc::string::ToString;

use super::*;
use crate::catalogue;
use crate::engine::Engine;
use crate::engine::llama_cpp::FlashAttention;
use crate::model::Encoder;

const MIB: u64 = 1024 * 1024;

fn model(name: &str) -> Model {
    catalogue::find(name).unwrap().model(None).unwrap()
}

fn gpu() -> [Device; 1] {
    [Device::with_free("GPU".into(), 24_000 * MIB)]
}

fn plan(settings: &LlamaCpp, model: &Model) -> Plan {
    settings
        .prepare(model, &gpu())
        .unwrap()
        .plan(8_192)
        .unwrap()
}

fn with(additions: Additions) -> LlamaCpp {
    LlamaCpp {
        additions,
        ..LlamaCpp::default()
    }
}

#[test]
fn a_draft_model_adds_what_it_takes_alone() {
    let (target, small) = (model("qwen3:8b"), model("qwen3:0.6b"));
    let draft = with(Additions {
        draft: Some(Draft {
            file: "small.gguf".into(),
            model: Arc::new(small.clone()),
            gpu_layers: None,
        }),
        cache_type_k: TensorType::Q8_0,
        cache_type_v: TensorType::Q8_0,
        ..Additions::default()
    });
    let both = plan(&draft, &target);
    // The model gives logits for three drafted tokens too.
    let rows = LlamaCpp {
        outputs_max: Some(4),
        ..LlamaCpp::default()
    };
    let alone = plan(&rows, &target);
    let types = LlamaCpp {
        cache_type_k: TensorType::Q8_0,
        cache_type_v: TensorType::Q8_0,
        ..LlamaCpp::default()
    };
    let small = plan(&types, &small);
    let (both, alone, small) = (&both.devices[0], &alone.devices[0], &small.devices[0]);
    for figure in [
        |device: &DevicePlan| device.weights,
        |device: &DevicePlan| device.kv_cache,
        |device: &DevicePlan| device.compute,
        |device: &DevicePlan| device.growth,
    ] {
        assert_eq!(
            figure(both).bytes,
            figure(alone).bytes + figure(small).bytes
        );
    }
    assert!(both.weights.is_exact() && both.kv_cache.is_exact());
    let devices = gpu();
    let planner = draft.prepare(&target, &devices).unwrap();
    let shares = planner.beside(&planner.plan(8_192).unwrap());
    let [share] = shares.as_slice() else {
        panic!("{} shares", shares.len());
    };
    assert_eq!(share.weights, small.weights);
    assert_eq!(share.kv_cache, small.kv_cache);
    assert_eq!(share.compute, small.compute);
    assert_eq!(both.start_overhead, alone.start_overhead);
}

#[test]
fn prediction_layers_are_loaded_and_cache_for_themselves() {
    let mut target = model("qwen3:8b");
    let own = plan(&LlamaCpp::default(), &target);
    let refused = with(Additions {
        prediction: true,
        ..Additions::default()
    });
    let error = refused.prepare(&target, &gpu()).map(|_| ()).unwrap_err();
    assert!(matches!(error, EngineError::NoPredictionLayers { .. }));
    // The last layer once more, as one that predicts.
    let mut layer = target.layers[35].clone();
    layer.next_token_prediction = true;
    target.layers.push(layer);
    let mut bytes = 0;
    for tensor in target.tensors.clone() {
        if tensor.block() == Some(35) {
            bytes += tensor.bytes();
            let name = tensor.name.replacen("35", "36", 1);
            target.tensors.push(Tensor { name, ..tensor });
        }
    }
    let without = plan(&LlamaCpp::default(), &target);
    assert_eq!(without.devices[0].weights, own.devices[0].weights);
    let devices = gpu();
    let planner = refused.prepare(&target, &devices).unwrap();
    let shares = planner.beside(&planner.plan(8_192).unwrap());
    assert_eq!(shares[0].weights, Figure::exact(bytes));
    let with = plan(&refused, &target);
    let (with, without) = (&with.devices[0], &without.devices[0]);
    assert_eq!(with.weights.bytes - without.weights.bytes, bytes);
    // One layer of 36, in f16.
    let more = with.kv_cache.bytes - without.kv_cache.bytes;
    assert_eq!(more, without.kv_cache.bytes / 36);
    assert!(with.compute.bytes > without.compute.bytes && !with.compute.is_exact());
}

#[test]
fn an_adapter_lies_beside_the_tensors_that_it_changes() {
    let target = model("qwen3:8b");
    let own = plan(&LlamaCpp::default(), &target);
    let tensor = |name: &str, dimensions| {
        Tensor::new(name.to_string(), dimensions, TensorType::F32).unwrap()
    };
    let lora = |tensors| {
        with(Additions {
            adapters: Vec::from([("a.gguf".into(), Arc::new(tensors))]),
            ..Additions::default()
        })
    };
    let pair = |block: u64| {
        let name = format!("blk.{block}.attn_q.weight");
        [
            tensor(&format!("{name}.lora_a"), [4_096, 16, 1, 1]),
            tensor(&format!("{name}.lora_b"), [16, 4_096, 1, 1]),
        ]
    };
    let tensors: Vec<Tensor> = (0..36).flat_map(pair).collect();
    let with = plan(&lora(tensors), &target);
    let bytes = with.devices[0].weights.bytes - own.devices[0].weights.bytes;
    assert_eq!(bytes, 36 * 2 * 4_096 * 16 * 4);
    let wrong = Vec::from([tensor("blk.0.attn_q.weight.lora_a", [64, 16, 1, 1])]);
    let error = lora(wrong)
        .prepare(&target, &gpu())
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, EngineError::AdapterOfOtherModel { .. }));
}

/// What llama-server reported, in MiB, with flash attention off and on.
#[test]
fn projectors_are_not_planned_too_small() {
    let encoder = |width, feed_forward_length, image_size| Encoder {
        width,
        feed_forward_length,
        heads: 16,
        patch_size: 14,
        image_size,
        merge: 0,
    };
    for (kind, encoder, off, on) in [
        ("gemma3", encoder(1_152, 4_304, 896), 1_132, 121),
        ("qwen2vl_merger", encoder(1_280, 5_120, 560), 4_598, 267),
        ("qwen2.5vl_merger", encoder(1_280, 3_420, 560), 4_872, 705),
        ("qwen3vl_merger", encoder(1_152, 4_304, 768), 4_728, 323),
    ] {
        let projector = Projector {
            kind: kind.into(),
            tensors: Vec::new(),
            vision: Some(encoder),
            audio: None,
        };
        for (flash_attention, real) in [(FlashAttention::Off, off), (FlashAttention::Auto, on)] {
            let settings = LlamaCpp {
                flash_attention,
                ..LlamaCpp::default()
            };
            let fixed = projector::fixed(&settings, "", &projector, 1).unwrap();
            let planned = fixed.compute.gpus[0] / MIB;
            assert!(
                planned >= real && planned * 10 <= real * 14,
                "{kind}: {planned} for {real}"
            );
        }
    }
}
