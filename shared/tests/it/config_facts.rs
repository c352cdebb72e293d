//! Configurations against what others publish of the models, and against hostile changes.

use std::path::PathBuf;

use serde_json::{Value, json};
use shared::model::{Attention, Geometry, Model, Tensor};
use shared::quant::{FileType, quantize};
use shared::source::hf::{
    ConfigError, Conversion, read_config, read_config_conservative, read_config_of,
};

use crate::data;

/// The configuration of this name, of the catalogue or of the tests.
fn config(name: &str) -> Vec<u8> {
    let file = format!("{name}.json");
    let catalogue = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/configs");
    std::fs::read(catalogue.join(&file))
        .or_else(|_| std::fs::read(data::path(&format!("configs/{file}"))))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every configuration of the catalogue, by name.
fn catalogue() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/configs");
    let mut configs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    configs.sort();
    assert!(configs.len() > 100);
    configs
}

fn rows(file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(data::path(&format!("published/{file}"))).unwrap();
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    text.lines().map(cells).collect()
}

/// Parameters of the decoder as checkpoints count them, with or without the biases that only
/// choose experts, which some hold as buffers.
fn parameters(model: &Model, with_selection_biases: bool) -> u64 {
    let counted = model.tensors.iter().filter(|tensor| {
        let predicts = |block: usize| model.layers[block].next_token_prediction;
        !tensor.is_rope_table()
            && !tensor.block().is_some_and(predicts)
            && !tensor.name.ends_with("layer_output_scale.weight")
            && (with_selection_biases || !tensor.name.ends_with("exp_probs_b.bias"))
    });
    counted.map(Tensor::elements).sum()
}

#[test]
fn parameters_are_those_published() {
    let rows = rows("parameters.tsv");
    assert!(rows.len() > 90);
    for row in rows {
        let model = read_config(&config(&row[0]), &row[0]).unwrap();
        let published = row[1].parse().unwrap();
        let ours = [true, false].map(|biases| parameters(&model, biases));
        assert!(
            ours.contains(&published),
            "{}: {ours:?}, not {published}",
            row[0]
        );
    }
}

/// Metadata in files: vocabulary, merges, template.
const MOST_METADATA: f64 = 17e6;

#[test]
fn files_are_as_large_as_published() {
    let rows = rows("sizes.tsv");
    assert!(rows.len() > 200);
    for row in rows {
        let (name, conversion) = match row[0].strip_suffix("!old") {
            Some(name) => (name, Conversion::BeforeLatentCache),
            None => (row[0].as_str(), Conversion::Current),
        };
        let model = read_config_of(&config(name), name, conversion).unwrap();
        let file_type = FileType::from_name(&row[1]).unwrap();
        let bytes = quantize(&model, file_type).unwrap().weights_bytes() as f64;
        let (number, unit) = match (row[2].strip_suffix("GB"), row[2].strip_suffix("MB")) {
            (Some(number), _) => (number, 1e9),
            (_, Some(number)) => (number, 1e6),
            _ => (row[2].strip_suffix('B').unwrap(), 1.0),
        };
        let digits = number.split_once('.').map_or(0, |(_, digits)| digits.len());
        let half = unit * 0.5 / 10_f64.powi(i32::try_from(digits).unwrap());
        let published = unit * number.parse::<f64>().unwrap();
        assert!(
            bytes <= published + half && bytes + MOST_METADATA >= published - half,
            "{row:?}: {bytes}"
        );
    }
}

/// Elements that all layers cache for one token.
fn cached(model: &Model) -> u64 {
    let elements = model
        .decoder_layers()
        .map(|(_, layer)| match layer.attention {
            Attention::None => 0,
            Attention::Heads(heads) => heads.kv_heads * (heads.key_dim + heads.value_dim),
            Attention::Latent(latent) => latent.latent_dim + latent.rope_dim,
        });
    elements.sum()
}

/// Elements that all layers keep for one sequence.
fn kept(model: &Model) -> u64 {
    let states = model.layers.iter().filter_map(|layer| layer.recurrent);
    states
        .map(|state| state.conv_elements().unwrap() + state.state_elements().unwrap())
        .sum()
}

