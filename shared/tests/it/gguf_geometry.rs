//! The geometry read from a header whose metadata is missing, of another kind, or absurd.

use proptest::prelude::*;
use shared::source::gguf::{GgufError, Header, Value, read_header, read_model};

use crate::data;

const HEADERS: &[(&str, &str)] = &[
    ("tinyllama-1.1b", "Q8_0"),
    ("gemma-3-270m", "Q4_K_M"),
    ("falcon-h1-7b", "Q8_0"),
    ("gpt-oss-20b", "MXFP4_MOE"),
    ("qwen3-next-80b-a3b", "Q8_0"),
    ("glm-4.7-flash", "Q4_K_M"),
    ("llama-4-scout", "Q8_0"),
    ("mamba2-2.7b", "Q4_K_M"),
    ("kimi-linear-48b-a3b", "Q8_0"),
];

fn header(index: usize) -> Header {
    let (model, file_type) = HEADERS[index];
    read_header(&data::header(model, file_type).unwrap()).unwrap()
}

fn value() -> impl Strategy<Value = Option<Value>> {
    let number = prop_oneof![
        Just(0),
        Just(1),
        Just(u64::MAX),
        Just(1 << 63),
        Just(1 << 31),
        any::<u64>()
    ];
    prop_oneof![
        Just(None),
        number.prop_map(|number| Some(Value::Unsigned(number))),
        any::<i64>().prop_map(|number| Some(Value::Negative(number))),
        any::<f64>().prop_map(|number| Some(Value::Float(number))),
        any::<bool>().prop_map(|truth| Some(Value::Bool(truth))),
        "[a-z0-9]{0,9}".prop_map(|text| Some(Value::Text(text))),
        Just(Some(Value::SkippedText)),
        any::<u64>().prop_map(|length| Some(Value::SkippedArray { length })),
        prop::collection::vec(any::<i64>(), 0..70).prop_map(|values| Some(Value::Integers(values))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn broken_metadata_is_read_or_refused(
        which in 0..HEADERS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 1..5),
    ) {
        let mut header = header(which);
        for (place, value) in changes {
            let keys: Vec<String> = header.metadata.keys().cloned().collect();
            if keys.is_empty() {
                break;
            }
            let key = place.get(&keys).clone();
            match value {
                Some(value) => header.metadata.insert(key, value),
                None => header.metadata.remove(&key),
            };
        }
        if let Ok(model) = read_model(&header, "broken") {
            prop_assert!(!model.layers.is_empty());
            prop_assert!(model.embedding_length > 0);
        }
    }
}

#[test]
fn absurd_numbers_are_named() {
    for (index, (name, _)) in HEADERS.iter().enumerate() {
        for suffix in ["block_count", "embedding_length"] {
            let right = header(index);
            let key = format!("{}.{suffix}", right.architecture().unwrap());
            for absurd in [
                Value::Unsigned(0),
                Value::Unsigned(1 << 40),
                Value::Unsigned(u64::MAX),
                Value::Negative(-1),
                Value::Text("32".into()),
            ] {
                let mut wrong = right.clone();
                wrong.metadata.insert(key.clone(), absurd);
                match read_model(&wrong, name) {
                    Err(GgufError::InvalidValue { key: named, .. }) => assert_eq!(named, key),
                    other => panic!("{name}: {:?}", other.map(|model| model.layers.len())),
                }
            }
            let mut missing = right;
            missing.metadata.remove(&key);
            assert_eq!(
                read_model(&missing, name),
                Err(GgufError::MissingKey { key })
            );
        }
    }
}
