//! llama.cpp from its options.

use std::path::Path;
use std::sync::Arc;

use regex_lite::Regex;
use shared::engine::llama_cpp::profile::{self, Profile, Translated};
use shared::engine::llama_cpp::{Additions, Draft, LlamaCpp, TensorOverride, Version};
use shared::engine::{Engine, Precision};
use shared::fit::{Change, Freedom, changed};
use shared::model::Model;

use super::{Search, Stretch, Wanted, given_of, search};
use crate::arguments::{AdditionOptions, Backend, Precisions, Question, UsageError};
use crate::failure::Failure;
use crate::model::{Lacking, Warning, beside};

/// The options that are llama.cpp's alone.
pub(super) fn given(backend: &Backend, precisions: &Precisions) -> Vec<&'static str> {
    let options = &backend.llama_cpp;
    let beside = &backend.additions;
    given_of(&[
        ("--cache-type-k", precisions.cache_type_k.is_some()),
        ("--cache-type-v", precisions.cache_type_v.is_some()),
        ("--flash-attn", options.flash_attn.is_some()),
        ("--batch-size", options.batch_size.is_some()),
        ("--ubatch-size", options.ubatch_size.is_some()),
        ("--parallel", options.parallel.is_some()),
        ("--kv-unified", options.kv_unified.is_some()),
        ("--swa-full", options.swa_full.is_some()),
        ("--n-gpu-layers", options.n_gpu_layers.is_some()),
        ("--n-cpu-moe", options.n_cpu_moe.is_some()),
        ("--override-tensor", !options.override_tensor.is_empty()),
        ("--tensor-split", !options.tensor_split.is_empty()),
        ("--split-mode", options.split_mode.is_some()),
        ("--main-gpu", options.main_gpu.is_some()),
        ("--no-kv-offload", options.no_kv_offload),
        ("--no-op-offload", options.no_op_offload),
        ("--outputs-max", options.outputs_max.is_some()),
        ("--model-draft", beside.model_draft.is_some()),
        ("--n-gpu-layers-draft", beside.n_gpu_layers_draft.is_some()),
        ("--cache-type-k-draft", beside.cache_type_k_draft.is_some()),
        ("--cache-type-v-draft", beside.cache_type_v_draft.is_some()),
        ("--spec-type", beside.spec_type.is_some()),
        ("--spec-draft-n-max", beside.spec_draft_n_max.is_some()),
        ("--mmproj", beside.mmproj.is_some()),
        ("--no-mmproj-offload", beside.no_mmproj_offload),
        ("--lora", !beside.lora.is_empty()),
    ])
}

