//! The recurrent states that a request holds on a rank.
//!
//! Source: SGLang 0.5.23, `configs/mamba_utils.py`, `mem_cache/kv_cache_configurator.py`
//! (`_calculate_mamba_ratio`), `arg_groups/overrides.py` (`_mamba_radix_cache_resolution`).

use super::settings::Sglang;
use crate::engine::EngineError;
use crate::model::{Model, RecurrentState};

/// Bytes of an element of a convolution's state.
const CONV_BYTES: u64 = 2;

/// Bytes of one sequence's states in all layers; 0 where the model has none.
pub(super) fn bytes(settings: &Sglang, model: &Model) -> Result<u64, EngineError> {
    let mut sum: u64 = 0;
    for (_, layer) in model.decoder_layers() {
        if let Some(state) = &layer.recurrent {
            let bytes = layer_bytes(settings, model, state)?;
            sum = sum.checked_add(bytes).ok_or(EngineError::TooLarge)?;
        }
    }
    Ok(sum)
}

fn layer_bytes(
    settings: &Sglang,
    model: &Model,
    state: &RecurrentState,
) -> Result<u64, EngineError> {
    let ranks = settings.tensor_parallel_size.max(1);
    // Groups that ranks do not divide are repeated, one for each.
    let whole = |groups: u64| {
        if groups.is_multiple_of(ranks) {
            groups
        } else {
            groups.max(ranks)
        }
    };
    let repeated = match *state {
        RecurrentState::Mamba2 { groups, state, .. } => (whole(groups) - groups).checked_mul(state),
        RecurrentState::GatedDeltaNet {
            key_heads, key_dim, ..
        } => (whole(key_heads) - key_heads).checked_mul(key_dim),
        RecurrentState::Mamba { .. }
        | RecurrentState::ShortConvolution { .. }
        | RecurrentState::KimiDelta { .. } => Some(0),
        RecurrentState::Rwkv { .. }
        | RecurrentState::Compressor { .. }
        | RecurrentState::Lightning { .. } => {
            return Err(EngineError::UnsupportedModel {
                architecture: model.architecture.clone(),
                reason: "RWKV, DeepSeek-V4, Lightning",
            });
        }
    };
    let kernel = match *state {
        RecurrentState::Mamba { conv_kernel, .. }
        | RecurrentState::Mamba2 { conv_kernel, .. }
        | RecurrentState::GatedDeltaNet { conv_kernel, .. }
        | RecurrentState::KimiDelta { conv_kernel, .. }
        | RecurrentState::ShortConvolution { conv_kernel, .. } => conv_kernel,
        _ => 1,
    };
    let width = if settings.half_precision_state { 2 } else { 4 };
    let total = || {
        // Keys and queries, or B and C.
        let repeated = repeated?
            .checked_mul(2)?
            .checked_mul(kernel.saturating_sub(1))?;
        let conv = state.conv_elements()?.checked_add(repeated)?;
        let recurrent = state.state_elements()?;
        if !conv.is_multiple_of(ranks) || !recurrent.is_multiple_of(ranks) {
            return Some(None);
        }
        let conv = (conv / ranks).checked_mul(CONV_BYTES)?;
        Some(Some(
            conv.checked_add((recurrent / ranks).checked_mul(width)?)?,
        ))
    };
    total()
        .ok_or(EngineError::TooLarge)?
        .ok_or(EngineError::NotDivisibleByRanks {
            what: "recurrent state",
            count: state.extents()[0],
            ranks,
        })
}

/// States that a running request may hold: its own, those that its prefix is kept with, and two
/// that steps in flight write in turn where the model's kernels save states so.
pub(super) fn slots(settings: &Sglang, model: &Model) -> u64 {
    /// A request's own, and its prefix's.
    const KEPT: u64 = 3;
    const IN_FLIGHT: u64 = 2;
    if !settings.radix_cache {
        return 1;
    }
    let convolves = model.layers.iter().any(|layer| {
        matches!(
            layer.recurrent,
            Some(RecurrentState::ShortConvolution { .. } | RecurrentState::Mamba { .. })
        )
    });
    if convolves { KEPT } else { KEPT + IN_FLIGHT }
}
