//! What the GPU decides: the class's batches and graphs, and the page of the attention backend.
//!
//! Source: SGLang 0.5.23, `arg_groups/memory_hook.py` (`handle_gpu_memory_settings`),
//! `arg_groups/cuda_graph_hook.py`, `arg_groups/overrides.py` and `model_override_base.py` (attention
//! backends and the pages that they want), `arg_groups/model_overrides`.

use super::layers::is_multimodal;
use super::settings::{CacheType, Sglang};
use crate::gpu::Device;
use crate::model::{Attention, Model, RecurrentState};

const MIB: u64 = 1024 * 1024;
/// Hopper's compute capability, MiB of its large GPUs, and the families that are tuned for them,
/// with the largest batch of decoding that is captured then.
const HOPPER: u32 = 9;
const LARGE: u64 = 60 * 1_024;
const KEEPS_FEATURES: [&str; 2] = ["qwen3vl", "qwen3vlmoe"];
const MOST_CAPTURED: u64 = 512;
/// Compute capability where none is known: pages are of one token there.
const ASSUMED_CAPABILITY: (u32, u32) = (8, 9);
/// Pages of TensorRT-LLM's attention and of the sparse indexer.
const PAGE_64: u64 = 64;
/// Pages of `FlashAttention` 4, which takes keys and values of different widths.
const PAGE_128: u64 = 128;
/// Tensors that DeepSeek-V3 and those after it have, whose latent attention TensorRT-LLM serves on
/// data-centre Blackwell, and the width of their values' heads.
const CORRECTED_ROUTING: &str = "exp_probs_b";
const CORRECTED_HEAD: u64 = 128;

/// The GPU as the engine's choices see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hardware {
    capability: (u32, u32),
    /// Whether it keeps features of images on the GPU, as Qwen3-VL does on a large Hopper.
    keeps_features: bool,
    /// MiB of the GPU in all, as `nvidia-smi` tells them.
    pub(super) mebibytes: u64,
    /// Tokens of a chunk of a prompt.
    pub(super) chunked_prefill_size: u64,
    /// The largest batch that a graph of decoding is captured for.
    pub(super) decode_max_bs: u64,
    /// Tokens of a page.
    pub(super) page_size: u64,
}

impl Hardware {
    pub(super) fn new(settings: &Sglang, model: &Model, device: &Device) -> Self {
        let mebibytes = device.total.unwrap_or(device.free) / MIB;
        let (chunk, batch) = class_defaults(mebibytes, settings.tensor_parallel_size);
        let capability = device.compute_capability.unwrap_or(ASSUMED_CAPABILITY);
        let keeps_features = capability.0 == HOPPER
            && mebibytes >= LARGE
            && KEEPS_FEATURES.contains(&model.architecture.as_str());
        let batch = settings.max_running_requests.map_or(batch, |requests| {
            if keeps_features && (batch..=MOST_CAPTURED).contains(&requests) {
                requests
            } else {
                batch.min(requests)
            }
        });
        Self {
            capability,
            keeps_features,
            mebibytes,
            chunked_prefill_size: settings.chunked_prefill_size.unwrap_or(chunk),
            decode_max_bs: settings.cuda_graph_max_bs.unwrap_or(batch),
            page_size: page_size(settings, model, capability),
        }
    }

    /// Bytes that are kept free for images where the model sees them: a cache of what they became,
    /// or features on their way.
    pub(super) fn for_images(self, settings: &Sglang, model: &Model) -> u64 {
        const CACHE: u64 = 100 * MIB;
        const FEATURES: u64 = 1_024 * MIB;
        /// For so many requests, three times as much.
        const MANY: u64 = 400;
        if !is_multimodal(model) {
            return 0;
        }
        match settings.max_running_requests {
            _ if !self.keeps_features => CACHE,
            Some(MANY..) => 3 * FEATURES,
            _ => FEATURES,
        }
    }

    /// Whether it is of a Blackwell generation.
    pub(super) fn is_blackwell(self) -> bool {
        self.capability.0 >= 10
    }

    /// Sizes that graphs of prompts are captured for.
    pub(super) fn prefill_graphs(self, latent: bool, max_total_tokens: Option<u64>) -> u64 {
        /// Chunks of latent attention are captured up to this many tokens.
        const LATENT: u64 = 8_192;
        let most = self.chunked_prefill_size;
        let most = if latent { most.min(LATENT) } else { most };
        let most = max_total_tokens.map_or(most, |tokens| most.min(tokens));
        // First, last and step of each stretch.
        [
            (4, 32, 4),
            (48, 256, 16),
            (288, 512, 32),
            (576, 1_024, 64),
            (1_280, 4_096, 256),
            (4_608, most, 512),
        ]
        .into_iter()
        .map(|(first, last, step)| {
            let last: u64 = most.min(last);
            last.checked_sub(first).map_or(0, |reach| reach / step + 1)
        })
        .sum()
    }
}

/// Tokens of a chunk, and the largest batch of decoding that is captured, by the GPU's memory.
fn class_defaults(mebibytes: u64, ranks: u64) -> (u64, u64) {
    let few = ranks < 4;
    let by_ranks = |one: u64, many: u64| if few { one } else { many };
    match mebibytes / 1_024 {
        0..20 => (2_048, 8),
        20..35 => (4_096, by_ranks(48, 160)),
        35..60 => (4_096, by_ranks(32, 160)),
        60..160 => (8_192, by_ranks(256, 512)),
        _ => (16_384, 512),
    }
}

/// Tokens of a page: as asked for, unless the attention backend takes none such.
fn page_size(settings: &Sglang, model: &Model, capability: (u32, u32)) -> u64 {
    let asked = settings.page_size.unwrap_or(1);
    let among = |sizes: &[u64]| {
        if sizes.contains(&asked) {
            asked
        } else {
            PAGE_64
        }
    };
    let mut latent = false;
    let mut uneven = false;
    let mut head = 0;
    for (_, layer) in model.decoder_layers() {
        if layer.indexer.is_some() {
            return PAGE_64;
        }
        match layer.attention {
            Attention::None => {}
            Attention::Latent(own) => {
                latent = true;
                head = own.value_dim;
            }
            Attention::Heads(heads) => uneven |= heads.key_dim != heads.value_dim,
        }
    }
    if capability.0 != 10 || settings.cache_type == CacheType::Fp4MxBlock16 {
        return asked;
    }
    let family = model.architecture.as_str();
    if latent {
        let corrected = family == "deepseek2"
            && head == CORRECTED_HEAD
            && model
                .tensors
                .iter()
                .any(|tensor| tensor.name.contains(CORRECTED_ROUTING));
        return if corrected { among(&[32, 64]) } else { asked };
    }
    // The backend is chosen before it is known how prefixes are kept.
    if matches!(family, "qwen3next" | "qwen35" | "qwen35moe") {
        return if settings.radix_cache { 1 } else { PAGE_64 };
    }
    let other_backend = model.layers.iter().any(|layer| {
        matches!(
            layer.recurrent,
            Some(RecurrentState::ShortConvolution { .. })
        ) || (layer.recurrent.is_some() && matches!(family, "falcon-h1" | "granitehybrid"))
    });
    if other_backend {
        asked
    } else if uneven {
        PAGE_128
    } else {
        among(&[16, 32, 64, 128])
    }
}