/// The engine with its settings.
///
/// # Errors
/// Versions that are not known, and patterns that are none.
pub(super) fn build(
    backend: &Backend,
    precisions: &Precisions,
    model: &Model,
) -> Result<Box<dyn Engine>, Failure> {
    settings(backend, precisions, model).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

/// Settings that serve, where those that were given stay as they are.
///
/// # Errors
/// As [`build`], and what the engine refuses.
pub(super) fn advise(question: &Question, wanted: &Wanted) -> Result<Option<Search>, Failure> {
    let options = &question.backend.llama_cpp;
    let (settings, choice) = as_asked(question, wanted)?;
    let backend = &question.backend;
    let takes = |option: &str| settings.profile.takes().contains(&option);
    let beside = &backend.additions;
    let freedom = Freedom {
        precisions: choice,
        micro_batch: options.ubatch_size.is_none()
            && (options.batch_size.is_none() || !settings.profile.has_one_batch_size()),
        flash_attention: options.flash_attn.is_none(),
        gpu_layers: options.n_gpu_layers.is_none() && takes("--n-gpu-layers"),
        cpu_experts: options.n_cpu_moe.is_none()
            && options.override_tensor.is_empty()
            && takes("--n-cpu-moe"),
        tensor_split: options.tensor_split.is_empty() && takes("--tensor-split"),
        draft_cache: beside.cache_type_k_draft.is_none() && beside.cache_type_v_draft.is_none(),
        projector: true,
        ..Freedom::default()
    };
    search(&settings, &freedom, question, wanted)
}

/// The settings that the search starts from, and the precisions that it chooses from.
fn as_asked(question: &Question, wanted: &Wanted) -> Result<(LlamaCpp, Vec<Precision>), Failure> {
    let precisions = &question.precisions;
    let settings = settings(&question.backend, precisions, wanted.placed.model)?;
    let exact = precisions.cache_type_k.is_some() || precisions.cache_type_v.is_some();
    let choice = match (exact, precisions.kv.as_slice()) {
        (true, _) => Vec::new(),
        (false, []) => Precision::ALL.to_vec(),
        (false, given) => given.to_vec(),
    };
    let settings = match choice.first() {
        Some(&first) => settings.in_precision(first),
        None => settings,
    };
    Ok((settings, choice))
}

/// The settings with these changes in every program built on llama.cpp.
///
/// # Errors
/// As [`build`].
pub(super) fn in_programs(
    question: &Question,
    wanted: &Wanted,
    changes: &[Change],
) -> Result<Vec<(&'static str, Translated)>, Failure> {
    let (settings, _) = as_asked(question, wanted)?;
    Ok(changed(&settings, changes).in_programs().collect())
}

/// What a person should know of options that change nothing for this model.
pub(super) fn warnings(question: &Question, model: &Model) -> Vec<Warning> {
    let (options, beside) = (&question.backend.llama_cpp, &question.backend.additions);
    let mut warnings = Vec::new();
    for (pattern, _) in &options.override_tensor {
        let regex = Regex::new(pattern);
        if regex.is_ok_and(|regex| !model.tensors.iter().any(|own| regex.is_match(&own.name))) {
            warnings.push(Warning::PatternWithoutTensors {
                pattern: pattern.clone(),
            });
        }
    }
    let has_experts = model
        .layers
        .iter()
        .any(|layer| layer.feed_forward.experts.is_some());
    let drafts = beside.model_draft.is_some() || beside.spec_type == Some(true);
    let without_effect = [
        (
            "--n-cpu-moe",
            options.n_cpu_moe.is_some_and(|layers| layers > 0) && !has_experts,
            Lacking::Experts,
        ),
        (
            "--n-gpu-layers-draft",
            beside.n_gpu_layers_draft.is_some() && beside.model_draft.is_none(),
            Lacking::Draft,
        ),
        (
            "--cache-type-k-draft",
            beside.cache_type_k_draft.is_some() && !drafts,
            Lacking::Draft,
        ),
        (
            "--cache-type-v-draft",
            beside.cache_type_v_draft.is_some() && !drafts,
            Lacking::Draft,
        ),
        (
            "--spec-draft-n-max",
            beside.spec_draft_n_max.is_some() && !drafts,
            Lacking::Draft,
        ),
        (
            "--no-mmproj-offload",
            beside.no_mmproj_offload && beside.mmproj.is_none(),
            Lacking::Projector,
        ),
    ];
    let found = without_effect
        .into_iter()
        .filter(|(_, is_idle, _)| *is_idle);
    warnings.extend(found.map(|(option, _, lacking)| Warning::WithoutEffect { option, lacking }));
    warnings
}

/// What stretches RoPE in a program built on llama.cpp: Ollama and LM Studio have no option for it,
/// KoboldCpp does it by itself.
pub(super) fn stretch(program: &str) -> Option<Stretch> {
    match program {
        "llama.cpp" | "llama-cli" => Some(|factor, trained| {
            format!("--rope-scaling yarn --rope-scale {factor} --yarn-orig-ctx {trained}")
        }),
        "llama-cpp-python" => Some(|factor, trained| {
            format!("rope_scaling_type=2, rope_freq_scale=1/{factor}, yarn_orig_ctx={trained}")
        }),
        _ => None,
    }
}

fn settings(
    backend: &Backend,
    precisions: &Precisions,
    model: &Model,
) -> Result<LlamaCpp, Failure> {
    let options = &backend.llama_cpp;
    let profile = backend.backend.as_deref().and_then(profile::find);
    let default = profile.map_or_else(LlamaCpp::default, Profile::defaults);
    let profile = default.profile;
    // Where one setting gives both batches, either option does.
    let (batch, micro_batch) = match profile.has_one_batch_size() {
        true => (
            options.batch_size.or(options.ubatch_size),
            options.ubatch_size.or(options.batch_size),
        ),
        false => (options.batch_size, options.ubatch_size),
    };
    Ok(LlamaCpp {
        profile,
        version: version(profile, default.version, backend.backend_version.as_deref())?,
        cache_type_k: precisions.cache_type_k.unwrap_or(default.cache_type_k),
        cache_type_v: precisions.cache_type_v.unwrap_or(default.cache_type_v),
        flash_attention: options.flash_attn.unwrap_or(default.flash_attention),
        batch_size: batch.unwrap_or(default.batch_size),
        ubatch_size: micro_batch.unwrap_or(default.ubatch_size),
        automatic_batch: default.automatic_batch && micro_batch.is_none(),
        parallel: options.parallel.unwrap_or(default.parallel),
        kv_unified: options.kv_unified.unwrap_or(default.kv_unified),
        swa_full: options.swa_full.unwrap_or(default.swa_full),
        gpu_layers: options.n_gpu_layers.and_then(|layers| layers.0),
        cpu_moe_layers: options.n_cpu_moe.unwrap_or(default.cpu_moe_layers),
        tensor_overrides: overrides(&options.override_tensor, model)?,
        tensor_split: options.tensor_split.clone(),
        split_mode: options.split_mode.unwrap_or(default.split_mode),
        main_gpu: options
            .main_gpu
            .map_or(default.main_gpu, |index| index as usize),
        kv_offload: !options.no_kv_offload,
        op_offload: !options.no_op_offload,
        outputs_max: options.outputs_max.or(default.outputs_max),
        additions: additions(&backend.additions, model)?,
    })
}

/// What runs beside the model, read from its files.
fn additions(options: &AdditionOptions, model: &Model) -> Result<Additions, Failure> {
    let default = Additions::default();
    let draft = options.model_draft.as_ref().map(|file| {
        Ok::<_, Failure>(Draft {
            file: file.clone(),
            model: Arc::new(beside::draft(file)?),
            gpu_layers: options.n_gpu_layers_draft.and_then(|layers| layers.0),
        })
    });
    let projector = options.mmproj.as_ref().map(|file| {
        let projector = match file.as_str() {
            Additions::OWN_PROJECTOR => beside::own_projector(model)?,
            file => beside::projector(Path::new(file))?,
        };
        Ok::<_, Failure>((file.clone(), Arc::new(projector)))
    });
    let adapters = options.lora.iter().map(|file| {
        let tensors = beside::adapter(Path::new(file))?;
        Ok::<_, Failure>((file.clone(), Arc::new(tensors)))
    });
    Ok(Additions {
        draft: draft.transpose()?,
        prediction: options.spec_type.unwrap_or(false),
        draft_tokens: options.spec_draft_n_max.unwrap_or(default.draft_tokens),
        cache_type_k: options.cache_type_k_draft.unwrap_or(default.cache_type_k),
        cache_type_v: options.cache_type_v_draft.unwrap_or(default.cache_type_v),
        projector: projector.transpose()?,
        projector_offload: !options.no_mmproj_offload,
        adapters: adapters.collect::<Result<_, _>>()?,
    })
}

/// The rules of the version asked for: llama.cpp's own, or those that the program follows.
fn version(
    profile: &dyn Profile,
    follows: Version,
    asked: Option<&str>,
) -> Result<Version, UsageError> {
    let (known, found) = match (asked, profile.version()) {
        (None, _) => return Ok(follows),
        (Some(name), Some(own)) => (own.into(), (name == own).then_some(follows)),
        (Some(name), None) => (
            "0.6.0, 0.5.0, b5900, b5901, …".into(),
            Version::from_name(name),
        ),
    };
    found.ok_or_else(|| UsageError::UnknownVersion {
        version: asked.unwrap_or_default().into(),
        known,
    })
}

fn overrides(given: &[(String, String)], model: &Model) -> Result<Vec<TensorOverride>, UsageError> {
    given
        .iter()
        .map(|(pattern, buffer)| {
            let regex = Regex::new(pattern).map_err(|error| UsageError::BadPattern {
                pattern: pattern.clone(),
                reason: error.to_string(),
            })?;
            Ok(TensorOverride::resolve(pattern, buffer, model, |name| {
                regex.is_match(name)
            }))
        })
        .collect()
}
