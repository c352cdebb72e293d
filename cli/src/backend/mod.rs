//! Engines by their names, and their options as settings.
//!
//! An engine is one file here: its options become a value of its own, which the calculation
//! knows behind [`Engine`].

mod llama_cpp;
mod sglang;
mod transformers;
mod vllm;

use shared::engine::llama_cpp::profile::{PROFILES, Profile, Translated};
use shared::engine::{Engine, Precision};
use shared::fit::{self, Advised, Budget, Change, Freedom, Lighter, Tunable};
use shared::gpu::Device;
use shared::model::Model;
use shared::quant::{Packing, TensorType};
use shared::text::Language;

use crate::arguments::{Backend, Precisions, Question, UsageError};
use crate::failure::Failure;
use crate::model::{Found, Warning};

/// An engine that can be asked for.
#[derive(Clone, Copy)]
struct Entry {
    name: &'static str,
    /// Settings from options.
    build: Build,
    /// What it reads models from.
    reads: fn(&Backend) -> Reads,
    /// What a person should know of how it takes the question.
    notes: fn(&Question, &[Device], Language) -> Vec<String>,
    /// The options of this engine's that were given.
    given: fn(&Backend, &Precisions) -> Vec<&'static str>,
    /// The engine whose options those are.
    options_of: &'static str,
    /// Those of them that this program takes; `None` for all.
    takes: Option<&'static [&'static str]>,
    /// Options of other engines that it takes too.
    shares: &'static [&'static str],
    /// The search for settings that serve; `None` where the engine knows none.
    advise: Option<Advise>,
    /// What weights in 16 bits are taken for, where the engine loads no such ones.
    packing: Option<&'static str>,
    /// Whether weights in single precision are loaded in 16 bits.
    downcasts: bool,
    /// What stretches RoPE from the trained context to a longer one; `None` where nothing does.
    stretch: Option<Stretch>,
}

/// Words of the engine's own that stretch RoPE by this factor from that context.
type Stretch = fn(factor: u64, trained: u64) -> String;
type Build = fn(&Backend, &Precisions, &Model) -> Result<Box<dyn Engine>, Failure>;
type Advise = fn(&Question, &Wanted) -> Result<Option<Search>, Failure>;

/// What came of a search.
pub(crate) struct Search {
    /// Settings alone.
    pub(crate) advised: Advised,
    /// The weights in formats that take less, where they can be had so.
    pub(crate) lighter: Vec<Lighter>,
}

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

/// The default engine.
const DEFAULT: &str = "llama.cpp";

/// The engines that are not built on llama.cpp.
const OTHERS: &[Entry] = &[
    Entry {
        name: "vllm",
        build: vllm::build,
        reads: vllm::reads,
        notes: vllm::notes,
        given: vllm::given,
        options_of: "vllm",
        takes: None,
        shares: &[],
        advise: Some(vllm::advise),
        packing: None,
        downcasts: true,
        stretch: Some(vllm::stretch),
    },
    sglang::SGLANG,
    transformers::TRANSFORMERS,
    transformers::GPTQ_MODEL,
    transformers::AUTO_GPTQ,
];

/// A program built on llama.cpp.
fn profile(profile: &&'static dyn Profile) -> Entry {
    Entry {
        name: profile.name(),
        build: llama_cpp::build,
        reads: |_| Reads::Gguf,
        notes: |_, _, _| Vec::new(),
        given: llama_cpp::given,
        options_of: DEFAULT,
        takes: Some(profile.takes()),
        shares: &[],
        advise: Some(llama_cpp::advise),
        packing: None,
        downcasts: false,
        stretch: llama_cpp::stretch(profile.name()),
    }
}

