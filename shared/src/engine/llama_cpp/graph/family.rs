//! How the architectures' graphs differ beyond what their tensors tell.
//!
//! Source: llama.cpp 0.6.0, `models/*.cpp`. An architecture that is not here is built like
//! LLaMA with the parts that its tensors show.

use super::super::settings::Version;
use crate::model::{Attention, Layer, Model, RecurrentState, Span, Tensor};

/// How an architecture's graph differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    /// The order in which query, key and value enter the graph.
    pub(super) projections: Projections,
    /// The norm before each part also subtracts the mean, which needs memory of its own.
    pub(super) layer_norm: bool,
    /// Results are added to the residual stream, not the stream to them: it keeps its memory.
    pub(super) adds_to_residual: bool,
    /// Values are normalised too, without a weight.
    pub(super) normalizes_values: bool,
    /// Whether attention and feed-forward both read the normalised input.
    pub(super) parallel: Parallel,
    /// Entries of the positions for each token: 4 where images have positions of their own.
    pub(super) positions_per_token: u64,
    /// Where in the last layer the rows that logits are asked for are taken.
    pub(super) selection: Selection,
    /// Embeddings are scaled.
    pub(super) scales_embeddings: bool,
    /// Embeddings of tokens are scaled, those of images are not.
    pub(super) scales_tokens_alone: bool,
    /// Each part's result is scaled before it is added.
    pub(super) scales_residual: bool,
    /// Queries are scaled.
    pub(super) scales_queries: bool,
    /// Attention scores are capped: three more steps without flash attention.
    pub(super) caps_scores: bool,
    /// Whether weights of the chosen experts are divided by their sum; `None` where the model's
    /// own metadata say so.
    pub(super) normalizes_experts: Option<bool>,
    /// The network's result is added to the residual stream, not the stream to it, though that
    /// of attention is not.
    pub(super) adds_network_to_residual: bool,
    /// The choice of experts is by their logits, and their weights scale what they read, not
    /// what they give.
    pub(super) weighs_experts_input: bool,
    /// Layers that attend in full do not rotate, where others slide.
    pub(super) rotates_windows_alone: bool,
    /// Queries that are not rotated are scaled by a factor for each token.
    pub(super) tempers_queries: bool,
    /// Rotated queries and keys are normalised, without a weight.
    pub(super) normalizes_rotated: bool,
    /// Queries and keys are rotated.
    pub(super) rotates: bool,
    /// Norms are there though they have no weight.
    pub(super) norms_without_weight: bool,
    /// Embeddings are normalised, without a weight.
    pub(super) normalizes_embeddings: bool,
    /// Queries and keys are rotated before they are normalised.
    pub(super) rotates_first: bool,
    /// Layers that slide rotate without the model's own factors.
    pub(super) windows_have_no_factors: bool,
    /// The norm before the feed-forward part is the one called post-attention norm.
    pub(super) post_attention_norm_is_pre: bool,
}

/// The order in which query, key and value enter the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Projections {
    QueryValueKey,
    QueryKeyValue,
}

/// Where the rows that logits are asked for are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selection {
    /// From the result of attention and from the residual stream, before they are added.
    Attended,
    /// From their sum.
    Sum,
    /// After the last norm, whose result is kept for the prediction of further tokens.
    End,
    /// Before the last norm, from the residual stream, which is kept likewise.
    BeforeLastNorm,
}

/// Whether attention and feed-forward both read the normalised input, and how the results are
/// added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parallel {
    /// One after the other.
    No,
    /// The network's result to that of attention.
    AttentionFirst,
    /// The network's result to the residual stream, then attention's.
    NetworkFirst,
    /// Attention's result to the network's, then the residual stream.
    NetworkThenAttention,
    /// As `NetworkFirst`, but the network's input is normalised on its own.
    OwnNorm,
    /// The network's result to the sum of the other two.
    AfterAttention,
}

/// How close the simulated graph of an architecture has been seen to come to the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Fidelity {
    /// Equal to the byte wherever it was measured.
    Equal,
    /// The same with all on one GPU, and within a few percent elsewhere.
    EqualOnOneGpu,
    /// Within a few percent.
    Close,
    /// Parts of the graph are known not to be modelled.
    Partial,
    /// It was never measured.
    Unknown,
}

