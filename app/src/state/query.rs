//! The state as the query of an address, and back.

use shared::fit::Answer;

use super::{Focus, GpuChoice, ModelChoice, State};
use crate::engines::{self, BACKENDS, BESIDE, NAMES};

/// Characters that a query carries as they are and that people like to read.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/@,".contains(&byte)
}

fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if is_plain(byte) {
            into.push(char::from(byte));
        } else if byte == b' ' {
            into.push('+');
        } else {
            into.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let escaped = after
                    .get(..2)
                    .and_then(|digits| std::str::from_utf8(digits).ok())
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                if let Some(value) = escaped {
                    bytes.push(value);
                    rest = &after[2..];
                } else {
                    bytes.push(b'%');
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The query without its question mark. The model, its format and the GPUs are always there, so
/// that a shared address means the same when defaults change; other choices where they differ
/// from the defaults.
#[must_use]
pub fn to_query(state: &State) -> String {
    let default = State::default();
    let mut query = String::new();
    let mut add = |name: &str, value: &str| {
        if !query.is_empty() {
            query.push('&');
        }
        encode(name, &mut query);
        query.push('=');
        encode(value, &mut query);
    };
    match &state.model {
        ModelChoice::Named(name) => add("model", name),
        ModelChoice::File(name) => add("file", name),
    }
    if !state.quant.is_empty() {
        add("quant", &state.quant);
    }
    for gpu in &state.gpus {
        if !gpu.name.is_empty() {
            add("gpu", &gpu.name);
        }
        add("free", &gpu.free);
    }
    if state.backend != default.backend {
        add("backend", &state.backend);
    }
    if state.focus != default.focus {
        add("kv", state.focus.name());
    }
    if !state.context.is_empty() {
        add("context", &state.context);
    }
    if state.answer != default.answer {
        add("answer", state.answer.name());
    }
    if !state.margin.is_empty() {
        add("margin", &state.margin);
    }
    if !state.overhead.is_empty() {
        add("overhead", &state.overhead);
    }
    if !state.probe.is_empty() {
        add("probe", &state.probe);
    }
    for (name, value) in &state.settings {
        add(name, value);
    }
    let beside = &state.beside;
    match &beside.draft {
        Some(ModelChoice::Named(name)) => add("model-draft", name),
        Some(ModelChoice::File(name)) => add("file-draft", name),
        None => {}
    }
    if !beside.draft_quant.is_empty() {
        add("quant-draft", &beside.draft_quant);
    }
    if let Some(file) = &beside.projector {
        add("mmproj", file);
    }
    for file in &beside.adapters {
        add("lora", file);
    }
    query
}

/// The state of a query, with or without its question mark. Names that mean nothing here are
/// passed over, and so are values that none of the fields could show.
#[must_use]
pub fn from_query(query: &str) -> State {
    let mut state = State::default();
    let mut gpus: Vec<GpuChoice> = Vec::new();
    let mut named = None;
    let mut settings = Vec::new();
    for pair in query.trim_start_matches('?').split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name), decode(value));
        match name.as_str() {
            "model" => state.model = ModelChoice::Named(value),
            "file" => state.model = ModelChoice::File(value),
            "quant" => state.quant = value,
            "backend" if NAMES.iter().any(|(name, _)| *name == value) => state.backend = value,
            "gpu" => named = Some(value),
            "free" => gpus.push(GpuChoice {
                name: named.take().unwrap_or_default(),
                free: value,
            }),
            "kv" => state.focus = Focus::from_name(&value).unwrap_or(state.focus),
            "context" => state.context = value,
            "answer" => state.answer = Answer::from_name(&value).unwrap_or(state.answer),
            "margin" => state.margin = value,
            "overhead" => state.overhead = value,
            "probe" => state.probe = value,
            "model-draft" => state.beside.draft = Some(ModelChoice::Named(value)),
            "file-draft" => state.beside.draft = Some(ModelChoice::File(value)),
            "quant-draft" => state.beside.draft_quant = value,
            "mmproj" => state.beside.projector = Some(value),
            "lora" => state.beside.add_adapter(&value),
            _ => settings.push((name, value)),
        }
    }
    if let Some(name) = named {
        gpus.push(GpuChoice {
            name,
            free: String::new(),
        });
    }
    if !gpus.is_empty() {
        state.gpus = gpus;
    }
    let backend = engines::find(&state.backend).unwrap_or(&BACKENDS[0]);
    settings.retain(|(name, value)| match backend.setting(name) {
        Some(setting) => setting.default != value,
        // The whole program knows it.
        None => cfg!(not(feature = "whole")) && BESIDE.contains(&name.as_str()),
    });
    state.settings.extend(settings);
    #[cfg(feature = "whole")]
    if backend.beside.is_empty() {
        state.beside = super::BesideChoice::default();
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::BesideChoice;
    use shared::engine::Precision;

    fn full() -> State {
        State {
            model: ModelChoice::Named("qwen3:8b".into()),
            quant: "IQ4_XS".into(),
            backend: "llama.cpp".into(),
            settings: [("ubatch-size", "1k"), ("spec-type", "draft-mtp")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            gpus: vec![
                GpuChoice {
                    name: "RTX 4090".into(),
                    free: "２２．５ ＧＢ".into(),
                },
                GpuChoice {
                    name: String::new(),
                    free: "11,264 MiB".into(),
                },
            ],
            focus: Focus::Precision(Precision::Int4),
            context: "32k".into(),
            answer: Answer::Loads,
            margin: "1 GiB".into(),
            overhead: "0".into(),
            probe: "7651".into(),
            beside: BesideChoice {
                draft: Some(ModelChoice::Named("qwen3:0.6b".into())),
                draft_quant: "Q8_0".into(),
                projector: Some("mmproj &.gguf".into()),
                adapters: vec!["a.gguf".into(), "b,c.gguf".into()],
            },
        }
    }

    #[test]
    fn every_choice_comes_back() {
        for state in [
            State::default(),
            full(),
            State {
                model: ModelChoice::File("私のモデル & 100%+.gguf".into()),
                focus: Focus::Exact,
                ..full()
            },
        ] {
            assert_eq!(from_query(&to_query(&state)), state);
            assert_eq!(from_query(&format!("?{}", to_query(&state))), state);
        }
    }

    #[test]
    fn addresses_are_readable() {
        assert_eq!(
            to_query(&State::default()),
            "model=qwen3:8b&gpu=GeForce+RTX+4090&free=24,064+MiB"
        );
    }

    #[test]
    fn what_the_page_does_not_know_is_passed_over() {
        for query in [
            "",
            "?",
            "&&=&x",
            "?utm=1&lang=en&kv=int3&answer=no&backend=x&%zz=%",
        ] {
            assert_eq!(from_query(query), State::default(), "{query}");
        }
        assert_eq!(from_query("gpu=H100").gpus[0].name, "H100");
    }
}
