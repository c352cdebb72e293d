//! What SGLang knows a family for: which pools its layers keep, and whether it sees images.
//!
//! Source: SGLang 0.5.23, `configs/model_config.py` (`is_hybrid_swa_model`, `get_hybrid_layer_ids`,
//! `multimodal_model_archs`), `arg_groups/model_overrides`, `arg_groups/cuda_graph_hook.py`.

use super::settings::Sglang;
use crate::model::{Attention, Model, RecurrentState};

/// Families whose layers with a window keep a pool of their own; others keep everything.
const WINDOWED: [&str; 9] = [
    "gemma4",
    "gpt-oss",
    "granite_swa",
    "laguna",
    "llama4",
    "mellum",
    "mimo2",
    "muse-glimmer",
    "step35",
];
/// Families that are served without their eyes unless asked.
const TEXT_ONLY: [&str; 3] = ["gemma3", "llama4", "step35"];
/// Families that see images and whose prompts are captured as graphs all the same.
const CAPTURED: [&str; 3] = ["deepseek2", "qwen35", "qwen35moe"];

/// Whether layers with a window keep a pool of their own.
pub(super) fn has_window_pool(settings: &Sglang, model: &Model) -> bool {
    let limited = |(_, layer): (usize, &crate::model::Layer)| {
        layer
            .attention
            .span()
            .is_some_and(|span| span.limit().is_some())
    };
    settings.hybrid_swa_memory
        && WINDOWED.contains(&model.architecture.as_str())
        && model.decoder_layers().any(limited)
}

/// Whether the model sees images as it is served.
pub(super) fn is_multimodal(model: &Model) -> bool {
    let family = model.architecture.as_str();
    model.vision.is_some() && !TEXT_ONLY.contains(&family)
}

/// Whether attention keeps a latent.
pub(super) fn is_latent(model: &Model) -> bool {
    model
        .decoder_layers()
        .any(|(_, layer)| matches!(layer.attention, Attention::Latent(_)))
}

/// Whether prompts are captured as graphs.
pub(super) fn keeps_prefill_graphs(model: &Model) -> bool {
    let kimi = model
        .layers
        .iter()
        .any(|layer| matches!(layer.recurrent, Some(RecurrentState::KimiDelta { .. })));
    let family = model.architecture.as_str();
    !kimi && (!is_multimodal(model) || CAPTURED.contains(&family))
}