/// What the measured cases say of an architecture and release.
pub(in super::super) fn fidelity(model: &Model, version: Version) -> Fidelity {
    if let Some(fidelity) = fidelity_of_variant(model) {
        return fidelity;
    }
    match model.architecture.as_str() {
        "llama" | "qwen2" | "qwen2moe" | "qwen3" | "qwen3moe" | "qwen3next" | "qwen35"
        | "qwen35moe" | "gemma2" | "gemma3" | "phi2" | "command-r" | "cohere2" | "olmo2"
        | "olmoe" | "granite" | "ernie4_5" | "glm4" | "glm4moe" | "hunyuan-moe" | "minimax-m2"
        | "gpt-oss" | "phi3" | "deepseek2" | "mamba" | "mamba2" | "falcon-h1" | "nemotron_h"
        | "jamba" | "lfm2" | "bailingmoe2" | "granitehybrid" | "gemma3n" | "gemma4" | "llama4"
        | "kimi-linear" | "deepseek32" | "glm-dsa" | "rwkv6" | "rwkv7" | "rwkv6qwen2" => {
            Fidelity::Equal
        }
        "apertus" | "arcee" | "bailingmoe" | "chatglm" | "codeshell" | "dbrx" | "ernie4_5-moe"
        | "exaone" | "exaone4" | "falcon" | "gemma" | "granite_swa" | "hunyuan-dense"
        | "hunyuan_vl" | "internlm2" | "jais2" | "laguna" | "lfm2moe" | "maincoder" | "maple"
        | "mellum" | "mimo2" | "minicpm" | "muse-glimmer" | "nemotron" | "olmo" | "orion"
        | "paddleocr" | "pangu-embedded" | "plamo" | "plamo3" | "qwen" | "qwen2vl" | "qwen3vl"
        | "qwen3vlmoe" | "refact" | "seed_oss" | "smollm3" | "spark2_5" | "starcoder"
        | "starcoder2" | "xverse" => Fidelity::EqualOnOneGpu,
        "afmoe" | "bloom" | "deepseek" | "deepseek2-ocr" | "dots1" | "exaone-moe" | "gptneox"
        | "grok" | "grovemoe" | "hy_v3" | "mpt" | "phimoe" | "step35" => match version {
            Version::V0_6_0 => Fidelity::EqualOnOneGpu,
            Version::V0_5_0 => Fidelity::Close,
        },
        "bailingmoe3" | "cohere2moe" | "mistral3" | "smallthinker" => Fidelity::Close,
        "arwkv7" => Fidelity::EqualOnOneGpu,
        _ => Fidelity::Unknown,
    }
}

/// Models of an architecture that is otherwise modelled which have what is not.
fn fidelity_of_variant(model: &Model) -> Option<Fidelity> {
    let any = |has: fn(&Layer) -> bool| model.layers.iter().any(has);
    match model.architecture.as_str() {
        // Old conversions, whose latent is decompressed before it is cached.
        "deepseek2" | "minicpm3" | "plm" => {
            (!any(|layer| matches!(layer.attention, Attention::Latent(_))))
                .then_some(Fidelity::Partial)
        }
        // GLM-4.1V has positions for images, which those with biases stand for.
        "glm4" => model.tensor("blk.0.attn_q.bias").map(|_| Fidelity::Close),
        "lfm2" => any(|layer| {
            layer
                .attention
                .span()
                .is_some_and(|span| span != Span::Full)
        })
        .then_some(Fidelity::Close),
        // Measured where two heads of values share one of keys.
        "qwen3next" | "qwen35" | "qwen35moe" => any(|layer| match layer.recurrent {
            Some(RecurrentState::GatedDeltaNet {
                key_heads,
                value_heads,
                ..
            }) => value_heads != 2 * key_heads,
            _ => false,
        })
        .then_some(Fidelity::Close),
        "nanbeige" => (model.tensor("blk.0.attn_q.weight").is_some()
            && model.tensors.iter().filter_map(Tensor::block).max()
                < model.layers.len().checked_sub(1))
        .then_some(Fidelity::Partial),
        "chameleon" | "cogvlm" | "dots3note" | "glm5-next" | "hrm_text" | "hy_v4" | "kimi-k3"
        | "minimax-01" | "minimax-m3" | "mistral4" | "plamo2" => Some(Fidelity::Partial),
        _ => None,
    }
}

