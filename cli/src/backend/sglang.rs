//! SGLang from its options.

use shared::engine::sglang::{CacheType, Sglang};
use shared::engine::{Engine, EngineError, Precision};
use shared::fit::Freedom;
use shared::gpu::Device;
use shared::model::Model;
use shared::text::Language;

use super::{Entry, Reads, Search, Wanted, given_of, search};
use crate::arguments::{Backend, Precisions, Question, UsageError};
use crate::failure::Failure;

/// SGLang.
pub(super) const SGLANG: Entry = Entry {
    name: "sglang",
    build,
    reads: |_| Reads::Checkpoints,
    notes,
    given,
    options_of: "sglang",
    takes: None,
    shares: &["--tensor-parallel-size", "--kv-cache-dtype"],
    advise: Some(advise),
    packing: None,
    downcasts: true,
    stretch: None,
};

/// The options that are SGLang's alone.
fn given(backend: &Backend, _: &Precisions) -> Vec<&'static str> {
    let options = &backend.sglang;
    given_of(&[
        (
            "--mem-fraction-static",
            options.mem_fraction_static.is_some(),
        ),
        ("--context-length", options.context_length.is_some()),
        (
            "--chunked-prefill-size",
            options.chunked_prefill_size.is_some(),
        ),
        (
            "--max-running-requests",
            options.max_running_requests.is_some(),
        ),
        ("--max-total-tokens", options.max_total_tokens.is_some()),
        ("--page-size", options.page_size.is_some()),
        (
            "--swa-full-tokens-ratio",
            options.swa_full_tokens_ratio.is_some(),
        ),
        (
            "--disable-hybrid-swa-memory",
            options.disable_hybrid_swa_memory,
        ),
        (
            "--mamba-full-memory-ratio",
            options.mamba_full_memory_ratio.is_some(),
        ),
        (
            "--max-mamba-cache-size",
            options.max_mamba_cache_size.is_some(),
        ),
        ("--disable-radix-cache", options.disable_radix_cache),
        ("--disable-cuda-graph", options.disable_cuda_graph),
        (
            "--cuda-graph-max-bs-decode",
            options.cuda_graph_max_bs_decode.is_some(),
        ),
    ])
}

/// The engine with its settings.
///
/// # Errors
/// Versions and cache types that are not known.
fn build(
    backend: &Backend,
    precisions: &Precisions,
    _: &Model,
) -> Result<Box<dyn Engine>, Failure> {
    settings(backend, precisions).map(|settings| Box::new(settings) as Box<dyn Engine>)
}

/// Settings that serve, where those that were given stay as they are.
///
/// # Errors
/// As [`build`], and what the engine refuses.
fn advise(question: &Question, wanted: &Wanted) -> Result<Option<Search>, Failure> {
    let (backend, precisions) = (&question.backend, &question.precisions);
    let options = &backend.sglang;
    let choice = match (precisions.kv_cache_dtype, precisions.kv.as_slice()) {
        (Some(_), _) => Vec::new(),
        (None, []) => Precision::ALL.to_vec(),
        (None, given) => given.to_vec(),
    };
    let mut settings = settings(backend, precisions)?;
    if let Some(&first) = choice.first() {
        settings = settings.in_precision(first);
    }
    let freedom = Freedom {
        precisions: choice,
        utilization: options.mem_fraction_static.is_none(),
        graphs: true,
        tensor_parallel: backend.vllm.tensor_parallel_size.is_none(),
        ..Freedom::default()
    };
    search(&settings, &freedom, question, wanted)
}

fn settings(backend: &Backend, precisions: &Precisions) -> Result<Sglang, Failure> {
    if let Some(version) = &backend.backend_version
        && version.trim_start_matches('v') != Sglang::VERSION
    {
        return Err(UsageError::UnknownVersion {
            version: version.clone(),
            known: Sglang::VERSION.into(),
        }
        .into());
    }
    let options = &backend.sglang;
    let default = Sglang::default();
    let cache_type = match precisions.kv_cache_dtype {
        None => default.cache_type,
        Some(asked) => {
            CacheType::from_name(asked.name()).ok_or_else(|| EngineError::UnknownCacheType {
                name: asked.name().into(),
                known: "auto, bfloat16, fp8_e4m3, fp8_e5m2",
            })?
        }
    };
    Ok(Sglang {
        cache_type,
        mem_fraction_static: options.mem_fraction_static.unwrap_or_default(),
        tensor_parallel_size: backend
            .vllm
            .tensor_parallel_size
            .unwrap_or(default.tensor_parallel_size),
        context_length: options.context_length,
        chunked_prefill_size: options.chunked_prefill_size,
        max_running_requests: options.max_running_requests,
        max_total_tokens: options.max_total_tokens,
        page_size: options.page_size,
        swa_full_tokens_ratio: options
            .swa_full_tokens_ratio
            .unwrap_or(default.swa_full_tokens_ratio),
        hybrid_swa_memory: !options.disable_hybrid_swa_memory,
        mamba_full_memory_ratio: options
            .mamba_full_memory_ratio
            .unwrap_or(default.mamba_full_memory_ratio),
        max_mamba_cache_size: options.max_mamba_cache_size,
        radix_cache: !options.disable_radix_cache,
        cuda_graphs: !options.disable_cuda_graph,
        cuda_graph_max_bs: options.cuda_graph_max_bs_decode,
        ..default
    })
}

/// GPUs that stay idle, and totals that are not known.
fn notes(question: &Question, devices: &[Device], language: Language) -> Vec<String> {
    let ranks = question.backend.vllm.tensor_parallel_size.unwrap_or(1);
    let given = devices.len() as u64;
    let mut notes = Vec::new();
    if ranks < given {
        notes.push(match language {
            Language::Ja => format!(
                "SGLang が使うのは {given} 枚の GPU のうち {ranks} 枚です(すべて使うには --tensor-parallel-size {given} など)"
            ),
            Language::En => format!(
                "SGLang uses {ranks} of the {given} GPUs (all of them with --tensor-parallel-size {given}, say)"
            ),
        });
    }
    let unknown = devices.iter().any(|device| device.total.is_none());
    let share = question.backend.sglang.mem_fraction_static;
    if share.is_none() {
        notes.push(
            language
                .pick(
                    "割合は SGLang の既定です。グラフや計算用に多めに空けるので、--mem-fraction-static auto で空きに合わせた最大の割合にできます",
                    "the share is SGLang's own, which reserves generously; --mem-fraction-static auto takes the largest that leaves room for the rest",
                )
                .into(),
        );
    }
    if unknown && share.is_none() {
        notes.push(
            language
                .pick(
                    "GPU の全メモリ量が分からないので、空き VRAM を全量として割合の既定値を決めます(--gpu でカードを指定できます)",
                    "the GPU's memory in all is not known, so the default share is reckoned for what is free (name the card with --gpu)",
                )
                .into(),
        );
    }
    notes
}
