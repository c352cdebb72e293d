//! vLLM from its options.

use shared::engine::vllm::{Drafter, Version, Vllm};
use shared::engine::{Engine, Precision};
use shared::fit::Freedom;
use shared::gpu::Device;
use shared::model::Model;
use shared::text::Language;

use super::{Reads, Search, Wanted, given_of, search};
use crate::arguments::{Backend, Precisions, Question, UsageError};
use crate::failure::Failure;

/// The options that are vLLM's alone.
pub(super) fn given(backend: &Backend, precisions: &Precisions) -> Vec<&'static str> {
    let options = &backend.vllm;
    given_of(&[
        ("--kv-cache-dtype", precisions.kv_cache_dtype.is_some()),
        (
            "--gpu-memory-utilization",
            options.gpu_memory_utilization.is_some(),
        ),
        (
            "--kv-cache-memory-bytes",
            options.kv_cache_memory_bytes.is_some(),
        ),
        (
            "--tensor-parallel-size",
            options.tensor_parallel_size.is_some(),
        ),
        (
            "--pipeline-parallel-size",
            options.pipeline_parallel_size.is_some(),
        ),
        (
            "--max-num-batched-tokens",
            options.max_num_batched_tokens.is_some(),
        ),
        ("--max-num-seqs", options.max_num_seqs.is_some()),
        ("--max-model-len", options.max_model_len.is_some()),
        ("--block-size", options.block_size.is_some()),
        (
            "--no-enable-prefix-caching",
            options.no_enable_prefix_caching,
        ),
        (
            "--disable-hybrid-kv-cache-manager",
            options.disable_hybrid_kv_cache_manager,
        ),
        ("--enforce-eager", options.enforce_eager),
        ("--language-model-only", options.language_model_only),
        (
            "--num-speculative-tokens",
            options.num_speculative_tokens.is_some(),
        ),
        ("--speculative-method", options.speculative_method.is_some()),
    ])
}

/// What it reads models from.
pub(super) fn reads(backend: &Backend) -> Reads {
    let version = version(backend.backend_version.as_deref());
    if version.is_ok_and(Version::reads_gguf) {
        Reads::Either
    } else {
        Reads::Checkpoints
    }
}

/// GPUs that stay idle, and totals that are not known.
pub(super) fn notes(question: &Question, devices: &[Device], language: Language) -> Vec<String> {
    let options = &question.backend.vllm;
    let ranks = options
        .tensor_parallel_size
        .unwrap_or(1)
        .saturating_mul(options.pipeline_parallel_size.unwrap_or(1));
    let given = devices.len() as u64;
    let mut notes = Vec::new();
    if ranks < given {
        notes.push(match language {
            Language::Ja => format!(
                "vLLM が使うのは {given} 枚の GPU のうち {ranks} 枚です(すべて使うには --tensor-parallel-size {given} など)"
            ),
            Language::En => format!(
                "vLLM uses {ranks} of the {given} GPUs (all of them with --tensor-parallel-size {given}, say)"
            ),
        });
    }
    let unknown = devices.iter().any(|device| device.total.is_none());
    if unknown && options.kv_cache_memory_bytes.is_none() {
        notes.push(
            language
                .pick(
                    "GPU の全メモリ量が分からないので、空き VRAM を全量として割合を取ります(--gpu でカードを指定できます)",
                    "the GPU's memory in all is not known, so the share is taken of what is free (name the card with --gpu)",
                )
                .into(),
        );
    }
    notes
}

/// The engine with its settings.
///
/// # Errors
/// Versions that are not known.
pub(super) fn build(
    backend: &Backend,
    precisions: &Precisions,
    _model: &Model,
) -> Result<Box<dyn Engine>, Failure> {
    settings(backend, precisions).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

/// Settings that serve, where those that were given stay as they are.
///
/// # Errors
/// As [`build`], and what the engine refuses.
pub(super) fn advise(question: &Question, wanted: &Wanted) -> Result<Option<Search>, Failure> {
    let (backend, precisions) = (&question.backend, &question.precisions);
    let options = &backend.vllm;
    let budget = wanted.placed.budget;
    let choice = match (precisions.kv_cache_dtype, precisions.kv.as_slice()) {
        (Some(_), _) => Vec::new(),
        (None, []) => Precision::ALL.to_vec(),
        (None, given) => given.to_vec(),
    };
    let mut settings = Vllm {
        runtime_overhead: budget.runtime_overhead,
        safety_margin: budget.safety_margin,
        ..settings(backend, precisions)?
    };
    if let Some(&first) = choice.first() {
        settings = settings.in_precision(first);
    }
    let given_share =
        options.gpu_memory_utilization.is_some() || options.kv_cache_memory_bytes.is_some();
    let freedom = Freedom {
        precisions: choice,
        batched_tokens: options.max_num_batched_tokens.is_none(),
        utilization: !given_share,
        graphs: true,
        tensor_parallel: options.tensor_parallel_size.is_none(),
        sequences: options.max_num_seqs.is_none(),
        encoders: true,
        ..Freedom::default()
    };
    search(&settings, &freedom, question, wanted)
}

/// What stretches RoPE.
pub(super) fn stretch(factor: u64, trained: u64) -> String {
    format!(
        "--hf-overrides '{{\"rope_parameters\": {{\"rope_type\": \"yarn\", \"factor\": {factor}.0, \"original_max_position_embeddings\": {trained}}}}}'"
    )
}

fn settings(backend: &Backend, precisions: &Precisions) -> Result<Vllm, Failure> {
    let options = &backend.vllm;
    let default = Vllm::default();
    Ok(Vllm {
        version: version(backend.backend_version.as_deref())?,
        cache_type: precisions.kv_cache_dtype.unwrap_or(default.cache_type),
        gpu_memory_utilization: options.gpu_memory_utilization,
        kv_cache_memory_bytes: options.kv_cache_memory_bytes,
        tensor_parallel_size: options
            .tensor_parallel_size
            .unwrap_or(default.tensor_parallel_size),
        pipeline_parallel_size: options
            .pipeline_parallel_size
            .unwrap_or(default.pipeline_parallel_size),
        max_num_batched_tokens: options.max_num_batched_tokens,
        max_num_seqs: options.max_num_seqs,
        max_model_len: options.max_model_len.and_then(|length| length.0),
        block_size: options.block_size,
        prefix_caching: !options.no_enable_prefix_caching,
        hybrid_kv_cache_manager: !options.disable_hybrid_kv_cache_manager,
        enforce_eager: options.enforce_eager,
        language_model_only: options.language_model_only,
        num_speculative_tokens: options.num_speculative_tokens.unwrap_or(0),
        // A look-up serves every model.
        drafter: options.speculative_method.unwrap_or(Drafter::Ngram),
        ..default
    })
}

fn version(asked: Option<&str>) -> Result<Version, UsageError> {
    let Some(name) = asked else {
        return Ok(Version::default());
    };
    Version::from_name(name).ok_or_else(|| UsageError::UnknownVersion {
        version: name.into(),
        known: Version::ALL.map(Version::name).join(", "),
    })
}