const LLAMA: Family = Family {
    projections: Projections::QueryValueKey,
    layer_norm: false,
    adds_to_residual: false,
    normalizes_values: false,
    parallel: Parallel::No,
    positions_per_token: 1,
    selection: Selection::Attended,
    scales_embeddings: false,
    scales_tokens_alone: false,
    scales_residual: false,
    scales_queries: false,
    caps_scores: false,
    normalizes_experts: Some(true),
    adds_network_to_residual: false,
    weighs_experts_input: false,
    rotates_windows_alone: false,
    tempers_queries: false,
    normalizes_rotated: false,
    rotates: true,
    norms_without_weight: false,
    normalizes_embeddings: false,
    rotates_first: false,
    windows_have_no_factors: false,
    post_attention_norm_is_pre: false,
};

fn most_experts(model: &Model) -> u64 {
    let experts = model
        .layers
        .iter()
        .filter_map(|layer| layer.feed_forward.experts);
    experts.map(|experts| experts.count).max().unwrap_or(0)
}

/// Of how many layers the last one does not rotate, whatever it looks back at.
pub(super) fn still_layers(architecture: &str) -> Option<usize> {
    (architecture == "smollm3").then_some(4)
}

/// The family of an architecture. `windowed`: some layers slide, which goes by another path.
pub(super) fn family(model: &Model, windowed: bool) -> Family {
    let base = Family {
        projections: if windowed {
            Projections::QueryKeyValue
        } else {
            Projections::QueryValueKey
        },
        ..LLAMA
    };
    match model.architecture.as_str() {
        "gemma" => Family {
            scales_embeddings: true,
            scales_queries: true,
            ..base
        },
        "gemma2" => Family {
            scales_embeddings: true,
            scales_queries: true,
            caps_scores: true,
            ..base
        },
        "gemma3" => Family {
            scales_tokens_alone: true,
            scales_embeddings: true,
            scales_queries: true,
            ..base
        },
        "gemma3n" => Family {
            scales_tokens_alone: true,
            scales_embeddings: true,
            normalizes_values: true,
            ..base
        },
        "llama4" => Family {
            normalizes_experts: Some(false),
            weighs_experts_input: true,
            rotates_windows_alone: windowed,
            tempers_queries: true,
            // The engine tells the larger model, which does not, by its experts.
            normalizes_rotated: most_experts(model) != 128,
            ..base
        },
        "rwkv6" | "rwkv7" => Family {
            rotates: false,
            layer_norm: true,
            ..base
        },
        "rwkv6qwen2" | "arwkv7" | "kimi-linear" => Family {
            rotates: false,
            ..base
        },
        "gemma4" => Family {
            windows_have_no_factors: true,
            selection: Selection::End,
            scales_tokens_alone: true,
            scales_embeddings: true,
            normalizes_values: true,
            ..base
        },
        "granitehybrid" => Family {
            rotates: false,
            scales_embeddings: true,
            scales_residual: true,
            ..base
        },
        "granite" | "granitemoe" | "granite_swa" | "minicpm" | "minicpm3" => Family {
            scales_embeddings: true,
            scales_residual: true,
            ..base
        },
        "gpt-oss" => Family {
            selection: Selection::BeforeLastNorm,
            post_attention_norm_is_pre: true,
            ..base
        },
        "seed_oss" => Family {
            post_attention_norm_is_pre: true,
            ..base
        },
        "grok" => Family {
            scales_embeddings: true,
            caps_scores: true,
            ..base
        },
        "muse-glimmer" => Family {
            normalizes_embeddings: true,
            rotates_windows_alone: true,
            ..base
        },
        "smallthinker" => Family {
            rotates_windows_alone: windowed,
            ..base
        },
        "starcoder2" | "nemotron" | "orion" | "codeshell" | "jais2" | "dbrx" => Family {
            layer_norm: true,
            ..base
        },
        // Positions are added to the embeddings, or bias the scores.
        "gpt2" | "starcoder" | "bloom" | "mpt" | "jais" => Family {
            layer_norm: true,
            rotates: false,
            ..base
        },
        "refact" => Family {
            rotates: false,
            ..base
        },
        "olmo" => Family {
            layer_norm: true,
            norms_without_weight: true,
            ..base
        },
        "hrm_text" => Family {
            norms_without_weight: true,
            ..base
        },
        "talkie" => Family {
            rotates_first: true,
            norms_without_weight: true,
            normalizes_embeddings: true,
            ..base
        },
        "falcon" => Family {
            layer_norm: true,
            parallel: Parallel::NetworkThenAttention,
            ..base
        },
        "plamo" => Family {
            parallel: Parallel::NetworkThenAttention,
            ..base
        },
        "gptneox" => Family {
            layer_norm: true,
            parallel: Parallel::OwnNorm,
            ..base
        },
        "stablelm" => Family {
            layer_norm: true,
            parallel: Parallel::AfterAttention,
            ..base
        },
        "glm4moe" => Family {
            normalizes_experts: None,
            post_attention_norm_is_pre: true,
            ..base
        },
        "qwen3next" => Family {
            selection: Selection::End,
            post_attention_norm_is_pre: true,
            ..base
        },
        "qwen35" | "qwen35moe" => Family {
            selection: Selection::End,
            post_attention_norm_is_pre: true,
            positions_per_token: 4,
            ..base
        },
        "qwen2vl" | "qwen3vl" | "qwen3vlmoe" | "paddleocr" => Family {
            positions_per_token: 4,
            ..base
        },
        "hunyuan_vl" => Family {
            positions_per_token: 4,
            rotates_first: true,
            ..base
        },
        "hunyuan-moe" | "hunyuan-dense" | "maincoder" => Family {
            rotates_first: true,
            ..base
        },
        "phi2" => Family {
            layer_norm: true,
            parallel: Parallel::AttentionFirst,
            scales_queries: true,
            ..base
        },
        "phi3" => Family {
            scales_queries: true,
            adds_network_to_residual: true,
            ..base
        },
        "cohere2moe" => Family {
            rotates_windows_alone: true,
            layer_norm: true,
            parallel: Parallel::NetworkFirst,
            selection: Selection::End,
            normalizes_experts: None,
            ..base
        },
        "cohere2" => Family {
            rotates_windows_alone: true,
            layer_norm: true,
            parallel: Parallel::NetworkFirst,
            ..base
        },
        "exaone4" | "exaone-moe" if windowed => Family {
            rotates_windows_alone: true,
            ..base
        },
        "command-r" => Family {
            layer_norm: true,
            parallel: Parallel::NetworkFirst,
            ..base
        },
        "olmoe" | "qwen2moe" | "deepseek" | "llada-moe" => Family {
            normalizes_experts: Some(false),
            ..base
        },
        "afmoe" => Family {
            scales_embeddings: true,
            rotates_windows_alone: true,
            normalizes_experts: None,
            ..base
        },
        "bailingmoe" | "bailingmoe2" | "deepseek2" | "deepseek32" | "dots1" | "exaone-moe"
        | "glm-dsa" | "laguna" | "minimax-m3" => Family {
            normalizes_experts: None,
            ..base
        },
        "bailingmoe3" | "hy_v3" => Family {
            selection: Selection::End,
            normalizes_experts: None,
            ..base
        },
        "step35" => Family {
            selection: Selection::BeforeLastNorm,
            normalizes_experts: None,
            ..base
        },
        "falcon-h1" => Family {
            selection: Selection::Sum,
            ..base
        },
        "jamba" => Family {
            adds_to_residual: true,
            normalizes_experts: Some(false),
            rotates: false,
            ..base
        },
        "lfm2" | "lfm2moe" => Family {
            adds_to_residual: true,
            ..base
        },
        "nemotron_h" | "nemotron_h_moe" => Family {
            selection: Selection::End,
            normalizes_experts: None,
            rotates: false,
            ..base
        },
        _ => base,
    }
}
