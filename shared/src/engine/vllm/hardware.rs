//! What the GPU decides: batch sizes, tokens per block, checkpoints of recurrent layers.
//!
//! Source: vLLM 0.33.0, `engine/arg_utils.py` (`get_batch_defaults`), `platforms/cuda.py`
//! (priorities of attention backends), the block sizes of those backends,
//! `layers/mamba/gdn/qwen_gdn_linear_attn.py`.

use super::cache_type::CacheType;
use super::longest_context;
use super::settings::Vllm;
use crate::gpu::Device;
use crate::model::{Attention, Model};

const GIB: u64 = 1024 * 1024 * 1024;
/// Tokens per block that every backend of ordinary attention takes.
const DEFAULT_BLOCK: u64 = 16;
/// Blocks of `FlashMLA`, of sparse MLA and its indexer, and of 8-bit heads of 512 on Hopper.
const BLOCK_64: u64 = 64;
/// Blocks of `FlashInfer`'s MLA.
const FLASHINFER_MLA_BLOCK: u64 = 32;
/// Blocks of CUTLASS MLA, and of `FlashAttention` 4 for heads of 256 on data-centre Blackwell.
const BLOCK_128: u64 = 128;
/// `FlashInfer`'s gated delta net saves its state every so many tokens.
const DELTA_NET_CHECKPOINT: u64 = 64;
/// Compute capability where none is known: the one with the largest blocks among common GPUs.
const ASSUMED_CAPABILITY: (u32, u32) = (9, 0);

/// The GPU as the engine's choices see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hardware {
    capability: (u32, u32),
    flashinfer: bool,
    /// Tokens of a batch.
    pub(super) max_num_batched_tokens: u64,
    /// Requests at once.
    pub(super) max_num_seqs: u64,
}

impl Hardware {
    pub(super) fn new(settings: &Vllm, model: &Model, device: &Device) -> Self {
        let (tokens, sequences) = class_defaults(device);
        // A video that is seen in both directions is read in one go.
        let tokens = tokens.max(
            settings
                .vision(model)
                .map_or(0, |vision| vision.item_tokens),
        );
        let longest = settings.max_model_len.or(longest_context(model));
        let tokens = longest.map_or(tokens, |longest| {
            let sequences = settings.max_num_seqs.unwrap_or(sequences);
            tokens.min(sequences.saturating_mul(longest))
        });
        let max_num_batched_tokens = settings.max_num_batched_tokens.unwrap_or(tokens);
        let max_num_seqs = settings
            .max_num_seqs
            .unwrap_or(sequences.min(max_num_batched_tokens));
        Self {
            capability: device.compute_capability.unwrap_or(ASSUMED_CAPABILITY),
            flashinfer: settings.flashinfer,
            max_num_batched_tokens,
            max_num_seqs,
        }
    }

    /// Tokens scheduled and not yet settled: a batch for each stage and one ahead
    /// (asynchronous scheduling).
    pub(super) fn in_flight_tokens(self, settings: &Vllm) -> Option<u64> {
        settings
            .pipeline_parallel_size
            .checked_add(1)?
            .checked_mul(self.max_num_batched_tokens)
    }

    /// The smallest block that the backends of the model's attention take.
    pub(super) fn kernel_block(self, settings: &Vllm, model: &Model) -> u64 {
        let mut latent = false;
        let mut indexed = false;
        let mut head_dim = 0;
        for (_, layer) in model.decoder_layers() {
            indexed |= layer.indexer.is_some();
            match layer.attention {
                Attention::None => {}
                Attention::Latent(_) => latent = true,
                Attention::Heads(heads) => head_dim = head_dim.max(heads.key_dim),
            }
        }
        let cache_type = settings.cache_type;
        match (latent, indexed) {
            (true, true) => BLOCK_64,
            (true, false) => match self.capability {
                (9, _) if cache_type.is_unquantized() => DEFAULT_BLOCK,
                (9, _) => BLOCK_64,
                (10, _) if self.flashinfer => FLASHINFER_MLA_BLOCK,
                (10, _) => BLOCK_128,
                _ => DEFAULT_BLOCK,
            },
            (false, _) => match self.capability {
                (9, _) if cache_type.is_plain_fp8() && head_dim == 512 => BLOCK_64,
                (10, _) if !self.flashinfer && cache_type.is_unquantized() && head_dim == 256 => {
                    BLOCK_128
                }
                _ => DEFAULT_BLOCK,
            },
        }
    }

    /// Tokens per block before recurrent layers enlarge it, as asked for or by default.
    pub(super) fn block_size(self, settings: &Vllm, model: &Model) -> u64 {
        settings
            .block_size
            .unwrap_or_else(|| self.kernel_block(settings, model).max(DEFAULT_BLOCK))
    }

    /// How many tokens apart a gated delta net can save its state within a prompt; `None` where
    /// its kernel cannot.
    pub(super) fn delta_net_checkpoint(self, key_dim: u64) -> Option<u64> {
        match self.capability.0 {
            9 => Some(DELTA_NET_CHECKPOINT),
            10 | 12 if key_dim == 128 => Some(DELTA_NET_CHECKPOINT),
            _ => None,
        }
    }

    /// The type that sparse latent attention keeps for the one asked for: 8 bits mean
    /// `DeepSeek`'s own layout, but on data-centre Blackwell, where GLM-5 keeps them unasked.
    pub(super) fn sparse_cache_type(self, asked: CacheType, model: &Model) -> CacheType {
        match (asked, self.capability.0) {
            (CacheType::Auto, 10) if model.architecture == "glm-dsa" => CacheType::Fp8E4m3,
            (CacheType::Fp8 | CacheType::Fp8E4m3, 10) if self.flashinfer => asked,
            (CacheType::Fp8 | CacheType::Fp8E4m3, _) | (CacheType::Auto, 12) => CacheType::Fp8DsMla,
            _ => asked,
        }
    }

    /// Whether it is a B200, B300 or the like.
    pub(super) fn is_data_center_blackwell(self) -> bool {
        self.capability.0 == 10
    }

    /// Whether `FlashInfer` serves ordinary attention, with a workspace of its own.
    pub(super) fn prefers_flashinfer(self) -> bool {
        self.flashinfer && self.is_data_center_blackwell()
    }
}

/// Tokens of a step and requests at once, by the GPU's class.
pub(super) fn class_defaults(device: &Device) -> (u64, u64) {
    let total = device.total.unwrap_or(device.free);
    if total >= 160 * GIB {
        (16_384, 1_024)
    } else if total >= 70 * GIB
        && !is_a100(&device.name)
        && device.compute_capability != Some((12, 1))
    {
        (8_192, 1_024)
    } else {
        (2_048, 256)
    }
}

fn is_a100(name: &str) -> bool {
    name.as_bytes()
        .windows(4)
        .any(|window| window.eq_ignore_ascii_case(b"a100"))
}
