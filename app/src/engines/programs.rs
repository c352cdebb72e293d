//! The settings asked for, in every program built on llama.cpp.

use shared::engine::llama_cpp::profile::{self, Translated};

use super::llama_cpp::settings;
use crate::question::Question;
use crate::state::Focus;

/// Each program as people write it, with its settings, or what it cannot be told of them, by
/// llama-server's names. None for other engines.
#[must_use]
pub fn in_programs(question: &Question, focus: Focus) -> Vec<(&'static str, Translated)> {
    let Some(own) = profile::find(question.backend.name) else {
        return Vec::new();
    };
    let Ok(asked) = settings(&question.values(), own.defaults()) else {
        return Vec::new();
    };
    let asked = match focus {
        Focus::Precision(precision) => asked.in_precision(precision),
        Focus::Exact => asked,
    };
    asked.in_programs().collect()
}