/// Every engine, the default one first.
fn entries() -> impl Iterator<Item = Entry> {
    PROFILES.iter().map(profile).chain(OTHERS.iter().copied())
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
/// Engines that are not known, and options of other engines.
pub(crate) fn check(question: &Question) -> Result<Reads, UsageError> {
    chosen(question).map(|entry| (entry.reads)(&question.backend))
}

/// The model as the engine asked for loads it: packed, where it loads no other, and with what a
/// person should know of it.
pub(crate) fn loaded(question: &Question, found: Found) -> Found {
    let Ok(entry) = chosen(question) else {
        return found;
    };
    let mut found = found.packed_as(entry.packing.and_then(Packing::from_name));
    let table = found.model.tensor("token_embd.weight");
    let is_single = table.is_some_and(|table| table.tensor_type == TensorType::F32);
    if entry.downcasts || entry.packing.is_some() {
        found.warnings.retain(|warning| !warning.is_of_type());
    }
    if entry.options_of == DEFAULT {
        let own = llama_cpp::warnings(question, &found.model);
        found.warnings.extend(own);
    }
    if entry.downcasts && is_single && found.model.quantization.is_none() {
        found.warnings.push(Warning::SinglePrecision);
    }
    found
}

/// What a person should know of how the engine asked for takes the question.
pub(crate) fn notes(question: &Question, devices: &[Device], language: Language) -> Vec<String> {
    chosen(question).map_or_else(
        |_| Vec::new(),
        |entry| (entry.notes)(question, devices, language),
    )
}

/// The engine asked for.
fn chosen(question: &Question) -> Result<Entry, UsageError> {
    let (backend, precisions) = (&question.backend, &question.precisions);
    let wanted = backend.backend.as_deref().unwrap_or(DEFAULT);
    let entry = entries()
        .find(|entry| entry.name.eq_ignore_ascii_case(wanted))
        .ok_or_else(|| UsageError::UnknownBackend {
            name: wanted.into(),
            known: names(),
        })?;
    for other in entries() {
        let is_own = other.options_of == entry.options_of;
        let takes = |option: &str| match entry.takes {
            Some(taken) => is_own && taken.contains(&option),
            None => is_own || entry.shares.contains(&option),
        };
        let given = (other.given)(backend, precisions);
        if let Some(&option) = given.iter().find(|option| !takes(option)) {
            return Err(UsageError::OptionOfOtherBackend {
                option,
                backend: other.options_of,
            });
        }
    }
    Ok(entry)
}

/// The engine asked for, with its settings for a model and devices.
///
/// # Errors
/// As [`check`], versions that are not known, and settings that are none.
pub(crate) fn engine(question: &Question, placed: &Placed) -> Result<Box<dyn Engine>, Failure> {
    let entry = chosen(question)?;
    let engine = (entry.build)(&question.backend, &question.precisions, placed.model)?;
    let settled = engine.settled(placed.model, placed.devices, placed.budget.reserve());
    Ok(settled.unwrap_or(engine))
}

/// Whether there is advice for the engine asked for.
pub(crate) fn can_advise(question: &Question) -> bool {
    chosen(question).is_ok_and(|entry| entry.advise.is_some())
}

/// What the engine asked for takes to stretch RoPE from the trained context to `context`; `None`
/// where it takes nothing.
pub(crate) fn stretch(question: &Question, trained: u64, context: u64) -> Option<String> {
    let stretch = chosen(question).ok()?.stretch?;
    Some(stretch(context.div_ceil(trained.max(1)), trained))
}

/// Searches for settings of the engine asked for that serve; `None` where it knows none.
///
/// # Errors
/// As [`engine`], and what the engine refuses with the settings asked for.
pub(crate) fn advise(question: &Question, wanted: &Wanted) -> Result<Option<Search>, Failure> {
    let entry = chosen(question)?;
    match entry.advise {
        Some(advise) => advise(question, wanted),
        None => Ok(None),
    }
}

/// The settings of a program built on llama.cpp with these changes, in every such program; none for
/// other engines.
///
/// # Errors
/// As [`engine`].
pub(crate) fn in_programs(
    question: &Question,
    wanted: &Wanted,
    changes: &[Change],
) -> Result<Vec<(&'static str, Translated)>, Failure> {
    match chosen(question)?.options_of {
        DEFAULT => llama_cpp::in_programs(question, wanted, changes),
        _ => Ok(Vec::new()),
    }
}

/// Searches for settings of `engine`, and where none serves, for lighter weights unless their
/// format was asked for.
///
/// # Errors
/// What the engine refuses with the settings asked for.
fn search<E: Tunable>(
    engine: &E,
    freedom: &Freedom,
    question: &Question,
    wanted: &Wanted,
) -> Result<Option<Search>, Failure> {
    let Placed {
        model,
        devices,
        budget,
    } = wanted.placed;
    let context = wanted.context;
    let advised = fit::advise(engine, freedom, model, devices, budget, context)?;
    Ok(advised.map(|advised| {
        let is_open = !advised.fits && question.model.quant.is_none();
        let lighter = || fit::lighter_weights(engine, freedom, model, devices, budget, context);
        Search {
            lighter: if is_open { lighter() } else { Vec::new() },
            advised,
        }
    }))
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
        || precisions.kv_cache_dtype.is_some()
        || question.backend.transformers.cache.is_some();
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

fn names() -> String {
    let names: Vec<&str> = entries().map(|entry| entry.name).collect();
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
