//! The command line that starts vLLM's server with these settings.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::cache_type::CacheType;
use super::settings::{Drafter, Vllm};
use crate::engine::shell::quote;

/// `vllm serve`; options at their defaults are left out, except the context.
pub(super) fn serve(settings: &Vllm, model: &str, context_length: u64) -> String {
    let mut words: Vec<String> = Vec::from(["vllm serve".into(), quote(model)]);
    let mut option = |name: &str, value: String| {
        words.push(name.into());
        if !value.is_empty() {
            words.push(value);
        }
    };
    option("--max-model-len", context_length.to_string());
    if settings.cache_type != CacheType::Auto {
        option("--kv-cache-dtype", settings.cache_type.name().into());
    }
    if let Some(share) = settings.gpu_memory_utilization {
        option("--gpu-memory-utilization", share.to_string());
    }
    if let Some(bytes) = settings.kv_cache_memory_bytes {
        option("--kv-cache-memory-bytes", bytes.to_string());
    }
    if settings.tensor_parallel_size != 1 {
        option(
            "--tensor-parallel-size",
            settings.tensor_parallel_size.to_string(),
        );
    }
    if settings.pipeline_parallel_size != 1 {
        option(
            "--pipeline-parallel-size",
            settings.pipeline_parallel_size.to_string(),
        );
    }
    if let Some(tokens) = settings.max_num_batched_tokens {
        option("--max-num-batched-tokens", tokens.to_string());
    }
    if let Some(sequences) = settings.max_num_seqs {
        option("--max-num-seqs", sequences.to_string());
    }
    if let Some(size) = settings.block_size {
        option("--block-size", size.to_string());
    }
    if !settings.prefix_caching {
        option("--no-enable-prefix-caching", String::new());
    }
    if !settings.hybrid_kv_cache_manager {
        option("--disable-hybrid-kv-cache-manager", String::new());
    }
    if settings.enforce_eager {
        option("--enforce-eager", String::new());
    }
    if settings.language_model_only {
        option("--language-model-only", String::new());
    }
    if let Some(kind) = settings.state_type {
        option("--mamba-ssm-cache-dtype", kind.name().into());
    }
    let drafted = settings.num_speculative_tokens;
    if drafted > 0 {
        let method = match settings.drafter {
            Drafter::Ngram => "\"method\": \"ngram\", \"prompt_lookup_max\": 4",
            Drafter::Mtp => "\"method\": \"mtp\"",
        };
        let config = format!("{{{method}, \"num_speculative_tokens\": {drafted}}}");
        option("--speculative-config", quote(&config));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::vllm::Utilization;

    #[test]
    fn only_what_is_asked_for_is_said() {
        let plain = serve(&Vllm::default(), "Qwen/Qwen3-8B", 40_960);
        assert_eq!(plain, "vllm serve Qwen/Qwen3-8B --max-model-len 40960");
        let settings = Vllm {
            cache_type: CacheType::Fp8,
            gpu_memory_utilization: Utilization::from_decimal("0.95"),
            tensor_parallel_size: 2,
            enforce_eager: true,
            language_model_only: true,
            num_speculative_tokens: 3,
            ..Vllm::default()
        };
        assert_eq!(
            serve(&settings, "my model", 4_096),
            "vllm serve 'my model' --max-model-len 4096 --kv-cache-dtype fp8 \
             --gpu-memory-utilization 0.95 --tensor-parallel-size 2 --enforce-eager \
             --language-model-only --speculative-config '{\"method\": \"ngram\", \"prompt_lookup_max\": 4, \
             \"num_speculative_tokens\": 3}'"
        );
    }
}
