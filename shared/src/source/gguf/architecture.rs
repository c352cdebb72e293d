//! What the GGUF metadata of an architecture leaves to the reader's knowledge.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-model.cpp` (`load_hparams`, `create_memory`) and
//! `models/*.cpp`. A new architecture is one line in a table below, and none at all where it
//! caches plain keys and values in every layer.

/// How the layers of an architecture remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Memory {
    /// Attention in every layer whose KV head count is not 0.
    Attention,
    /// A recurrent state in every layer.
    Recurrent,
    /// Attention or a recurrent state, told apart by each layer's tensors.
    Hybrid,
    /// Attention and a recurrent state in every layer.
    Both,
    /// No cache: encoders and diffusion models.
    None,
}

/// Which layers slide where the file has no pattern of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowRule {
    /// Every `period`-th layer attends in full.
    pub(super) period: u64,
    /// The full layer is the first of each period, not the last.
    pub(super) full_first: bool,
    /// The window where the file does not say; `None`: no window then.
    pub(super) default_window: Option<u64>,
    /// The window is a chunk.
    pub(super) chunked: bool,
}

/// How the layers of `architecture` remember; `None` where we do not know the architecture.
pub(super) fn memory(architecture: &str) -> Option<Memory> {
    Some(match architecture {
        "mamba" | "mamba2" | "rwkv6" | "rwkv6qwen2" | "rwkv7" | "arwkv7" => Memory::Recurrent,
        "falcon-h1" => Memory::Both,
        "jamba" | "plamo2" | "granitehybrid" | "lfm2" | "lfm2moe" | "nemotron_h"
        | "nemotron_h_moe" | "qwen3next" | "qwen35" | "qwen35moe" | "kimi-linear" | "kimi-k3"
        | "bailingmoe3" | "glm5-next" | "qwen4exp" | "minimax-01" => Memory::Hybrid,
        "bert" | "jina-bert-v2" | "jina-bert-v3" | "nomic-bert" | "nomic-bert-moe" | "neo-bert"
        | "eurobert" | "modern-bert" | "gemma-embedding" | "llama-embed" | "t5encoder"
        | "wavtokenizer-dec" | "dream" | "llada" | "llada-moe" | "rnd1" => Memory::None,
        "afmoe" | "apertus" | "arcee" | "arctic" | "baichuan" | "bailingmoe" | "bailingmoe2"
        | "bitnet" | "bloom" | "chameleon" | "chatglm" | "codeshell" | "cogvlm" | "cohere2"
        | "cohere2moe" | "command-r" | "dbrx" | "deci" | "deepseek" | "deepseek2"
        | "deepseek2-ocr" | "deepseek32" | "dots1" | "ernie4_5" | "ernie4_5-moe" | "exaone"
        | "exaone-moe" | "exaone4" | "falcon" | "gemma" | "gemma2" | "gemma3" | "gemma3n"
        | "gemma4" | "glm-dsa" | "glm4" | "glm4moe" | "gpt-oss" | "gpt2" | "gptj" | "gptneox"
        | "granite" | "granitemoe" | "granite_swa" | "grok" | "grovemoe" | "hrm_text"
        | "hunyuan-dense" | "hunyuan-moe" | "hunyuan_vl" | "hy_v3" | "internlm2" | "jais"
        | "jais2" | "laguna" | "llama" | "llama4" | "maincoder" | "mellum" | "mimo2"
        | "minicpm" | "minicpm3" | "minimax-m2" | "minimax-m3" | "mistral3" | "mistral4"
        | "mpt" | "muse-glimmer" | "nemotron" | "olmo" | "olmo2" | "olmoe" | "openelm"
        | "orion" | "paddleocr" | "pangu-embedded" | "phi2" | "phi3" | "phimoe" | "plamo"
        | "plamo3" | "plm" | "qwen" | "qwen2" | "qwen2moe" | "qwen2vl" | "qwen3" | "qwen3moe"
        | "qwen3vl" | "qwen3vlmoe" | "refact" | "seed_oss" | "smallthinker" | "smollm3"
        | "stablelm" | "starcoder" | "starcoder2" | "step35" | "xverse" => Memory::Attention,
        _ => return None,
    })
}

/// Which layers slide, where the architecture slides without a pattern in the file.
pub(super) fn window_rule(architecture: &str, layers: u64) -> Option<WindowRule> {
    let rule = |period, full_first, default_window| {
        Some(WindowRule {
            period,
            full_first,
            default_window,
            chunked: false,
        })
    };
    match architecture {
        "gemma2" => rule(2, false, Some(4096)),
        "gpt-oss" => rule(2, false, None),
        "gemma3" => rule(6, false, None),
        "gemma3n" => rule(5, false, None),
        "cohere2" | "olmo2" | "afmoe" | "mellum" | "muse-glimmer" | "granite_swa" => {
            rule(4, false, None)
        }
        // The smaller EXAONE 4 models attend in full everywhere.
        "exaone4" if layers == 64 => rule(4, false, Some(4096)),
        "exaone-moe" => rule(4, false, Some(128)),
        "cohere2moe" | "laguna" => rule(4, true, None),
        "smallthinker" => rule(4, true, Some(4096)),
        "plamo3" => rule(8, false, None),
        "llama4" => Some(WindowRule {
            period: 4,
            full_first: false,
            default_window: Some(8192),
            chunked: true,
        }),
        _ => None,
    }
}

/// Whether the layers that slide come from the file's pattern alone.
pub(super) fn window_pattern_required(architecture: &str) -> bool {
    matches!(architecture, "gemma4" | "step35" | "mimo2" | "dots3note")
}

/// First layers that keep a cache of their own while later ones read theirs, of `layers`.
pub(super) fn layers_with_own_cache(architecture: &str, layers: u64, shared: u64) -> u64 {
    match architecture {
        // A constant of the engine (`n_layer_kv_from_start`), whatever the file says.
        "gemma3n" => 20,
        "gemma4" => layers.saturating_sub(shared),
        _ => layers,
    }
}

/// Architectures whose cache follows rules of its own that are not modelled.
pub(super) fn has_unmodelled_cache(architecture: &str) -> bool {
    matches!(
        architecture,
        "deepseek4" | "gemma4-assistant" | "dots3note" | "hy-v4" | "t5"
    )
}
