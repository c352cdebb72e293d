//! The figures of llama.cpp's quantizer: 57 shapes in 31 file types.
//!
//! Source: llama.cpp 0.6.0-dev, without an importance matrix.

use serde_json::Value;
use shared::model::{
    Attention, Experts, FeedForward, Geometry, HeadAttention, LatentAttention, Layer, Model,
    RecurrentState, Span, Tensor,
};
use shared::quant::TensorType;

const CASES: &str = include_str!("../data/quant/mixes.jsonl");

pub(crate) fn cases() -> impl Iterator<Item = Value> {
    CASES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
}

/// `[[value, times], …]` written out.
pub(crate) fn runs(value: &Value) -> impl Iterator<Item = usize> {
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

pub(crate) fn model(case: &Value) -> Model {
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
