//! What a pool of blocks holds: blocks, tokens, requests, and the longest context.
//!
//! Source: vLLM 0.33.0, `v1/core/kv_cache_planning.py`, `v1/core/kv_cache_utils.py`,
//! `v1/kv_cache_interface.py` (`max_memory_usage_bytes`), `distributed/utils.py`
//! (`get_pp_indices`).

use alloc::vec::Vec;

use super::hardware::Hardware;
use super::page::{Kind, Pages};
use super::pool::{self, Group};
use super::settings::{Drafter, Vllm};
use crate::engine::EngineError;
use crate::model::Model;

/// The pool of blocks that a model's caches share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pool {
    groups: Vec<Group>,
    block_size: u64,
    stage_block_bytes: Vec<u64>,
    in_flight: u64,
    retained: u64,
}

/// What a pool of a given size holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capacity {
    /// Blocks, the null block included.
    pub(super) num_blocks: u64,
    /// Blocks of one request.
    pub(super) request_blocks: u64,
    /// Tokens as the engine logs them.
    pub(super) tokens: u64,
}

/// Blocks of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestBlocks {
    /// For keys and values.
    pub(super) attention: u64,
    /// For recurrent states.
    pub(super) state: u64,
}

impl RequestBlocks {
    /// All of them.
    pub(super) fn total(self) -> Option<u64> {
        self.attention.checked_add(self.state)
    }
}

impl Pool {
    pub(super) fn new(
        settings: &Vllm,
        model: &Model,
        hardware: Hardware,
    ) -> Result<Self, EngineError> {
        let pages = Pages::new(settings, model, hardware)?;
        let block_size = pages.block_size;
        let groups = pool::groups(settings, model, pages.layers)?;
        let stages = Stages::new(settings, model);
        let mut stage_block_bytes = Vec::new();
        for stage in 0..stages.len() {
            let mut largest = 0;
            for group in &groups {
                let mut sum: u64 = 0;
                for (layer, bytes) in &group.layers {
                    if stages.of(*layer) == stage {
                        sum = sum.checked_add(*bytes).ok_or(EngineError::TooLarge)?;
                    }
                }
                largest = largest.max(sum);
            }
            stage_block_bytes.push(largest);
        }
        let predictors = model
            .layers
            .iter()
            .filter(|layer| layer.next_token_prediction)
            .count();
        // With several prediction modules the last of them re-reads what the first drafted.
        let retained = if settings.drafter == Drafter::Mtp && predictors > 1 {
            settings.num_speculative_tokens.saturating_sub(1)
        } else {
            0
        };
        Ok(Self {
            groups,
            block_size,
            stage_block_bytes,
            in_flight: hardware
                .in_flight_tokens(settings)
                .ok_or(EngineError::TooLarge)?,
            retained,
        })
    }

    /// Tokens per block of attention, as the engine logs it.
    pub(super) fn block_size(&self) -> u64 {
        self.block_size
    }

    /// The groups that share the pool.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Bytes of one block of the pool on the ranks of a stage.
    pub(super) fn block_bytes(&self, stage: usize) -> u64 {
        self.stage_block_bytes.get(stage).copied().unwrap_or(0)
    }

    /// Blocks that a request of this length needs.
    pub(super) fn request_blocks(&self, length: u64) -> Option<RequestBlocks> {
        let mut blocks = RequestBlocks {
            attention: 0,
            state: 0,
        };
        for group in &self.groups {
            let needed = self.group_blocks(group, length)?;
            let sum = match group.page.kind {
                Kind::State { .. } => &mut blocks.state,
                _ => &mut blocks.attention,
            };
            *sum = sum.checked_add(needed)?;
        }
        Some(blocks)
    }

    /// Blocks that a request of this length needs in one group.
    pub(super) fn group_blocks(&self, group: &Group, length: u64) -> Option<u64> {
        let size = group.page.block_size.max(1);
        match group.page.kind {
            Kind::Full => Some(length.div_ceil(size)),
            Kind::Sliding { window } => {
                let tokens = window
                    .saturating_sub(1)
                    .checked_add(self.retained)?
                    .checked_add(self.in_flight)?;
                // The window may start within a block.
                tokens.min(length).div_ceil(size).checked_add(1)
            }
            Kind::Chunked { chunk } => {
                let tokens = chunk.checked_add(self.in_flight)?;
                Some(tokens.min(length).div_ceil(size))
            }
            Kind::State { blocks } => Some(blocks),
        }
    }

    /// What the pool holds with so many bytes on each rank of every stage, where requests are
    /// of this length.
    pub(super) fn capacity(&self, stage_bytes: &[u64], length: u64) -> Option<Capacity> {
        let num_blocks = stage_bytes
            .iter()
            .zip(&self.stage_block_bytes)
            .filter_map(|(&bytes, &block)| bytes.checked_div(block))
            .min()
            .unwrap_or(0);
        let request_blocks = self.request_blocks(length)?.total()?;
        Some(Capacity {
            num_blocks,
            request_blocks,
            tokens: logged_tokens(num_blocks, request_blocks, length),
        })
    }
}

/// Tokens of the pool: concurrency times length, in double precision as the engine has it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the engine's own arithmetic; counts far below 2^53"
)]
fn logged_tokens(num_blocks: u64, request_blocks: u64, length: u64) -> u64 {
    if request_blocks == 0 {
        return 0;
    }
    (num_blocks as f64 / request_blocks as f64 * length as f64) as u64
}

/// Which stage of the pipeline has which layers.
pub(super) struct Stages {
    /// The first layer after each stage's own.
    ends: Vec<usize>,
}

impl Stages {
    pub(super) fn new(settings: &Vllm, model: &Model) -> Self {
        let layers = model.decoder_layers().count();
        let stages = usize::try_from(settings.pipeline_parallel_size.max(1)).unwrap_or(usize::MAX);
        let stages = stages.min(layers.max(1));
        let (each, rest) = (layers / stages, layers % stages);
        let mut ends = Vec::new();
        let mut end = 0;
        for stage in 0..stages {
            // What is left over goes to the stages before the last.
            let from_last = stages - stage;
            let more = usize::from(from_last >= 2 && from_last < rest + 2);
            end += each + more;
            ends.push(end);
        }
        Self { ends }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The stage of a layer; layers that predict further tokens stand in the last.
    pub(super) fn of(&self, layer: usize) -> usize {
        let stage = self.ends.iter().take_while(|&&end| end <= layer).count();
        stage.min(self.ends.len().saturating_sub(1))
    }
}