#[test]
fn the_conservative_reading_is_a_bound() {
    for (name, bytes) in catalogue() {
        let model = read_config(&bytes, &name).unwrap();
        let bound = read_config_conservative(&bytes, &name).unwrap();
        assert_eq!(bound.geometry, Geometry::Conservative);
        assert!(cached(&bound) >= cached(&model), "{name}");
        assert!(kept(&bound) >= kept(&model), "{name}");
        // What only Gemma 3n and 4 have: embeddings of each layer's own, and more streams.
        let usual = model.tensors.iter().filter(|tensor| {
            let own = ["per_layer", "altup"];
            !own.iter().any(|part| tensor.name.starts_with(part))
        });
        let usual: u64 = usual.map(Tensor::elements).sum();
        assert!(bound.parameters() * 100 >= usual * 98, "{name}: {usual}");
    }
}

#[test]
fn an_unknown_type_is_named() {
    let mut changed: Value = serde_json::from_slice(&config("qwen3-8b")).unwrap();
    changed["model_type"] = json!("qwen9");
    let bytes = changed.to_string().into_bytes();
    assert_eq!(
        read_config(&bytes, "x"),
        Err(ConfigError::UnknownModelType {
            model_type: "qwen9".into()
        })
    );
    assert!(read_config_conservative(&bytes, "x").is_ok());
}

#[test]
fn what_is_missing_or_absurd_is_named() {
    let base: Value = serde_json::from_slice(&config("qwen3-8b")).unwrap();
    let read = |field: &str, value: Value| {
        let mut changed = base.clone();
        changed[field] = value;
        read_config(changed.to_string().as_bytes(), "x").unwrap_err()
    };
    assert_eq!(
        read("hidden_size", Value::Null),
        ConfigError::MissingField {
            field: "hidden_size"
        }
    );
    for value in [
        json!(0),
        json!(-1),
        json!(1e300),
        json!(1_u64 << 40),
        json!(2.5),
    ] {
        let error = read("num_hidden_layers", value.clone());
        let out_of_range = matches!(
            error,
            ConfigError::OutOfRange {
                field: "num_hidden_layers",
                ..
            }
        );
        assert!(out_of_range, "{value}: {error:?}");
    }
    for value in [json!("32"), json!([32]), json!({}), json!(true)] {
        let error = read("num_attention_heads", value.clone());
        assert!(
            matches!(error, ConfigError::WrongType { .. }),
            "{value}: {error:?}"
        );
    }
}

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

/// Reads and quantizes whatever can be read: nothing may panic, and no list may grow beyond
/// what the layers' limit allows.
fn survives(bytes: &[u8]) {
    for model in [
        read_config(bytes, "x"),
        read_config_conservative(bytes, "x"),
    ] {
        let Ok(model) = model else {
            continue;
        };
        assert!(model.layers.len() <= 4_000);
        if let Ok(quantized) = quantize(&model, FileType::Iq3Xs) {
            assert_eq!(quantized.tensors.len(), model.tensors.len());
        }
    }
}

#[test]
fn changed_values_do_no_harm() {
    let values = [
        Value::Null,
        json!(0),
        json!(1),
        json!(-1),
        json!(3),
        json!(u64::MAX),
        json!(1e308),
        json!(0.5),
        json!("auto"),
        json!([]),
        json!([1, 2, 3]),
        json!(["full_attention"]),
        json!({"rope_type": "llama3"}),
        json!(true),
        json!(65_536),
        json!(1 << 26),
    ];
    let mut random = Random(0x5eed);
    for (_, bytes) in catalogue() {
        let base: Value = serde_json::from_slice(&bytes).unwrap();
        let fields: Vec<String> = base.as_object().unwrap().keys().cloned().collect();
        for field in &fields {
            let mut changed = base.clone();
            changed[field] = values[random.below(values.len())].clone();
            let other = &fields[random.below(fields.len())];
            if other != "model_type" {
                changed[other] = values[random.below(values.len())].clone();
            }
            match random.below(2) {
                0 => survives(changed.to_string().as_bytes()),
                _ => survives(json!({"text_config": changed}).to_string().as_bytes()),
            }
            let mut without = base.clone();
            without.as_object_mut().unwrap().remove(field);
            survives(without.to_string().as_bytes());
        }
    }
}

#[test]
fn changed_bytes_do_no_harm() {
    let mut random = Random(0xbad5eed);
    for (_, bytes) in catalogue() {
        for _ in 0..8 {
            let mut changed = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(changed.len());
                changed[at] = u8::try_from(random.below(256)).unwrap();
            }
            survives(&changed);
            survives(&bytes[..random.below(bytes.len())]);
        }
        let noise: Vec<u8> = (0..64)
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        survives(&noise);
    }
}
