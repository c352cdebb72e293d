//! The share of the free memory that the engine gives weights and caches unless told.
//!
//! Source: SGLang 0.5.23, `arg_groups/memory_hook.py` (`handle_gpu_memory_settings`,
//! `reserve_for_graph_mb`, `adjust_mem_fraction_for_vlm`).

use super::hardware::Hardware;
use super::layers::{is_latent, is_multimodal, keeps_prefill_graphs};
use super::settings::Sglang;
use crate::model::Model;

/// From so many MiB on at least `LARGE_RESERVE` MiB stay out of the share.
const LARGE: u64 = 60 * 1_024;
const LARGE_RESERVE: f64 = 10.0 * 1_024.0;
/// MiB for metadata, for a token of a chunk, and for a GPU of eight.
const METADATA: f64 = 512.0;
const TOKEN: f64 = 1.5;
const RANK: f64 = 1_024.0 / 8.0;
/// Chunks count as at least so many tokens.
const LEAST_CHUNK: u64 = 2_048;

/// MiB of graphs that the engine reckons with.
pub(super) fn graphs_mib(settings: &Sglang, model: &Model, hardware: Hardware) -> u64 {
    /// MiB for a request of the largest batch, for a captured size of prompts, and for all of these
    /// with latent attention.
    const REQUEST: u64 = 2;
    const PREFILL: u64 = 8;
    const LATENT: u64 = 1_536;
    if !settings.cuda_graphs {
        return 0;
    }
    let decode = hardware.decode_max_bs.saturating_mul(REQUEST);
    let prefill = match (keeps_prefill_graphs(model), is_latent(model)) {
        (false, _) => 0,
        (true, true) => LATENT,
        (true, false) => hardware
            .prefill_graphs(false, settings.max_total_tokens)
            .saturating_mul(PREFILL),
    };
    decode.saturating_add(prefill)
}

/// The share, in the engine's own double precision.
#[allow(
    clippy::cast_precision_loss,
    reason = "the engine's own arithmetic; counts far below 2^53"
)]
pub(super) fn default_fraction(settings: &Sglang, model: &Model, hardware: Hardware) -> f64 {
    let total = hardware.mebibytes.max(1) as f64;
    let chunk = hardware.chunked_prefill_size.max(LEAST_CHUNK) as f64;
    let graphs = graphs_mib(settings, model, hardware) as f64;
    let ranks = settings.tensor_parallel_size as f64;
    let mut reserve = METADATA + chunk * TOKEN + ranks * RANK + graphs;
    if hardware.mebibytes > LARGE && reserve < LARGE_RESERVE {
        reserve = LARGE_RESERVE;
    }
    let share = thousandths((total - reserve) / total);
    if is_multimodal(model) {
        share * for_images(model)
    } else {
        share
    }
}

/// Rounded to thousandths, as Python does but for ties.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a share in thousandths"
)]
fn thousandths(share: f64) -> f64 {
    let scaled = share * 1_000.0;
    let half = if scaled < 0.0 { -0.5 } else { 0.5 };
    ((scaled + half) as i64) as f64 / 1_000.0
}

/// What models that see images keep of the share: less with a larger encoder.
#[allow(
    clippy::cast_precision_loss,
    reason = "the engine's own arithmetic; counts far below 2^53"
)]
fn for_images(model: &Model) -> f64 {
    /// The encoder that others are compared with.
    const LAYERS: u64 = 24;
    const WIDTH: u64 = 1_024;
    let Some(stated) = model.vision.and_then(|vision| vision.stated) else {
        return 1.0;
    };
    let (layers, width) = (
        stated.layers.unwrap_or(LAYERS),
        stated.width.unwrap_or(WIDTH),
    );
    let weight = |layers: u64, width: u64| layers as f64 * (width as f64 * width as f64);
    let ratio = weight(layers, width) / weight(LAYERS, WIDTH);
    let factor = 1.0 - 0.1 * (ratio - 1.0);
    0.95 * factor.clamp(0.8, 1.05)
}
