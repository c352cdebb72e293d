//! The quantizer's mixes against llama.cpp's own quantizer: for 57 shapes and every file type the
//! bytes, the number of tensors of each type and the types of output and embedding; for some
//! also every tensor's type.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

#[path = "common/mixes.rs"]
mod mixes;

use std::collections::BTreeMap;

use mixes::{cases, model, runs};
use shared::model::Model;
use shared::quant::{FileType, quantize};

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
