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
    /// Attention or a recurrent state, told apart by this rule.
    Hybrid(Recurrence),
    /// Attention and a recurrent state in every layer.
    Both,
    /// No cache: encoders and diffusion models.
    None,
}

/// Which layers of a hybrid hold a recurrent state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recurrence {
    /// Those without KV heads.
    NoHeads,
    /// Those with neither KV heads nor a feed-forward network; what has a network is nothing else.
    NoHeadsNoNetwork,
    /// Those of the file's list; without one, all but every `interval`-th.
    AllBut {
        /// The interval where the file does not say.
        interval: u64,
    },
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
    /// The window whatever number the file says.
    pub(super) fixed_window: Option<u64>,
    /// The window is a chunk.
    pub(super) chunked: bool,
}

/// How the layers of `architecture` remember; `None` where we do not know the architecture.
pub(super) fn memory(architecture: &str) -> Option<Memory> {
    Some(match architecture {
        "mamba" | "mamba2" | "rwkv6" | "rwkv6qwen2" | "rwkv7" | "arwkv7" => Memory::Recurrent,
        "falcon-h1" => Memory::Both,
        "jamba" | "plamo2" | "granitehybrid" | "lfm2" | "lfm2moe" | "kimi-linear" | "kimi-k3"
        | "bailingmoe3" | "glm5-next" => Memory::Hybrid(Recurrence::NoHeads),
        "nemotron_h" | "nemotron_h_moe" => Memory::Hybrid(Recurrence::NoHeadsNoNetwork),
        "qwen3next" | "qwen35" | "qwen35moe" | "qwen4exp" => {
            Memory::Hybrid(Recurrence::AllBut { interval: 4 })
        }
        "minimax-01" => Memory::Hybrid(Recurrence::AllBut { interval: 8 }),
        "clef" | "bert" | "jina-bert-v2" | "jina-bert-v3" | "nomic-bert" | "nomic-bert-moe"
        | "neo-bert" | "eurobert" | "modern-bert" | "gemma-embedding" | "t5encoder"
        | "wavtokenizer-dec" | "dream" | "llada" | "llada-moe" | "rnd1" => Memory::None,
        "afmoe" | "apertus" | "arcee" | "arctic" | "baichuan" | "bailingmoe" | "bailingmoe2"
        | "bitnet" | "bloom" | "chameleon" | "chatglm" | "codeshell" | "cogvlm" | "cohere2"
        | "cohere2moe" | "command-r" | "dbrx" | "deci" | "deepseek" | "deepseek2"
        | "deepseek2-ocr" | "deepseek32" | "deepseek4" | "dots1" | "dots3note" | "ernie4_5"
        | "ernie4_5-moe" | "exaone" | "exaone-moe" | "exaone4" | "falcon" | "gemma" | "gemma2"
        | "gemma3" | "gemma3n" | "gemma4" | "glm-dsa" | "glm4" | "glm4moe" | "gpt-oss" | "gpt2"
        | "gptj" | "gptneox" | "granite" | "granitemoe" | "granite_swa" | "graniteswitch"
        | "grok" | "grovemoe" | "hrm_text" | "hunyuan-dense" | "hunyuan-moe" | "hunyuan_vl"
        | "hy_v3" | "hy_v4" | "internlm2" | "jais" | "jais2" | "laguna" | "llama"
        | "llama-embed" | "llama4" | "maincoder" | "maple" | "mellum" | "mimo2" | "minicpm"
        | "minicpm3" | "minimax-m2" | "minimax-m3" | "mistral3" | "mistral4" | "mpt"
        | "muse-glimmer" | "nanbeige" | "nemotron" | "olmo" | "olmo2" | "olmoe" | "openelm"
        | "orion" | "paddleocr" | "pangu-embedded" | "phi2" | "phi3" | "phimoe" | "plamo"
        | "plamo3" | "plm" | "qwen" | "qwen2" | "qwen2moe" | "qwen2vl" | "qwen3" | "qwen3moe"
        | "qwen3vl" | "qwen3vlmoe" | "refact" | "seed_oss" | "smallthinker" | "smollm3"
        | "spark2_5" | "stablelm" | "starcoder" | "starcoder2" | "step35" | "talkie" | "xverse" => {
            Memory::Attention
        }
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
            fixed_window: None,
            chunked: false,
        })
    };
    match architecture {
        "gemma2" => rule(2, false, Some(4096)),
        "gpt-oss" => rule(2, false, None),
        "gemma3" => rule(6, false, None),
        "gemma3n" => rule(5, false, None),
        "cohere2" | "olmo2" | "afmoe" | "mellum" | "muse-glimmer" => rule(4, false, None),
        // The smaller EXAONE 4 models attend in full everywhere.
        "exaone4" if layers == 64 => rule(4, false, Some(4096)),
        "exaone-moe" => rule(4, false, Some(128)),
        "cohere2moe" | "laguna" => rule(4, true, None),
        "smallthinker" => Some(WindowRule {
            period: 4,
            full_first: true,
            default_window: None,
            fixed_window: Some(4096),
            chunked: false,
        }),
        // Every layer that attends slides.
        "lfm2" | "deepseek4" => rule(0, false, None),
        "plamo3" => rule(8, false, None),
        "llama4" => Some(WindowRule {
            period: 4,
            full_first: false,
            default_window: Some(8192),
            fixed_window: Some(8192),
            chunked: true,
        }),
        _ => None,
    }
}

/// Whether the layers that slide come from the file's pattern alone.
pub(super) fn window_pattern_required(architecture: &str) -> bool {
    matches!(
        architecture,
        "gemma4" | "step35" | "mimo2" | "dots3note" | "granite_swa" | "maple" | "spark2_5"
    )
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

/// How often the layers of the file are gone through: each pass keeps a cache of its own.
pub(super) fn passes(architecture: &str, stated: Option<u64>) -> u64 {
    match architecture {
        "nanbeige" => stated.unwrap_or(1).max(1),
        _ => 1,
    }
}

/// Architectures whose cache follows rules of its own that are not modelled.
pub(super) fn has_unmodelled_cache(architecture: &str) -> bool {
    matches!(architecture, "gemma4-assistant" | "t5")
}
