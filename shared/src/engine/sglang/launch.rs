//! The command line that starts SGLang's server with these settings.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::settings::{CacheType, Ratio, Sglang, StaticShare};
use crate::engine::shell::quote;

/// `sglang serve`; options at their defaults are left out, except the context.
pub(super) fn serve(settings: &Sglang, model: &str, context_length: u64) -> String {
    let default = Sglang::default();
    let mut words: Vec<String> = Vec::from(["sglang serve --model-path".into(), quote(model)]);
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push(name.into());
            words.push(value);
        }
    };
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    option("--context-length", Some(context_length.to_string()));
    let kind = settings.cache_type;
    option(
        "--kv-cache-dtype",
        (kind != CacheType::Auto).then(|| kind.name().into()),
    );
    // Few backends read 4 bits; the default ones do not.
    option(
        "--attention-backend",
        (kind == CacheType::Fp4MxBlock16).then(|| "triton".into()),
    );
    option(
        "--mem-fraction-static",
        match settings.mem_fraction_static {
            StaticShare::Given(share) => Some(share.to_string()),
            StaticShare::Default | StaticShare::Largest => None,
        },
    );
    let ranks = settings.tensor_parallel_size;
    option(
        "--tensor-parallel-size",
        number((ranks != 1).then_some(ranks)),
    );
    option(
        "--chunked-prefill-size",
        number(settings.chunked_prefill_size),
    );
    option(
        "--max-running-requests",
        number(settings.max_running_requests),
    );
    option("--max-total-tokens", number(settings.max_total_tokens));
    option("--page-size", number(settings.page_size));
    let changed = |value: Ratio, default: Ratio| (value != default).then(|| value.to_string());
    option(
        "--swa-full-tokens-ratio",
        changed(
            settings.swa_full_tokens_ratio,
            default.swa_full_tokens_ratio,
        ),
    );
    option(
        "--mamba-full-memory-ratio",
        changed(
            settings.mamba_full_memory_ratio,
            default.mamba_full_memory_ratio,
        ),
    );
    option(
        "--max-mamba-cache-size",
        number(settings.max_mamba_cache_size),
    );
    option(
        "--mamba-ssm-dtype",
        settings.half_precision_state.then(|| "bfloat16".into()),
    );
    option(
        "--cuda-graph-max-bs-decode",
        number(settings.cuda_graph_max_bs),
    );
    let switches = [
        ("--disable-hybrid-swa-memory", !settings.hybrid_swa_memory),
        ("--disable-radix-cache", !settings.radix_cache),
        ("--disable-cuda-graph", !settings.cuda_graphs),
    ];
    for (name, _) in switches.into_iter().filter(|&(_, on)| on) {
        words.push(name.into());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_said() {
        let plain = serve(&Sglang::default(), "Qwen/Qwen3-8B", 40_960);
        assert_eq!(
            plain,
            "sglang serve --model-path Qwen/Qwen3-8B --context-length 40960"
        );
        let settings = Sglang {
            cache_type: CacheType::Fp4MxBlock16,
            mem_fraction_static: StaticShare::from_name("0.9").unwrap(),
            tensor_parallel_size: 2,
            radix_cache: false,
            ..Sglang::default()
        };
        assert_eq!(
            serve(&settings, "my model", 4_096),
            "sglang serve --model-path 'my model' --context-length 4096 --kv-cache-dtype \
             fp4_mx_block16 --attention-backend triton --mem-fraction-static 0.9 \
             --tensor-parallel-size 2 --disable-radix-cache"
        );
    }
}
