//! Parameters counted from configurations against those of Transformers' classes (5.23.0).

use serde_json::Value;
use shared::model::{Model, Parameters};
use shared::source::hf::read_config;

use crate::data;

/// The rows of a file, and the model that each one's configuration describes.
fn rows(file: &str) -> Vec<(Value, Model)> {
    let text = String::from_utf8(data::gunzip(file)).unwrap();
    let read = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let name = row["model"].as_str().unwrap();
        let model = read_config(row["config"].to_string().as_bytes(), name)
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        (row, model)
    };
    text.lines().map(read).collect()
}

#[test]
fn counts_are_those_of_the_classes() {
    let rows = rows("published/classes.jsonl.gz");
    let total = rows.len();
    for (row, model) in rows {
        let name = row["model"].as_str().unwrap();
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

/// Default configurations that are counted otherwise than the class counts them.
const OTHERWISE: &[&str] = &[
    // Encoders without a rule of their own, counted by their sizes.
    "apertus1p5",
    "blip-2",
    "deepseek_vl_hybrid",
    "dots3_note",
    "fun_asr_nano",
    "idefics2",
    "inkling_mm_model",
    "instructblip",
    "instructblipvideo",
    "janus",
    "lfm3_vl",
    "moss_transcribe_diarize",
    "muse_spark",
    "nemo_speechlm",
    "vibevoice_asr",
    "video_llava",
    // The class makes matrices for the experts that do nothing; the checkpoint has none.
    "longcat_flash",
];

#[test]
fn counts_of_default_configurations_are_those_of_the_classes() {
    let rows = rows("published/defaults.jsonl.gz");
    let mut equal = 0;
    for (row, model) in &rows {
        let name = row["model"].as_str().unwrap();
        let ours = Parameters::of(model);
        let number = |field: &str| row[field].as_u64().unwrap();
        // The class of this one gives its output matrix no name.
        let output = if name == "nemotron_h_omni" {
            ours.output
        } else {
            number("lm_head")
        };
        let theirs = (number("total"), number("embedding"), output);
        let is_equal = (ours.total, ours.embedding, ours.output) == theirs;
        assert_eq!(
            is_equal,
            !OTHERWISE.contains(&name),
            "{name}: {ours:?}, not {theirs:?}"
        );
        equal += usize::from(is_equal);
    }
    println!("{equal} of {} equal", rows.len());
    assert!(equal >= 188);
}
