//! From `config.json` to the tensor list of a GGUF file: names, shapes and, quantized, bytes,
//! for every shape of the quantizer's figures whose configuration we have.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{Attention, Layer, Model, Routing, Span, Tensor};
use shared::quant::{FileType, TensorType, quantize};
use shared::source::hf::read_config;

use crate::data;
use crate::quantize::{cases, unquantized};

macro_rules! configs {
    ($($model:literal = $path:literal;)*) => {
        /// The figures' name of a model, and its configuration.
        const CONFIGS: &[(&str, &str)] = &[$(($model, include_str!($path)),)*];
    };
}

configs! {
    "llama-3.1-8b" = "../../src/catalogue/configs/llama-3.1-8b.json";
    "llama-3.2-1b" = "../../src/catalogue/configs/llama-3.2-1b.json";
    "llama-3.3-70b" = "../../src/catalogue/configs/llama-3.3-70b.json";
    "llama-2-7b" = "../../src/catalogue/configs/llama-2-7b.json";
    "tinyllama-1.1b" = "../../src/catalogue/configs/tinyllama-1.1b.json";
    "smollm2-135m" = "../../src/catalogue/configs/smollm2-135m.json";
    "mistral-7b-v0.3" = "../../src/catalogue/configs/mistral-7b-v0.3.json";
    "mistral-small-24b" = "../../src/catalogue/configs/mistral-small-24b.json";
    "mixtral-8x7b" = "../../src/catalogue/configs/mixtral-8x7b.json";
    "llama-4-scout" = "../../src/catalogue/configs/llama-4-scout.json";
    "qwen2.5-7b" = "../../src/catalogue/configs/qwen2.5-7b.json";
    "qwen2.5-32b" = "../../src/catalogue/configs/qwen2.5-32b.json";
    "qwen3-0.6b" = "../data/configs/qwen3-0.6b.json";
    "qwen3-1.7b" = "../data/configs/qwen3-1.7b.json";
    "qwen3-8b" = "../../src/catalogue/configs/qwen3-8b.json";
    "qwen3-14b" = "../../src/catalogue/configs/qwen3-14b.json";
    "qwen3-30b-a3b" = "../data/configs/qwen3-30b-a3b.json";
    "qwen3-next-80b-a3b" = "../../src/catalogue/configs/qwen3-next-80b-a3b.json";
    "qwen3.5-9b" = "../../src/catalogue/configs/qwen3.5-9b.json";
    "qwen3.5-35b-a3b" = "../../src/catalogue/configs/qwen3.5-35b-a3b.json";
    "qwen2-57b-a14b" = "../data/configs/qwen2-57b-a14b.json";
    "gemma-2-2b" = "../../src/catalogue/configs/gemma-2-2b.json";
    "gemma-2-9b" = "../../src/catalogue/configs/gemma-2-9b.json";
    "gemma-3-270m" = "../../src/catalogue/configs/gemma-3-270m.json";
    "gemma-3-4b" = "../../src/catalogue/configs/gemma-3-4b.json";
    "gemma-3-27b" = "../../src/catalogue/configs/gemma-3-27b.json";
    "gemma-3n-e2b" = "../../src/catalogue/configs/gemma-3n-e2b.json";
    "gemma-4-e4b" = "../../src/catalogue/configs/gemma-4-e4b.json";
    "gemma-4-26b-a4b" = "../../src/catalogue/configs/gemma-4-26b-a4b.json";
    "gpt-oss-20b" = "../../src/catalogue/configs/gpt-oss-20b.json";
    "phi-3.5-mini" = "../../src/catalogue/configs/phi-3.5-mini.json";
    "deepseek-v2-lite" = "../../src/catalogue/configs/deepseek-v2-lite.json";
    "glm-4.7-flash" = "../../src/catalogue/configs/glm-4.7-flash.json";
    "glm-4-9b-0414" = "../../src/catalogue/configs/glm-4-9b-0414.json";
    "glm-4.5-air" = "../../src/catalogue/configs/glm-4.5-air.json";
    "command-r-35b" = "../data/configs/command-r-35b.json";
    "command-r7b" = "../../src/catalogue/configs/command-r7b.json";
    "olmo2-7b" = "../../src/catalogue/configs/olmo-2-7b.json";
    "granite-3.3-8b" = "../../src/catalogue/configs/granite-3.3-8b.json";
    "granite-4.0-h-tiny" = "../../src/catalogue/configs/granite-4.0-h-tiny.json";
    "falcon-h1-7b" = "../../src/catalogue/configs/falcon-h1-7b.json";
    "lfm2-1.2b" = "../../src/catalogue/configs/lfm2-1.2b.json";
    "nemotron-nano-9b-v2" = "../../src/catalogue/configs/nemotron-nano-9b-v2.json";
    "mamba-2.8b" = "../data/configs/mamba-2.8b.json";
    "mamba2-2.7b" = "../data/configs/mamba2-2.7b.json";
    "jamba-mini-1.6" = "../../src/catalogue/configs/jamba-mini-1.6.json";
    "ernie-4.5-0.3b" = "../data/configs/ernie-4.5-0.3b.json";
    "hunyuan-a13b" = "../../src/catalogue/configs/hunyuan-a13b.json";
    "minimax-m2" = "../../src/catalogue/configs/minimax-m2.json";
    "kimi-linear-48b-a3b" = "../../src/catalogue/configs/kimi-linear-48b-a3b.json";
    "phi-2" = "../data/configs/phi-2.json";
    "ring-mini-2.0" = "../../src/catalogue/configs/ling-mini-2.0.json";
    "olmoe-1b-7b" = "../data/configs/olmoe-1b-7b.json";
    "llama-3.1-405b" = "../data/configs/llama-3.1-405b.json";
    "qwen3-coder-480b-a35b" = "../data/configs/qwen3-coder-480b-a35b.json";
    "deepseek-v3.2" = "../data/configs/deepseek-v3.2.json";
    "yi-34b" = "../data/configs/yi-34b.json";
}

