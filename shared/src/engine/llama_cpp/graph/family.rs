//! How the architectures' graphs differ beyond what their tensors tell.
//!
//! Source: llama.cpp 0.6.0, `models/*.cpp`. An architecture that is not here is built like
//! LLaMA with the parts that its tensors show.

use super::super::settings::Version;
use crate::model::Model;

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
    /// Which queries are scaled by a factor for each token.
    pub(super) tempers: Tempers,
    /// Those of them that have no experts do all the same.
    pub(super) rotates_dense_layers: bool,
    /// The sum of the chosen experts' result and that of the shared one is scaled.
    pub(super) scales_shared_sum: bool,
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
    /// Norms of queries and keys subtract the mean.
    pub(super) head_norms_subtract_mean: bool,
    /// Keys are normalised without a weight.
    pub(super) normalizes_keys: bool,
    /// The result of attention is added to the residual stream, not the stream to it, though that
    /// of the network is not.
    pub(super) adds_attention_to_residual: bool,
    /// Each layer adds the embeddings once more, scaled by its output scale.
    pub(super) adds_embeddings: bool,
    /// Experts are chosen by the layer's own input, before its norm.
    pub(super) routes_from_stream: bool,
    /// Where there are both, a network's result and the experts' are added and scaled.
    pub(super) sums_network_and_experts: bool,
    /// Batches can mix tokens and embeddings, from 0.6.0 on.
    pub(super) mixes_inputs: bool,
    /// Logits of images are overwritten.
    pub(super) hides_image_logits: bool,
    /// What a part gives is normalised, not what it reads.
    pub(super) normalizes_results: bool,
    /// What logits are made of is scaled, beside the last norm's result, which is kept.
    pub(super) scales_last_norm: bool,
    /// Experts are scored by the root of a softplus: two steps.
    pub(super) scores_by_root: bool,
    /// What a network's result is given back to the streams with is computed before the network.
    pub(super) connects_before_network: bool,
    /// The chosen experts' activation is another than that of the shared one.
    pub(super) clamps_experts_alone: bool,
    /// Small batches have the last operation of a layer where the layer is (`l_last`).
    pub(super) ends_layers_in_place: bool,
    /// The activation of networks keeps within bounds (SiTU): the gate, or the gate and what it
    /// gates.
    pub(super) saturates: Saturates,
}

/// Which factors of a network's activation are kept within bounds by steps of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saturates {
    None,
    Gate,
    Both,
}

/// Which queries are scaled by a factor for each token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tempers {
    None,
    /// Those that are not rotated.
    Unrotated,
    All,
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
    /// From what the last stack gives, which is normalised already.
    Normalized,
    /// Nowhere: every token has logits.
    Never,
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
    /// The same with all on one GPU, and within a few percent elsewhere, where a sixteenth is added
    /// if the engine has been seen to take more.
    EqualOnOneGpu { adds: bool },
    /// Within a few percent.
    Close,
    /// It was never measured.
    Unknown,
}

/// What the measured cases say of an architecture and release.
pub(in super::super) fn fidelity(model: &Model, version: Version) -> Fidelity {
    if let Some(fidelity) = fidelity_of_variant(model) {
        return fidelity;
    }
    match model.architecture.as_str() {
        "apertus" | "arcee" | "arctic" | "baichuan" | "bailingmoe" | "bailingmoe2" | "chatglm"
        | "codeshell" | "cogvlm" | "cohere2" | "cohere2moe" | "command-r" | "dbrx" | "deepseek"
        | "deepseek4" | "deepseek2" | "deepseek32" | "dots1" | "dots3note" | "ernie4_5"
        | "ernie4_5-moe" | "exaone" | "exaone-moe" | "exaone4" | "falcon" | "falcon-h1"
        | "gemma" | "gemma2" | "gemma3" | "gemma3n" | "glm-dsa" | "glm5-next" | "glm4"
        | "glm4moe" | "gpt-oss" | "granite" | "granite_swa" | "granitehybrid" | "graniteswitch"
        | "granitemoe" | "hrm_text" | "hunyuan-dense" | "hunyuan-moe" | "hunyuan_vl" | "hy_v3"
        | "hy_v4" | "internlm2" | "jais2" | "jamba" | "kimi-k3" | "kimi-linear" | "laguna"
        | "lfm2" | "lfm2moe" | "llama" | "llama4" | "maincoder" | "mamba" | "mamba2" | "maple"
        | "mellum" | "mimo2" | "minicpm" | "minicpm3" | "minimax-01" | "minimax-m2"
        | "mistral3" | "mistral4" | "muse-glimmer" | "nanbeige" | "nemotron" | "nemotron_h"
        | "nemotron_h_moe" | "olmo" | "olmo2" | "olmoe" | "openelm" | "orion" | "paddleocr"
        | "pangu-embedded" | "phi2" | "phi3" | "plamo" | "plamo2" | "plamo3" | "plm" | "qwen"
        | "qwen2" | "qwen2moe" | "qwen2vl" | "qwen3" | "qwen35" | "qwen35moe" | "qwen3moe"
        | "qwen3next" | "qwen3vl" | "qwen3vlmoe" | "refact" | "rwkv6" | "rwkv6qwen2" | "rwkv7"
        | "seed_oss" | "smollm3" | "spark2_5" | "stablelm" | "starcoder" | "starcoder2"
        | "bloom" | "gpt2" | "jais" | "mpt" | "talkie" | "xverse" => Fidelity::Equal,
        "afmoe" | "gptneox" | "grok" | "smallthinker" | "step35" => match version {
            Version::V0_6_0 => Fidelity::Equal,
            _ => Fidelity::EqualOnOneGpu { adds: false },
        },
        // With a quantized cache and few layers on the GPU 1 % of the compute buffer was missing.
        "gemma4" => Fidelity::EqualOnOneGpu { adds: false },
        "arwkv7" | "bitnet" | "chameleon" => Fidelity::EqualOnOneGpu { adds: true },
        "bailingmoe3" | "deci" | "deepseek2-ocr" | "grovemoe" | "minimax-m3" | "phimoe" => {
            Fidelity::Close
        }
        _ => Fidelity::Unknown,
    }
}

