//! The quantizer's mixes against llama.cpp's own quantizer: for 57 shapes and every file type the
//! bytes, the number of tensors of each type and the types of output and embedding; for some
//! also every tensor's type.
//!
//! Figures: llama.cpp 0.6.0-dev, without an importance matrix.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::{Model, Tensor};
use shared::quant::{FileType, TensorType, quantize};

use crate::data;

/// What the quantizer makes of the shapes, one a line.
pub(crate) fn cases() -> Vec<Value> {
    let lines = String::from_utf8(data::gunzip("quant/mixes.jsonl.gz")).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The model of a case as the quantizer got it: in F16, and its tensors in the file's order.
pub(crate) fn unquantized(case: &Value) -> Model {
    let mut model = data::model(case["model"].as_str().unwrap(), "Q4_K_M")
        .unwrap()
        .clone();
    for tensor in &mut model.tensors {
        if tensor.tensor_type != TensorType::F32 {
            tensor.tensor_type = TensorType::F16;
        }
    }
    model
        .tensors
        .sort_by_key(|tensor| (tensor.block(), tensor.name.clone()));
    model
}

fn type_name(tensor: &Tensor) -> String {
    tensor.tensor_type.name().to_lowercase()
}

/// `type count type count …`
fn counts(model: &Model) -> String {
    let mut counts = BTreeMap::new();
    for tensor in &model.tensors {
        *counts.entry(type_name(tensor)).or_insert(0) += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    counts.join(" ")
}

#[test]
fn bytes_and_types_are_those_of_the_quantizer() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for case in cases() {
        let model = unquantized(&case);
        for (name, expected) in case["mixes"].as_object().unwrap() {
            let quantized = quantize(&model, FileType::from_name(name).unwrap()).unwrap();
            let type_of = |name| quantized.tensor(name).map(type_name).unwrap_or_default();
            let ours = (
                quantized.weights_bytes(),
                counts(&quantized),
                type_of("output.weight"),
                type_of("token_embd.weight"),
            );
            let text = |index: usize| expected[index].as_str().unwrap().to_owned();
            let theirs = (expected[0].as_u64().unwrap(), text(1), text(2), text(3));
            compared += 1;
            if ours != theirs {
                wrong.push(format!(
                    "{} {name}: {ours:?}, not {theirs:?}",
                    case["model"]
                ));
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
fn every_tensor_of_the_medium_mix_has_the_files_type() {
    for case in cases() {
        let name = case["model"].as_str().unwrap();
        let file = data::model(name, "Q4_K_M").unwrap();
        let ours = quantize(&unquantized(&case), FileType::Q4KM).unwrap();
        for tensor in &file.tensors {
            let ours = ours.tensor(&tensor.name).unwrap();
            assert_eq!(ours, tensor, "{name}");
        }
    }
}

#[test]
fn every_tensor_has_the_quantizers_type() {
    let mut compared = 0;
    for case in cases() {
        let model = unquantized(&case);
        for (name, runs) in case["types"].as_object().unwrap() {
            let quantized = quantize(&model, FileType::from_name(name).unwrap()).unwrap();
            let expected = runs.as_array().unwrap().iter().flat_map(|run| {
                let times = usize::try_from(run[1].as_u64().unwrap()).unwrap();
                std::iter::repeat_n(run[0].as_str().unwrap(), times)
            });
            for (tensor, expected) in quantized.tensors.iter().zip(expected) {
                // The figures leave out what the quantizer does not touch.
                if !expected.is_empty() {
                    assert_eq!(type_name(tensor), expected, "{} {name}", tensor.name);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 4_000, "{compared}");
}
