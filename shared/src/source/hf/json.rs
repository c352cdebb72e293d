//! JSON as Python writes it: bare `NaN` and `Infinity` are read as absent values.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::ConfigError;

/// The bare words that Python's `json` writes and JSON does not have.
const BARE_WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];

/// The object in `bytes`.
pub(super) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, ConfigError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let parsed = serde_json::from_slice(bytes).or_else(|error| {
        let cleaned = without_bare_words(bytes).ok_or(error)?;
        serde_json::from_slice(&cleaned)
    });
    match parsed {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ConfigError::NotAnObject),
        Err(error) => Err(ConfigError::NotJson {
            line: error.line(),
            column: error.column(),
        }),
    }
}

/// `bytes` with each bare word outside of strings replaced by `null`; `None` without any.
fn without_bare_words(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut cleaned = Vec::with_capacity(bytes.len());
    let mut replaced = false;
    let mut in_string = false;
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        if in_string {
            let step = if byte == b'\\' { 2.min(rest.len()) } else { 1 };
            in_string = byte != b'"';
            let (taken, after) = rest.split_at(step);
            cleaned.extend_from_slice(taken);
            rest = after;
        } else if let Some(word) = BARE_WORDS.iter().find(|word| rest.starts_with(word)) {
            cleaned.extend_from_slice(b"null");
            replaced = true;
            rest = rest.get(word.len()..).unwrap_or_default();
        } else {
            in_string = byte == b'"';
            cleaned.push(byte);
            rest = tail;
        }
    }
    replaced.then_some(cleaned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_absent_values() {
        let object = parse_object(br#"{"a": [0.0, Infinity, -Infinity], "b": NaN}"#).unwrap();
        assert_eq!(object["b"], Value::Null);
        assert_eq!(object["a"], serde_json::json!([0.0, null, null]));
    }

    #[test]
    fn words_in_strings_stay() {
        let object = parse_object(br#"{"a\"NaN": "Infinity \\", "b": NaN}"#).unwrap();
        assert_eq!(object["a\"NaN"], "Infinity \\");
    }

    #[test]
    fn errors_say_where() {
        assert_eq!(
            parse_object(b"{\n  \"a\": ,\n}"),
            Err(ConfigError::NotJson { line: 2, column: 8 })
        );
        assert_eq!(parse_object(b"[1]"), Err(ConfigError::NotAnObject));
        assert!(parse_object(b"").is_err());
        assert!(parse_object(&[b'['; 100_000]).is_err());
    }
}
