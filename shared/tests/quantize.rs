//! The quantizer's mixes against llama.cpp's own quantizer: for 57 shapes and every file type the
//! bytes, the number of tensors of each type and the types of output and embedding; for some
//! also every tensor's type.
//!
//! Figures: llama.cpp 0.6.0-dev, without an importance matrix.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{
    Attention, Experts, FeedForward, Geometry, HeadAttention, LatentAttention, Layer, Model,
    RecurrentState, Span, Tensor,
};
use shared::quant::{FileType, TensorType, quantize};

const CASES: &str = include_str!("data/quant/mixes.jsonl");

fn cases() -> impl Iterator<Item = Value> {
    CASES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
}

/// `[[value, times], …]` written out.
fn runs(value: &Value) -> impl Iterator<Item = usize> {
    value.as_array().unwrap().iter().flat_map(|run| {
        let value = usize::try_from(run[0].as_u64().unwrap()).unwrap();
        std::iter::repeat_n(value, usize::try_from(run[1].as_u64().unwrap()).unwrap())
    })
}

/// `name extents… type`, as the converter writes the tensor.
fn tensor(prefix: &str, line: &str) -> Tensor {
    let mut words: Vec<&str> = line.split(' ').collect();
    let kind = TensorType::from_name(words.pop().unwrap()).unwrap();
    let mut dimensions = [1; 4];
    for (extent, word) in dimensions.iter_mut().zip(&words[1..]) {
        *extent = word.parse().unwrap();
    }
    Tensor::new(format!("{prefix}{}", words[0]), dimensions, kind).unwrap()
}

fn per_block(value: &Value, block: usize) -> u64 {
    let value = value.as_array().map_or(value, |list| &list[block]);
    value.as_u64().unwrap()
}

fn layer(case: &Value, index: usize) -> Layer {
    let query_heads = per_block(&case["heads"], index);
    let kv_heads = per_block(&case["kv_heads"], index);
    let delta_net = case["delta_net"].as_bool().unwrap() && index % 4 != 3;
    let attention = if delta_net || kv_heads == 0 {
        Attention::None
    } else if case["latent"].as_bool().unwrap() {
        Attention::Latent(LatentAttention {
            query_heads,
            latent_dim: 512,
            rope_dim: 64,
            key_dim: 192,
            value_dim: 128,
            span: Span::Full,
        })
    } else {
        Attention::Heads(HeadAttention {
            query_heads,
            kv_heads,
            key_dim: 128,
            value_dim: 128,
            span: Span::Full,
            shares_cache: false,
        })
    };
    let experts = case["experts"].as_u64().unwrap();
    Layer {
        attention,
        recurrent: delta_net.then_some(RecurrentState::GatedDeltaNet {
            key_heads: 16,
            key_dim: 128,
            value_heads: 32,
            value_dim: 128,
            conv_kernel: 4,
        }),
        indexer: None,
        feed_forward: FeedForward {
            length: 0,
            experts: (experts > 0).then_some(Experts {
                count: experts,
                used: 1,
                length: 1,
                shared_length: 0,
            }),
        },
        next_token_prediction: false,
    }
}

fn model(case: &Value) -> Model {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let blocks = usize::try_from(case["blocks"].as_u64().unwrap()).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut tensors: Vec<Tensor> = list(&case["tensors"])
        .iter()
        .map(|line| tensor("", line.as_str().unwrap()))
        .collect();
    for (block, pattern) in runs(&case["pattern_of"]).enumerate() {
        for line in list(&case["patterns"][pattern]) {
            tensors.push(tensor(&format!("blk.{block}."), line.as_str().unwrap()));
        }
    }
    Model {
        name: text(&case["model"]),
        architecture: text(&case["architecture"]),
        weights_format: "F16".into(),
        trained_context_length: None,
        vocabulary_size: 1,
        embedding_length: 1,
        layers: (0..blocks).map(|index| layer(case, index)).collect(),
        tensors,
        geometry: Geometry::Known,
    }
}

/// `type count type count …`
fn counts(model: &Model) -> String {
    let mut counts = BTreeMap::new();
    for tensor in &model.tensors {
        *counts
            .entry(tensor.tensor_type.name().to_lowercase())
            .or_insert(0) += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    counts.join(" ")
}

fn type_of(model: &Model, name: &str) -> String {
    let tensor = model.tensor(name);
    tensor.map_or_else(String::new, |tensor| {
        tensor.tensor_type.name().to_lowercase()
    })
}

#[test]
fn bytes_and_types_are_those_of_the_quantizer() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in cases() {
        let model = model(&case);
        for (name, expected) in case["mixes"].as_object().unwrap() {
            let file_type = FileType::from_name(name).unwrap();
            let quantized = quantize(&model, file_type).unwrap();
            let ours = (
                quantized.weights_bytes(),
                counts(&quantized),
                type_of(&quantized, "output.weight"),
                type_of(&quantized, "token_embd.weight"),
            );
            let theirs = (
                expected[0].as_u64().unwrap(),
                expected[1].as_str().unwrap().to_owned(),
                expected[2].as_str().unwrap().to_owned(),
                expected[3].as_str().unwrap().to_owned(),
            );
            compared += 1;
            if ours != theirs {
                wrong.push(format!("{} {name}: {ours:?}, not {theirs:?}", model.name));
            }
        }
    }
    assert_eq!(compared, 57 * 31);
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_tensor_has_the_quantizers_type() {
    let mut wrong = Vec::new();
    for case in cases() {
        let model = model(&case);
        for (name, types) in case["types"].as_object().unwrap() {
            let quantized = quantize(&model, FileType::from_name(name).unwrap()).unwrap();
            let blocks = runs(&types["block_of"]).map(|recipe| &types["blocks"][recipe]);
            let expected = std::iter::once(&types["top"])
                .chain(blocks)
                .flat_map(|kinds| kinds.as_str().unwrap().split(' '));
            for (tensor, expected) in quantized.tensors.iter().zip(expected) {
                let ours = tensor.tensor_type.name().to_lowercase();
                if expected != "-" && ours != expected {
                    wrong.push(format!(
                        "{} {name} {}: {ours}, not {expected}",
                        model.name, tensor.name
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
