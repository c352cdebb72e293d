//! Engines by their names, and their options as settings.
//!
//! An engine is one file here: its options become a value of its own, which the calculation
//! knows behind [`Engine`].

mod llama_cpp;
mod vllm;

use shared::engine::{Engine, Precision};
use shared::fit::{Advised, Budget};
use shared::gpu::Device;
use shared::model::Model;
use shared::text::Language;

use crate::arguments::{Backend, Precisions, Question, UsageError};
use crate::failure::Failure;

/// An engine that can be asked for.
struct Entry {
    name: &'static str,
    /// Settings from options; `None` where the engine's rules are still to come.
    build: Option<Build>,
    /// What it reads models from.
    reads: fn(&Backend) -> Reads,
    /// What a person should know of how it takes the question.
    notes: fn(&Question, &[Device], Language) -> Vec<String>,
    /// The options that are this engine's alone, where they were given.
    given: fn(&Backend, &Precisions) -> Vec<&'static str>,
    /// The search for settings that serve; `None` where the engine knows none.
    advise: Option<Advise>,
}

type Build = fn(&Backend, &Precisions, &Model) -> Result<Box<dyn Engine>, Failure>;
type Advise = fn(&Question, &Wanted) -> Result<Option<Advised>, Failure>;

/// A model, and where it shall run.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    /// The model.
    pub(crate) model: &'a Model,
    /// Where it shall run.
    pub(crate) devices: &'a [Device],
    /// What must stay free.
    pub(crate) budget: &'a Budget,
}

/// What advice is wanted for.
pub(crate) struct Wanted<'a> {
    /// The model and its devices.
    pub(crate) placed: Placed<'a>,
    /// Tokens of context.
    pub(crate) context: u64,
}

/// Every engine, the default one first.
const ENTRIES: &[Entry] = &[
    Entry {
        name: "llama.cpp",
        build: Some(llama_cpp::build),
        reads: |_| Reads::Gguf,
        notes: |_, _, _| Vec::new(),
        given: llama_cpp::given,
        advise: Some(llama_cpp::advise),
    },
    to_come("ollama"),
    to_come("lm-studio"),
    to_come("koboldcpp"),
    Entry {
        name: "vllm",
        build: Some(vllm::build),
        reads: vllm::reads,
        notes: vllm::notes,
        given: vllm::given,
        advise: Some(vllm::advise),
    },
    to_come("transformers"),
    to_come("autogptq"),
];

const fn to_come(name: &'static str) -> Entry {
    Entry {
        name,
        build: None,
        reads: |_| Reads::Gguf,
        notes: |_, _, _| Vec::new(),
        given: |_, _| Vec::new(),
        advise: None,
    }
}

/// What an engine reads models from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// GGUF files.
    Gguf,
    /// Checkpoints as they are on the Hub: a folder with `config.json` and safetensors.
    Checkpoints,
    /// Checkpoints, and GGUF files where they are named as such.
    Either,
}

/// The engine with one precision of the KV cache.
pub(crate) struct Row {
    /// `FP16`, `INT8`, `INT4`, or the engine's own types.
    pub(crate) precision: String,
    /// The engine.
    pub(crate) engine: Box<dyn Engine>,
}

/// Makes sure that the engine asked for can be, before anything is read, and tells what it reads
/// models from.
///
/// # Errors
/// Engines that are not known or still to come, and options of other engines.
pub(crate) fn check(question: &Question) -> Result<Reads, UsageError> {
    chosen(question).map(|(entry, _)| (entry.reads)(&question.backend))
}

/// What a person should know of how the engine asked for takes the question.
pub(crate) fn notes(question: &Question, devices: &[Device], language: Language) -> Vec<String> {
    let entry = chosen(question).map(|(entry, _)| entry);
    entry.map_or_else(
        |_| Vec::new(),
        |entry| (entry.notes)(question, devices, language),
    )
}

/// The engine asked for, and how it is built.
fn chosen(question: &Question) -> Result<(&'static Entry, Build), UsageError> {
    let (backend, precisions) = (&question.backend, &question.precisions);
    let wanted = backend.backend.as_deref().unwrap_or(ENTRIES[0].name);
    let entry = ENTRIES
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(wanted))
        .ok_or_else(|| UsageError::UnknownBackend {
            name: wanted.into(),
            known: names(|_| true),
        })?;
    let build = entry.build.ok_or_else(|| UsageError::BackendNotSupported {
        name: entry.name.into(),
        supported: names(|entry| entry.build.is_some()),
    })?;
    let others = ENTRIES.iter().filter(|other| other.name != entry.name);
    for other in others {
        if let Some(option) = (other.given)(backend, precisions).first() {
            return Err(UsageError::OptionOfOtherBackend {
                option,
                backend: other.name,
            });
        }
    }
    Ok((entry, build))
}

/// The engine asked for, with its settings for a model and devices.
///
/// # Errors
/// As [`check`], versions that are not known, and settings that are none.
pub(crate) fn engine(question: &Question, placed: &Placed) -> Result<Box<dyn Engine>, Failure> {
    let (_, build) = chosen(question)?;
    let engine = build(&question.backend, &question.precisions, placed.model)?;
    let settled = engine.settled(placed.devices, placed.budget.reserve());
    Ok(settled.unwrap_or(engine))
}

/// Searches for settings of the engine asked for that serve; `None` where it knows none.
///
/// # Errors
/// As [`engine`], and what the engine refuses with the settings asked for.
pub(crate) fn advise(question: &Question, wanted: &Wanted) -> Result<Option<Advised>, Failure> {
    let (entry, _) = chosen(question)?;
    match entry.advise {
        Some(advise) => advise(question, wanted),
        None => Ok(None),
    }
}

/// The engine in each precision asked for: `--kv`, else exact types, else `otherwise`.
///
/// # Errors
/// As [`engine`].
pub(crate) fn rows(
    question: &Question,
    placed: &Placed,
    otherwise: &[Precision],
) -> Result<Vec<Row>, Failure> {
    let engine = engine(question, placed)?;
    let precisions = &question.precisions;
    let exact = precisions.cache_type_k.is_some()
        || precisions.cache_type_v.is_some()
        || precisions.kv_cache_dtype.is_some();
    if exact {
        return Ok(vec![Row {
            precision: precision_name(engine.as_ref()),
            engine,
        }]);
    }
    let wanted = if precisions.kv.is_empty() {
        otherwise
    } else {
        &precisions.kv
    };
    Ok(wanted
        .iter()
        .map(|&precision| Row {
            precision: precision.name().into(),
            engine: engine.with_precision(precision),
        })
        .collect())
}

/// The precision that the engine's cache types stand for, or the types.
pub(crate) fn precision_name(engine: &dyn Engine) -> String {
    let types = engine.cache_types();
    let precision = Precision::ALL
        .into_iter()
        .find(|&precision| engine.with_precision(precision).cache_types() == types);
    match precision {
        Some(precision) => precision.name().into(),
        None if types.key == types.value => types.key.to_uppercase(),
        None => format!("{}/{}", types.key, types.value).to_uppercase(),
    }
}

fn names(wanted: impl Fn(&Entry) -> bool) -> String {
    let names: Vec<&str> = ENTRIES
        .iter()
        .filter(|entry| wanted(entry))
        .map(|entry| entry.name)
        .collect();
    names.join(", ")
}

/// The names of the options that were given.
fn given_of(options: &[(&'static str, bool)]) -> Vec<&'static str> {
    options
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect()
}
