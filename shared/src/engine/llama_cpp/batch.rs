//! Context and batch sizes as the engine settles them.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-context.cpp` (constructor).

use alloc::string::ToString;

use super::settings::LlamaCpp;
use crate::engine::EngineError;

/// Contexts are padded to a multiple of this many tokens.
pub(super) const CONTEXT_STEP: u64 = 256;

/// What the engine makes of the context length and batch sizes asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    /// Tokens of context, all streams together.
    pub(super) context: u64,
    /// Tokens of context per stream.
    pub(super) context_per_stream: u64,
    /// Caches side by side: 1, or one per sequence.
    pub(super) streams: u64,
    /// Sequences at once.
    pub(super) sequences: u64,
    /// Tokens of a micro-batch.
    pub(super) ubatch: u64,
    /// Rows of logits planned per micro-batch.
    pub(super) outputs: u64,
    /// Whether all sequences share one cache.
    pub(super) unified: bool,
}

impl Batch {
    pub(super) fn new(settings: &LlamaCpp, context_length: u64) -> Result<Self, EngineError> {
        let sequences = settings.parallel.max(1);
        let profile = settings.profile;
        let context_length = context_length
            .max(profile.shortest_context())
            .saturating_add(profile.extra_context());
        // The minima use the context as asked for, before padding.
        let batch = settings.batch_size.min(context_length).max(1);
        let ubatch = if settings.ubatch_size == 0 {
            batch
        } else {
            settings.ubatch_size.min(batch)
        };
        let (streams, context_per_stream) = if settings.kv_unified {
            (1, pad(context_length)?)
        } else {
            (sequences, pad(pad(context_length)? / sequences)?)
        };
        let context = context_per_stream
            .checked_mul(streams)
            .ok_or(EngineError::TooLarge)?;
        let rows = output_rows(settings, batch)?;
        let outputs = if settings.outputs_max.is_none() && !settings.version.limits_outputs() {
            ubatch
        } else {
            rows.min(ubatch)
        };
        Ok(Self {
            context,
            context_per_stream,
            streams,
            sequences,
            ubatch,
            outputs,
            unified: settings.kv_unified,
        })
    }
}

/// Rows of logits that the engine keeps room for, with this batch. It wants one for each sequence.
pub(super) fn output_rows(settings: &LlamaCpp, batch: u64) -> Result<u64, EngineError> {
    let sequences = settings.parallel.max(1);
    match settings.outputs_max {
        Some(0) if batch < sequences => Err(EngineError::InvalidSetting {
            name: "--parallel",
            value: sequences.to_string(),
            expected: (
                "--batch-size とコンテキスト以下",
                "at most --batch-size and the context",
            ),
        }),
        Some(0) => Ok(batch),
        Some(rows) if rows < sequences => Err(EngineError::InvalidSetting {
            name: "--outputs-max",
            value: rows.to_string(),
            expected: ("0 か、--parallel の値以上", "0, or --parallel and more"),
        }),
        Some(rows) => Ok(rows),
        None => Ok(sequences),
    }
}

fn pad(tokens: u64) -> Result<u64, EngineError> {
    tokens
        .max(1)
        .checked_next_multiple_of(CONTEXT_STEP)
        .ok_or(EngineError::TooLarge)
}