/// Where the figures' file is not the converter's: they were taken with every tensor that the
/// engine's loader accepts, the converter writes those that the checkpoint has.
/// With each, the elements that the converter's has more.
const OTHERWISE: &[(&str, i64)] = &[
    // The gates of its experts are fused, which is an option of the converter.
    ("deepseek-v2-lite", 0),
    ("glm-4.7-flash", 0),
    // Its vocabulary lacks the 256 places for images and sound.
    ("gemma-3n-e2b", 256 * 2_048),
    // Its layers that share a cache have matrices for values.
    ("gemma-4-e4b", -(15 * 2_560 * 512 + 3 * 2_560 * 1_024)),
    // It lacks the biases that the checkpoint has.
    ("glm-4-9b-0414", 40 * (4_096 + 2 * 256)),
    // Its queries, keys and values are fused, as in the first release.
    ("phi-2", 0),
    // It has biases that the checkpoint lacks.
    ("phi-3.5-mini", -32 * 9_216),
];

/// Name and shape of each tensor, and whether it stays in F32.
fn shapes(model: &Model) -> BTreeMap<&str, ([u64; 4], bool)> {
    // The figures' file has the indexer's projection in 16 bits, the converter's in 32.
    let stays = |tensor: &Tensor| {
        tensor.tensor_type == TensorType::F32 && !tensor.name.ends_with("indexer.proj.weight")
    };
    model
        .tensors
        .iter()
        .map(|tensor| (tensor.name.as_str(), (tensor.dimensions, stays(tensor))))
        .collect()
}

fn config(name: &str) -> Model {
    let (_, json) = CONFIGS.iter().find(|(model, _)| *model == name).unwrap();
    read_config(json.as_bytes(), name).unwrap()
}

/// A model whose checkpoint is in 16 bits: what is quantized already stays as it is.
fn unquantized_config(name: &str) -> Model {
    let (_, json) = CONFIGS.iter().find(|(model, _)| *model == name).unwrap();
    let mut config: Value = serde_json::from_str(json).unwrap();
    config
        .as_object_mut()
        .unwrap()
        .remove("quantization_config");
    read_config(config.to_string().as_bytes(), name).unwrap()
}

fn name_of(case: &Value) -> &str {
    case["model"].as_str().unwrap()
}

fn is_otherwise(case: &&Value) -> bool {
    OTHERWISE.iter().any(|(name, _)| name_of(case) == *name)
}

#[test]
fn tensors_are_those_of_the_file() {
    let cases = cases();
    let same: Vec<&Value> = cases.iter().filter(|case| !is_otherwise(case)).collect();
    assert_eq!(same.len(), 57 - OTHERWISE.len());
    for case in same {
        let (ours, theirs) = (config(name_of(case)), unquantized(case));
        let (ours, theirs) = (shapes(&ours), shapes(&theirs));
        for name in theirs.keys().chain(ours.keys()) {
            assert_eq!(ours.get(name), theirs.get(name), "{} {name}", name_of(case));
        }
    }
}

#[test]
fn where_the_file_is_otherwise_nothing_else_is() {
    let elements = |model: &Model| {
        let tensors = model
            .tensors
            .iter()
            .filter(|tensor| !tensor.is_rope_table());
        i64::try_from(tensors.map(Tensor::elements).sum::<u64>()).unwrap()
    };
    for case in cases().iter().filter(is_otherwise) {
        let name = name_of(case);
        let (_, expected) = OTHERWISE.iter().find(|(other, _)| *other == name).unwrap();
        let more = elements(&config(name)) - elements(&unquantized(case));
        assert_eq!(more, *expected, "{name}");
    }
}

/// A layer without what short configurations leave to the program: how experts are weighed.
fn without_routing(mut layer: Layer) -> Layer {
    if let Some(experts) = &mut layer.feed_forward.experts {
        experts.routing = Routing::default();
    }
    layer
}

/// What llama.cpp makes of a layer: it has no windows for Phi-3.
fn without_window(mut layer: Layer) -> Layer {
    if let Attention::Heads(heads) = &mut layer.attention {
        heads.span = Span::Full;
    }
    layer
}

#[test]
fn layers_are_those_of_the_file() {
    for (name, _) in CONFIGS {
        let ours = config(name);
        let theirs = data::model(name, "Q4_K_M").unwrap();
        assert_eq!(ours.architecture, theirs.architecture, "{name}");
        assert_eq!(ours.embedding_length, theirs.embedding_length, "{name}");
        assert_eq!(ours.layers.len(), theirs.layers.len(), "{name}");
        for (index, (ours, theirs)) in ours.layers.iter().zip(&theirs.layers).enumerate() {
            let ours = match *name {
                "phi-3.5-mini" => without_window(ours.clone()),
                _ => ours.clone(),
            };
            let (ours, theirs) = (without_routing(ours), without_routing(theirs.clone()));
            assert_eq!(ours, theirs, "{name} layer {index}");
        }
    }
}

#[test]
fn a_config_and_a_file_type_give_the_files_bytes() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| !is_otherwise(case)) {
        let name = name_of(case);
        let model = unquantized_config(name);
        for (file_type, expected) in case["mixes"].as_object().unwrap() {
            let quantized = quantize(&model, FileType::from_name(file_type).unwrap()).unwrap();
            let expected = expected[0].as_u64().unwrap();
            assert_eq!(quantized.weights_bytes(), expected, "{name} {file_type}");
            compared += 1;
        }
    }
    assert_eq!(compared, (57 - OTHERWISE.len()) * 31);
}