/// Models of an architecture that is otherwise modelled which have what is not.
fn fidelity_of_variant(model: &Model) -> Option<Fidelity> {
    // Configurations do not tell whether queries are scaled for each token.
    let tempers = matches!(model.architecture.as_str(), "mistral3" | "mistral4");
    (tempers && !model.traits.tempers_queries).then_some(Fidelity::Close)
}

impl Family {
    /// The family as it was before the last layer's result was kept.
    pub(super) fn without_last_result(self) -> Self {
        let selection = match self.selection {
            Selection::End | Selection::BeforeLastNorm => Selection::Attended,
            selection => selection,
        };
        Self { selection, ..self }
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
    rotates_dense_layers: false,
    scales_shared_sum: false,
    tempers: Tempers::None,
    normalizes_rotated: false,
    rotates: true,
    norms_without_weight: false,
    normalizes_embeddings: false,
    rotates_first: false,
    windows_have_no_factors: false,
    post_attention_norm_is_pre: false,
    head_norms_subtract_mean: false,
    normalizes_keys: false,
    adds_attention_to_residual: false,
    adds_embeddings: false,
    routes_from_stream: false,
    sums_network_and_experts: false,
    mixes_inputs: true,
    hides_image_logits: false,
    normalizes_results: false,
    saturates: Saturates::None,
    scores_by_root: false,
    connects_before_network: false,
    scales_last_norm: false,
    clamps_experts_alone: false,
    ends_layers_in_place: false,
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
    // One for each direction of an image, and one more.
    let positions_per_token = if model.traits.has_image_positions {
        4
    } else {
        1
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
            tempers: Tempers::Unrotated,
            // The engine tells the larger model, which does not, by its experts.
            normalizes_rotated: most_experts(model) != 128,
            ..base
        },
        "mistral3" | "mistral4" if model.traits.tempers_queries => Family {
            tempers: Tempers::All,
            normalizes_experts: None,
            ..base
        },
        "mistral4" => Family {
            normalizes_experts: None,
            ..base
        },
        "chameleon" => Family {
            head_norms_subtract_mean: true,
            hides_image_logits: true,
            normalizes_results: model.traits.normalizes_results,
            ..base
        },
        // Drafts: every token has logits.
        "dflash" | "eagle3" => Family {
            selection: Selection::Never,
            ..base
        },
        "cogvlm" => Family {
            mixes_inputs: false,
            selection: Selection::Never,
            ..base
        },
        // The engine tells the smaller model, which alone rotates, by its layers.
        "baichuan" => Family {
            rotates: model.decoder_layers().count() == 32,
            ..base
        },
        "glm4" => Family {
            positions_per_token,
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
        "kimi-k3" => Family {
            rotates: false,
            normalizes_experts: None,
            saturates: if model.traits.bounds_both_factors {
                Saturates::Both
            } else {
                Saturates::Gate
            },
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
        "granitehybrid" | "graniteswitch" => Family {
            rotates: model.traits.rotates,
            scales_embeddings: true,
            scales_residual: true,
            ..base
        },
        "granite" | "granitemoe" | "granite_swa" | "minicpm" | "minicpm3" => Family {
            scales_embeddings: true,
            scales_residual: true,
            scales_last_norm: model.architecture == "minicpm3",
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
            sums_network_and_experts: true,
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
            routes_from_stream: true,
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
            selection: Selection::Normalized,
            norms_without_weight: true,
            ..base
        },
        "openelm" => Family {
            adds_attention_to_residual: true,
            ..base
        },
        "talkie" => Family {
            normalizes_keys: true,
            adds_embeddings: true,
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
            parallel: if model.traits.follows_attention {
                Parallel::No
            } else {
                Parallel::OwnNorm
            },
            ..base
        },
        "stablelm" => Family {
            layer_norm: true,
            parallel: Parallel::AfterAttention,
            ..base
        },
        "glm4moe" => Family {
            positions_per_token,
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
            rotates_dense_layers: true,
            scales_shared_sum: true,
            layer_norm: true,
            parallel: Parallel::NetworkFirst,
            selection: Selection::End,
            normalizes_experts: None,
            ..base
        },
        "maple" => Family {
            rotates_windows_alone: true,
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
        "deepseek2" if model.traits.tempers_queries => Family {
            tempers: Tempers::All,
            normalizes_experts: None,
            ..base
        },
        "hy_v4" => Family {
            normalizes_experts: None,
            clamps_experts_alone: model.traits.clamps_experts,
            ..base
        },
        "dots3note" | "bailingmoe" | "bailingmoe2" | "deepseek2" | "deepseek32" | "dots1"
        | "exaone-moe" | "glm-dsa" | "laguna" | "minimax-m3" => Family {
            normalizes_experts: None,
            ..base
        },
        "bailingmoe3" | "hy_v3" => Family {
            positions_per_token,
            selection: Selection::End,
            normalizes_experts: None,
            ..base
        },
        "deepseek4" => Family {
            mixes_inputs: false,
            normalizes_experts: None,
            scores_by_root: true,
            connects_before_network: true,
            ends_layers_in_place: true,
            ..base
        },
        "glm5-next" => Family {
            normalizes_experts: None,
            rotates: false,
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
