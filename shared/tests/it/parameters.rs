//! Parameters counted from configurations against those of Transformers' classes (5.23.0).

use serde_json::Value;
use shared::model::Parameters;
use shared::source::hf::read_config;

use crate::data;

#[test]
fn counts_are_those_of_the_classes() {
    let text = String::from_utf8(data::gunzip("published/classes.jsonl.gz")).unwrap();
    let mut total = 0;
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let name = row["model"].as_str().unwrap();
        let config = row["config"].to_string();
        total += 1;
        let model = read_config(config.as_bytes(), name)
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let ours = Parameters::of(&model);
        let number = |field: &str| row[field].as_u64().unwrap();
        let theirs = Parameters {
            total: number("total"),
            embedding: number("embedding"),
            output: number("lm_head"),
            active: number("active"),
        };
        assert_eq!(ours, theirs, "{name}");
    }
    println!("{total} equal");
    assert_eq!(total, 134);
}
