//! Transformers, GPTQModel and AutoGPTQ from their options.

use shared::engine::transformers::{AttentionImplementation, Profile, Transformers};
use shared::engine::{Engine, Precision};
use shared::fit::Freedom;
use shared::gpu::Device;
use shared::text::Language;

use super::{Entry, Reads, Search, Wanted, given_of, search};
use crate::arguments::{Backend, Precisions, Question, UsageError};
use crate::failure::Failure;

/// Transformers.
pub(super) const TRANSFORMERS: Entry = Entry {
    notes: |question, devices, language| notes(Profile::Transformers, question, devices, language),
    ..entry(Profile::Transformers)
};

/// GPTQModel.
pub(super) const GPTQ_MODEL: Entry = Entry {
    build: |backend, _, _| build(Profile::GptqModel, backend),
    advise: Some(|question, wanted| advise(Profile::GptqModel, question, wanted)),
    notes: |question, devices, language| notes(Profile::GptqModel, question, devices, language),
    packing: Some(USUAL_GPTQ),
    ..entry(Profile::GptqModel)
};

/// AutoGPTQ.
pub(super) const AUTO_GPTQ: Entry = Entry {
    build: |backend, _, _| build(Profile::AutoGptq, backend),
    advise: Some(|question, wanted| advise(Profile::AutoGptq, question, wanted)),
    notes: |question, devices, language| notes(Profile::AutoGptq, question, devices, language),
    packing: Some(USUAL_GPTQ),
    ..entry(Profile::AutoGptq)
};

/// What a checkpoint in 16 bits is taken for by packages that load GPTQ alone.
const USUAL_GPTQ: &str = "gptq-int4-g128";

const fn entry(profile: Profile) -> Entry {
    Entry {
        name: match profile {
            Profile::Transformers => "transformers",
            Profile::GptqModel => "gptqmodel",
            Profile::AutoGptq => "autogptq",
        },
        build: |backend, _, _| build(Profile::Transformers, backend),
        reads: |_| Reads::Checkpoints,
        notes: |_, _, _| Vec::new(),
        given,
        options_of: "transformers",
        takes: None,
        shares: &[],
        advise: Some(|question, wanted| advise(Profile::Transformers, question, wanted)),
        packing: None,
        downcasts: false,
        stretch: Some(|factor, trained| {
            format!(
                "config.rope_parameters.update(rope_type=\"yarn\", factor={factor}.0, original_max_position_embeddings={trained})"
            )
        }),
    }
}

/// The options that are these packages' alone.
fn given(backend: &Backend, _: &Precisions) -> Vec<&'static str> {
    let options = &backend.transformers;
    given_of(&[
        ("--cache", options.cache.is_some()),
        (
            "--attn-implementation",
            options.attn_implementation.is_some(),
        ),
        ("--kernel", options.kernel.is_some()),
    ])
}

fn build(profile: Profile, backend: &Backend) -> Result<Box<dyn Engine>, Failure> {
    settings(profile, backend).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

/// Settings that serve, where those that were given stay as they are.
///
/// # Errors
/// As [`build`], and what the package refuses.
fn advise(
    profile: Profile,
    question: &Question,
    wanted: &Wanted,
) -> Result<Option<Search>, Failure> {
    let options = &question.backend.transformers;
    let mut settings = settings(profile, &question.backend)?;
    let choice = match (options.cache, question.precisions.kv.as_slice()) {
        (Some(_), _) => Vec::new(),
        (None, []) => Precision::ALL.to_vec(),
        (None, given) => given.to_vec(),
    };
    if let Some(&first) = choice.first() {
        settings = settings.in_precision(first);
    }
    let freedom = Freedom {
        static_cache: options.cache.is_none(),
        precisions: choice,
        // Plain attention is asked for more often by habit than for what it is.
        attention: matches!(
            options.attn_implementation,
            None | Some(AttentionImplementation::Eager)
        ),
        kernel: options.kernel.is_none() && profile.needs_gptq(),
        float_type: question.model.quant.is_none() && !profile.needs_gptq(),
        ..Freedom::default()
    };
    search(&settings, &freedom, question, wanted)
}

fn settings(profile: Profile, backend: &Backend) -> Result<Transformers, Failure> {
    if let Some(version) = &backend.backend_version
        && version != profile.version()
    {
        return Err(UsageError::UnknownVersion {
            version: version.clone(),
            known: profile.version().into(),
        }
        .into());
    }
    let options = &backend.transformers;
    Ok(Transformers {
        cache: options.cache.unwrap_or_default(),
        attention: options.attn_implementation,
        kernel: options.kernel,
        ..Transformers::of(profile)
    })
}

/// What became of AutoGPTQ.
fn notes(profile: Profile, _: &Question, _: &[Device], language: Language) -> Vec<String> {
    if profile != Profile::AutoGptq {
        return Vec::new();
    }
    vec![
        language
            .pick(
                "AutoGPTQ は 0.7.1(2024 年)で開発が終わり、GPTQModel に引き継がれました。同じモデルを --backend gptqmodel で試せます",
                "AutoGPTQ ended with 0.7.1 (2024); GPTQModel took its place and loads the same models: --backend gptqmodel",
            )
            .into(),
    ]
}
