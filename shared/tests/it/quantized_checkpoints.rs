//! Quantized checkpoints, read from their configurations, against the parameters that vLLM
//! 0.33.0 creates for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::model::{Method, Model, Tensor};
use shared::quant::{FileType, Linear, Packing, Parts, pack, quantize, unpack};
use shared::source::hf::{read_config, read_config_beside};

use crate::data;

fn cases() -> Vec<Value> {
    let text = String::from_utf8(data::gunzip("quant/checkpoints.jsonl.gz")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn read(case: &Value) -> Model {
    let config = case["config"].to_string();
    read_config(config.as_bytes(), case["name"].as_str().unwrap()).unwrap()
}

/// The parts of all matrices of a tensor.
fn parts(tensor: &Tensor) -> Option<(Packing, Parts, u64)> {
    let packing = tensor.packing?;
    let linear = Linear::of(tensor);
    let parts = packing.parts(linear.input, linear.output).unwrap();
    Some((packing, parts, linear.count))
}

/// Bytes as the engine creates them: it drops GPTQ's `g_idx`, and keeps one description for
/// queries, keys and values together and one for gate and up.
fn created(model: &Model) -> u64 {
    let bytes = |tensor: &Tensor| match parts(tensor) {
        None => tensor.checkpoint_bytes(),
        Some((packing, parts, count)) => {
            let merged = ["attn_k.weight", "attn_v.weight", "ffn_up.weight"]
                .iter()
                .any(|name| tensor.name.ends_with(name));
            let order = match packing {
                Packing::Gptq(_) => 0,
                _ => parts.order,
            };
            let description = if merged { 0 } else { parts.description };
            (parts.elements + parts.scales + parts.zeros + order + description) * count
        }
    };
    model.tensors.iter().map(bytes).sum()
}

#[test]
fn sizes_are_those_that_the_engine_creates() {
    let mut compared = 0;
    for case in cases() {
        let Some(bytes) = case["bytes"].as_u64() else {
            continue;
        };
        assert_eq!(created(&read(&case)), bytes, "{}", case["name"]);
        compared += 1;
    }
    assert_eq!(compared, 14);
}

/// Bytes by the types of whole checkpoints. The engine joins two projections of the indexer and
/// keeps both in 16 bits.
fn by_type(model: &Model) -> BTreeMap<&'static str, u64> {
    let mut sums = BTreeMap::new();
    for tensor in model.tensors.iter().filter(|tensor| {
        let predicts = |block: usize| model.layers[block].next_token_prediction;
        !tensor.block().is_some_and(predicts) && !tensor.name.ends_with("indexer.attn_k.weight")
    }) {
        let Some((packing, parts, count)) = parts(tensor) else {
            if tensor.tensor_type.is_quantized() {
                *sums.entry("uint8").or_default() += tensor.bytes();
            }
            continue;
        };
        let mut add = |kind, bytes: u64| *sums.entry(kind).or_default() += bytes * count;
        match packing {
            Packing::Fp8(_) => add("float8_e4m3fn", parts.elements),
            Packing::Nvfp4(nvfp4) => {
                add("uint8", parts.elements);
                let globals = if nvfp4.static_input { 8 } else { 4 };
                add("float8_e4m3fn", parts.scales - globals);
            }
            other => panic!("{other:?}"),
        }
    }
    sums
}

#[test]
fn what_is_packed_is_what_the_engine_packs() {
    let mut compared = 0;
    for case in cases() {
        let Some(theirs) = case["by_type"].as_object() else {
            continue;
        };
        let ours = by_type(&read(&case));
        for kind in ["uint8", "float8_e4m3fn"] {
            let theirs = theirs.get(kind).and_then(Value::as_u64);
            println!(
                "{} {kind}: {:?} for {theirs:?}",
                case["name"],
                ours.get(kind)
            );
            compared += 1;
            assert_eq!(ours.get(kind).copied(), theirs, "{} {kind}", case["name"]);
        }
    }
    assert_eq!(compared, 12);
}

/// Llama 3.1 8B in 16 bits.
fn plain() -> Value {
    let none = |case: &Value| case["name"] == "none";
    cases().into_iter().find(none).unwrap()["config"].clone()
}

fn with(quantization: Value) -> Model {
    let mut config = plain();
    config["quantization_config"] = quantization;
    read_config(config.to_string().as_bytes(), "x").unwrap()
}

/// Names of the tensors of the first two blocks that are packed, without `.weight`.
fn packed(model: &Model) -> Vec<String> {
    let tensors = model
        .tensors
        .iter()
        .filter(|tensor| tensor.packing.is_some());
    tensors
        .map(|tensor| tensor.name.trim_end_matches(".weight").to_owned())
        .collect()
}

#[test]
fn engines_can_tell_what_a_checkpoint_is() {
    let model =
        with(json!({"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": true}));
    let quantization = model.quantization.as_ref().unwrap();
    assert_eq!(quantization.method, Method::Gptq);
    let Some(Packing::Gptq(gptq)) = quantization.packing else {
        panic!("{quantization:?}");
    };
    assert_eq!(
        (gptq.bits, gptq.group_size, gptq.act_order),
        (4, Some(32), true)
    );
    assert_eq!(model.weights_format, "gptq-int4-g32-actorder");
    assert_eq!(packed(&model).len(), 2 * 7);
    assert_eq!(model.tensor("output.weight").unwrap().packing, None);
    let unknown = with(json!({"quant_method": "aqlm"}));
    let method = unknown.quantization.unwrap().method;
    assert_eq!(method, Method::Other("aqlm".into()));
    let cache = with(
        json!({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}),
    );
    assert!(cache.quantization.unwrap().fp8_kv_cache);
}

#[test]
fn lists_say_what_stays_as_it_is() {
    let every = 2 * 7;
    for (quantization, count) in [
        (
            json!({"quant_method": "awq", "bits": 4, "group_size": 128}),
            every,
        ),
        (
            json!({"quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": ["self_attn"]}),
            every - 8,
        ),
        (
            json!({"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0", "down_proj"]}),
            6,
        ),
        (
            json!({"quant_method": "fp8", "ignored_layers": ["model.layers.1.mlp.gate_proj", "model.layers.11"]}),
            every - 1,
        ),
        (
            json!({"quant_method": "modelopt", "quantization": {"quant_algo": "NVFP4", "exclude_modules": ["*.self_attn*", "model.layers.1.*"]}}),
            3,
        ),
        (
            json!({"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"-:.*down.*": {}}}),
            every - 2,
        ),
        (
            json!({"quant_method": "gptq", "bits": 4, "group_size": 128, "modules_in_block_to_quantize": [["self_attn.k_proj", "self_attn.v_proj"], ["mlp.up_proj"]]}),
            6,
        ),
        (
            json!({"quant_method": "bitsandbytes", "load_in_4bit": true, "llm_int8_skip_modules": ["lm_head", "mlp"]}),
            8,
        ),
        (
            json!({"quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["re:.*self_attn.*", "lm_head"],
                "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "group_size": 32, "type": "int", "symmetric": true, "strategy": "group"}}}}),
            6,
        ),
        (
            json!({"quant_method": "exl3", "bits": 4.0, "head_bits": 6}),
            every + 1,
        ),
        (
            json!({"quant_method": "exl2", "bits": 4.65, "lm_head_bits": 6}),
            every + 1,
        ),
        (
            json!({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}, "skip_modules": ["lm_head"]}),
            every,
        ),
        (
            json!({"quant_method": "auto-round", "bits": 4, "group_size": 128, "extra_config": {"model.layers.0.mlp.up_proj": {"bits": 16}}}),
            every - 1,
        ),
        (
            json!({"quant_method": "gptq", "bits": 4, "group_size": 128, "lm_head": true}),
            every + 1,
        ),
        (json!({"quant_method": "quark"}), 0),
    ] {
        assert_eq!(
            packed(&with(quantization.clone())).len(),
            count,
            "{quantization}"
        );
    }
}

#[test]
fn some_modules_have_bits_of_their_own() {
    let model = with(json!({
        "quant_method": "gptq", "bits": 4, "group_size": 128,
        "dynamic": {"+:.*\\.0\\..*gate.*": {"bits": 8, "group_size": 64}}
    }));
    let bits = |name: &str| match model.tensor(name).unwrap().packing {
        Some(Packing::Gptq(gptq)) => (gptq.bits, gptq.group_size),
        other => panic!("{other:?}"),
    };
    assert_eq!(bits("blk.0.ffn_gate.weight"), (8, Some(64)));
    assert_eq!(bits("blk.1.ffn_gate.weight"), (4, Some(128)));
}

#[test]
fn what_stands_beside_the_configuration_counts() {
    let beside = json!({"producer": {"name": "modelopt"}, "quantization": {
        "quant_algo": "MIXED_PRECISION", "kv_cache_quant_algo": "FP8",
        "quantized_layers": {
            "model.layers.0.mlp.up_proj": {"quant_algo": "NVFP4", "group_size": 16},
            "model.layers.1.self_attn": {"quant_algo": "FP8"}
        }
    }});
    let config = plain().to_string();
    let beside = beside.to_string();
    let model = read_config_beside(config.as_bytes(), beside.as_bytes(), "x").unwrap();
    assert_eq!(packed(&model).len(), 1 + 4);
    assert!(model.quantization.unwrap().fp8_kv_cache);
    let own = with(json!({"quant_method": "fp8"}));
    let mut config = plain();
    config["quantization_config"] = json!({"quant_method": "fp8"});
    let read = read_config_beside(config.to_string().as_bytes(), beside.as_bytes(), "x");
    assert_eq!(read.unwrap(), own);
}

#[test]
fn packing_by_name_is_what_the_configuration_says() {
    let plain = read_config(plain().to_string().as_bytes(), "x").unwrap();
    for (name, quantization) in [
        (
            "gptq",
            json!({"quant_method": "gptq", "bits": 4, "group_size": 128}),
        ),
        (
            "awq",
            json!({"quant_method": "awq", "bits": 4, "group_size": 128}),
        ),
        (
            "fp8-block128",
            json!({"quant_method": "fp8", "weight_block_size": [128, 128]}),
        ),
        (
            "nf4-double",
            json!({"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_use_double_quant": true}),
        ),
        (
            "exl3-3.5",
            json!({"quant_method": "exl3", "bits": 3.5, "head_bits": 6}),
        ),
    ] {
        assert_eq!(
            pack(&plain, Packing::from_name(name).unwrap()),
            with(quantization),
            "{name}"
        );
    }
}

#[test]
fn converters_read_what_was_packed() {
    let plain = read_config(plain().to_string().as_bytes(), "x").unwrap();
    let packed = with(json!({"quant_method": "awq", "bits": 4, "group_size": 128}));
    assert!(packed.weights_bytes() < plain.weights_bytes());
    assert_eq!(unpack(packed.clone()), plain);
    let file_type = FileType::Q4KM;
    assert_eq!(quantize(&packed, file_type), quantize(&plain, file_type));
}

#[test]
fn broken_descriptions_do_no_harm() {
    let values = [
        json!(null),
        json!(0),
        json!(-1),
        json!("x"),
        json!([]),
        json!({}),
        json!([1, null]),
        json!(1e300),
    ];
    let methods = [
        "gptq",
        "awq",
        "fp8",
        "modelopt",
        "compressed-tensors",
        "bitsandbytes",
        "hqq",
        "exl2",
        "exl3",
        "mxfp4",
        "fbgemm_fp8",
        "auto-round",
    ];
    let fields = [
        "bits",
        "group_size",
        "dynamic",
        "extra_config",
        "modules_to_not_convert",
        "weight_block_size",
        "config_groups",
        "quantized_layers",
        "quant_config",
        "quantization",
        "ignore",
        "head_bits",
        "modules_in_block_to_quantize",
        "kv_cache_scheme",
        "packing_format",
    ];
    for method in methods {
        for field in fields {
            for value in &values {
                let mut object = json!({"quant_method": method, "bits": 4, "group_size": 128});
                object[field] = value.clone();
                let model = with(object);
                assert!(model.weights_bytes() > 0);
            }
        }
    }
}
