//! The state that recurrent layers keep in a page, per rank.
//!
//! Source: vLLM 0.33.0, `layers/mamba/mamba_utils.py`, `mamba_mixer2.py`, `models/config.py`.

use super::hardware::Hardware;
use super::settings::{StateType, Vllm};
use crate::engine::EngineError;
use crate::model::{Model, RecurrentState};

/// Bytes of an element of a convolution's state: the model's type.
const CONV_BYTES: u64 = 2;

/// The type of the recurrent state: as asked for, or as the model's configuration class has it.
pub(super) fn state_type(settings: &Vllm, model: &Model, state: &RecurrentState) -> StateType {
    // Qwen3.5 writes `mamba_ssm_dtype: float32`, Nemotron-H takes it for granted.
    const SINGLE: [&str; 4] = ["qwen35", "qwen35moe", "nemotron_h", "nemotron_h_moe"];
    match state {
        // The flag does not reach Kimi's layers.
        RecurrentState::KimiDelta { .. } => StateType::Float32,
        RecurrentState::Lightning { .. } => StateType::Bfloat16,
        _ => settings.state_type.unwrap_or({
            if SINGLE.contains(&model.architecture.as_str()) {
                StateType::Float32
            } else {
                StateType::Bfloat16
            }
        }),
    }
}

/// Bytes of one layer's state on one rank, before any padding.
pub(super) fn page_bytes(
    settings: &Vllm,
    model: &Model,
    state: &RecurrentState,
) -> Result<u64, EngineError> {
    if let RecurrentState::Rwkv { .. } | RecurrentState::Compressor { .. } = state {
        return Err(EngineError::UnsupportedModel {
            architecture: model.architecture.clone(),
            reason: "RWKV",
        });
    }
    let ranks = settings.tensor_parallel_size;
    let width = state_type(settings, model, state).bytes();
    let (conv, recurrent) = elements(state, ranks, settings.num_speculative_tokens)
        .ok_or(EngineError::TooLarge)?
        .ok_or(EngineError::NotDivisibleByRanks {
            what: "recurrent state",
            count: heads(state),
            ranks,
        })?;
    let bytes = || {
        conv.checked_mul(CONV_BYTES)?
            .checked_add(recurrent.checked_mul(width)?)
    };
    bytes().ok_or(EngineError::TooLarge)
}

/// Elements of the convolution's and the recurrent state on one rank. The outer `None` means an
/// overflow, the inner that the ranks do not divide it.
#[allow(
    clippy::option_option,
    reason = "both cases are told apart by the one caller"
)]
fn elements(state: &RecurrentState, ranks: u64, drafted: u64) -> Option<Option<(u64, u64)>> {
    let per_rank = |count: u64| count.is_multiple_of(ranks).then(|| count / ranks);
    let columns = |kernel: u64| kernel.saturating_sub(1).checked_add(drafted);
    let (channels, columns, recurrent) = match *state {
        RecurrentState::Mamba {
            inner,
            state,
            conv_kernel,
        } => (
            inner,
            conv_kernel.saturating_sub(1),
            inner.checked_mul(state)?,
        ),
        RecurrentState::Mamba2 {
            inner,
            state,
            groups,
            conv_kernel,
            ..
        } => {
            // Each rank holds at least one whole group.
            let groups = if groups.is_multiple_of(ranks) {
                groups
            } else {
                groups.max(ranks)
            };
            let grouped = groups.checked_mul(state)?.checked_mul(2)?;
            (
                inner.checked_add(grouped)?,
                columns(conv_kernel)?,
                inner.checked_mul(state)?,
            )
        }
        RecurrentState::GatedDeltaNet {
            key_heads,
            key_dim,
            value_heads,
            value_dim,
            conv_kernel,
        } => {
            let keys = key_heads.checked_mul(key_dim)?.checked_mul(2)?;
            let values = value_heads.checked_mul(value_dim)?;
            (
                keys.checked_add(values)?,
                columns(conv_kernel)?,
                values.checked_mul(key_dim)?,
            )
        }
        RecurrentState::KimiDelta {
            heads,
            head_dim,
            conv_kernel,
        } => {
            let width = heads.checked_mul(head_dim)?;
            (
                width.checked_mul(3)?,
                columns(conv_kernel)?,
                width.checked_mul(head_dim)?,
            )
        }
        RecurrentState::ShortConvolution { width, conv_kernel } => {
            (width, columns(conv_kernel)?, 0)
        }
        RecurrentState::Lightning { heads, head_dim } => {
            (0, 0, heads.checked_mul(head_dim)?.checked_mul(head_dim)?)
        }
        RecurrentState::Rwkv { .. } | RecurrentState::Compressor { .. } => (0, 0, 0),
    };
    let (Some(channels), Some(recurrent)) = (per_rank(channels), per_rank(recurrent)) else {
        return Some(None);
    };
    if !heads(state).is_multiple_of(ranks) {
        return Some(None);
    }
    Some(Some((channels.checked_mul(columns)?, recurrent)))
}

/// What is shared out among the ranks.
fn heads(state: &RecurrentState) -> u64 {
    match *state {
        RecurrentState::Mamba { inner, .. } => inner,
        RecurrentState::Mamba2 { heads, .. }
        | RecurrentState::KimiDelta { heads, .. }
        | RecurrentState::Lightning { heads, .. } => heads,
        RecurrentState::GatedDeltaNet { value_heads, .. } => value_heads,
        RecurrentState::ShortConvolution { width, .. } => width,
        RecurrentState::Rwkv { embedding, .. } => embedding,
        RecurrentState::Compressor { key_dim, .. } => key_dim,
    }
}

/// How states are kept so that later requests can take them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoints {
    /// States of a request that the pool holds at once.
    pub(super) blocks: u64,
    /// Blocks hold a multiple of this many tokens.
    pub(super) alignment: u64,
}

impl Checkpoints {
    /// Without prefix caching a request has its state, and one for every drafted token. With
    /// it, the state at the last block's end is kept besides, and one more where the kernel
    /// can save it within a prompt.
    pub(super) fn of(
        settings: &Vllm,
        hardware: Hardware,
        state: &RecurrentState,
        caches_prefixes: bool,
    ) -> Self {
        let drafted = settings.num_speculative_tokens;
        if !caches_prefixes {
            return Self {
                blocks: drafted.saturating_add(1),
                alignment: 1,
            };
        }
        let (within_prompt, alignment) = match *state {
            RecurrentState::Mamba2 { .. } => (1, 1),
            RecurrentState::GatedDeltaNet { key_dim, .. } => {
                match hardware.delta_net_checkpoint(key_dim) {
                    Some(alignment) => (1, alignment),
                    None => (0, 1),
                }
            }
            _ => (0, 1),
        };
        Self {
            blocks: drafted.saturating_add(2 + within_prompt),
            alignment,
        }
    }
}
