//! Parameters counted from configurations against those of Transformers' classes (5.23.0).

use std::collections::BTreeMap;

use serde_json::Value;
use shared::model::Parameters;
use shared::source::hf::{ConfigError, read_config};

use crate::data;

/// Models whose counts differ, and why.
const OTHERWISE: &[&str] = &[
    // What listens, and an image encoder that no configuration describes.
    "google--gemma-3n-E4B-it-mm",
    // Their configurations are flat, so the classes took their own vocabulary and encoder.
    "stepfun-ai--Step-3.7-Flash",
    "stepfun-ai--Step-3.7-Flash-FP8",
];

/// Families that are not read.
const UNKNOWN: &[&str] = &["deepseek_v4", "mllama_text_model"];

#[test]
fn counts_are_those_of_the_classes() {
    let text = String::from_utf8(data::gunzip("published/classes.jsonl.gz")).unwrap();
    let (mut equal, mut total) = (0, 0);
    let mut unknown: BTreeMap<String, u64> = BTreeMap::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let name = row["model"].as_str().unwrap();
        let config = row["config"].to_string();
        total += 1;
        let model = match read_config(config.as_bytes(), name) {
            Ok(model) => model,
            Err(ConfigError::UnknownModelType { model_type }) => {
                *unknown.entry(model_type).or_default() += 1;
                continue;
            }
            Err(error) => panic!("{name}: {error:?}"),
        };
        let ours = Parameters::of(&model);
        let number = |field: &str| row[field].as_u64().unwrap();
        let theirs = Parameters {
            total: number("total"),
            embedding: number("embedding"),
            output: number("lm_head"),
            active: number("active"),
        };
        if ours == theirs {
            equal += 1;
        } else {
            println!("{name}: {ours:?}, not {theirs:?}");
            assert!(
                OTHERWISE.contains(&name),
                "{name}: {ours:?}, not {theirs:?}"
            );
        }
    }
    println!("{equal}/{total} equal; not read: {unknown:?}");
    let unknown: Vec<&str> = unknown.keys().map(String::as_str).collect();
    assert_eq!(unknown, UNKNOWN);
    assert_eq!((equal, total), (126, 134));
}
