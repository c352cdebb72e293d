//! vLLM from its options.

use super::given_of;
use crate::arguments::{Backend, Precisions};

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
        (
            "--num-speculative-tokens",
            options.num_speculative_tokens.is_some(),
        ),
    ])
}
