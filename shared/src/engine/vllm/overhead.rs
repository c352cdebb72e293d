//! What vLLM takes besides weights and KV cache: estimated.
//!
//! Source: vLLM 0.33.0, `v1/worker/gpu_worker.py` (what is charged), `v1/worker/gpu/
//! model_runner.py` (the profile run), `v1/worker/gpu/cudagraph_utils.py`. Sizes were read off
//! start-up logs of users' machines (2026): besides weights, 1.23 GiB for gpt-oss-20b and
//! 1.3 GiB for Gemma 4 26B on an A100; graphs of 0.14 to 0.77 GiB; 0.7 GiB less free than there
//! is on a B200 at the start.

use super::encoder::EncoderRun;
use super::hardware::Hardware;
use super::longest_context;
use super::settings::Vllm;
use crate::engine::{Basis, EngineError, Figure};
use crate::gpu::Device;
use crate::model::{Attention, Model, Span};

const MIB: u64 = 1024 * 1024;
/// CUDA context and loaded kernels on small and on large GPUs: 240 MiB less were free at the start on
/// an RTX 5060 Ti than there are, 570 on an RTX PRO 6000, 700 on a B200.
const CONTEXT: u64 = 350 * MIB;
const CONTEXT_LARGE: u64 = 600 * MIB;
/// What is large.
const LARGE: u64 = 40 << 30;
/// Kernels that are loaded, and what the allocator cannot give back, once the share is counted.
const KERNELS: u64 = 250 * MIB;
/// Buffers of NCCL and of the own all-reduce, where several GPUs work together.
const COLLECTIVES: u64 = 264 * MIB;
/// The workspace of `FlashInfer`'s attention.
const FLASHINFER_WORKSPACE: u64 = 394 * MIB;
/// Largest batches that graphs are captured for, and on data-centre Blackwell or for gpt-oss.
const GRAPHS_UP_TO: u64 = 512;
const GRAPHS_UP_TO_LARGE: u64 = 1_024;
/// A captured graph of one layer for one batch size, and what all graphs share.
const GRAPH_LAYER: u64 = 224 * 1024;
const GRAPHS_SHARED: u64 = 128 * MIB;
/// Copies of the logits in single precision that sampling keeps at once.
const LOGITS_COPIES: u64 = 3;

/// What stands beside weights and caches on a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overhead {
    /// The peak of a forward pass, CUDA graphs, RoPE tables.
    pub(super) compute: Figure,
    /// CUDA context, collectives, kernels, workspaces.
    pub(super) start: Figure,
    /// What of that is there before the engine looks how much is free, in bytes: it must be free
    /// besides the share, and is not charged to it.
    pub(super) before_share: u64,
    /// CUDA graphs where the engine does not take them off the KV cache's share.
    pub(super) growth: Figure,
}

impl Overhead {
    pub(super) fn new(
        settings: &Vllm,
        model: &Model,
        hardware: Hardware,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let graphs = graphs(settings, model, hardware);
        let (charged, uncharged) = if settings.version.charges_graphs() {
            (graphs, 0)
        } else {
            (0, graphs)
        };
        let compute = activations(settings, model, hardware)
            .and_then(|bytes| bytes.checked_add(rope_tables(model)?))
            .and_then(|bytes| bytes.checked_add(charged))
            .ok_or(EngineError::TooLarge)?;
        let (start, before_share) = match settings.runtime_overhead {
            Some(bytes) => (Figure::exact(bytes), bytes),
            None => {
                let before = before_share(settings, device);
                let figure = Figure {
                    bytes: before + after_share(hardware),
                    basis: Basis::Estimate {
                        below_permille: 500,
                        above_permille: 500,
                    },
                };
                (figure, before)
            }
        };
        Ok(Self {
            before_share,
            compute: Figure {
                bytes: compute,
                basis: Basis::Estimate {
                    below_permille: 500,
                    above_permille: 500,
                },
            },
            start,
            growth: if uncharged == 0 {
                Figure::exact(0)
            } else {
                Figure {
                    bytes: uncharged,
                    basis: Basis::Estimate {
                        below_permille: 700,
                        above_permille: 1_000,
                    },
                }
            },
        })
    }
}

/// What takes memory before the engine looks how much is free.
pub(super) fn before_share(settings: &Vllm, device: &Device) -> u64 {
    if let Some(bytes) = settings.runtime_overhead {
        return bytes;
    }
    let is_large = device.total.unwrap_or(device.free) >= LARGE;
    let context = if is_large { CONTEXT_LARGE } else { CONTEXT };
    let collectives = if settings.ranks() > 1 { COLLECTIVES } else { 0 };
    context + collectives
}

fn after_share(hardware: Hardware) -> u64 {
    let workspace = if hardware.prefers_flashinfer() {
        FLASHINFER_WORKSPACE
    } else {
        0
    };
    KERNELS + workspace
}

/// Batch sizes that graphs are captured for: 1, 2, 4, steps of 8 to 248, of 16 beyond.
fn graph_sizes(settings: &Vllm, model: &Model, hardware: Hardware) -> u64 {
    if settings.enforce_eager {
        return 0;
    }
    let rows = settings.num_speculative_tokens.saturating_add(1);
    let largest = hardware
        .max_num_seqs
        .saturating_mul(2)
        .saturating_mul(rows)
        .min(GRAPHS_UP_TO);
    let largest = if model.architecture == "gpt-oss" || hardware.is_data_center_blackwell() {
        GRAPHS_UP_TO_LARGE
    } else {
        largest
    };
    sizes_up_to(largest.min(hardware.max_num_batched_tokens))
}

fn sizes_up_to(largest: u64) -> u64 {
    let small = [1, 2, 4]
        .into_iter()
        .filter(|&size| size <= largest)
        .count() as u64;
    let by_eight = largest.min(248) / 8;
    let by_sixteen = if largest >= 256 {
        (largest - 256) / 16 + 1
    } else {
        0
    };
    small + by_eight + by_sixteen
}

/// One graph in pieces for each size, and one in full for those that a step of decoding has.
/// The engine extrapolates from two of them; it came to 0.53 GiB with 28 layers and 86 graphs, 0.83
/// with 40 and as many, 0.26 with 35 layers and 5 graphs, 2.75 with 80 layers and 86 graphs.
fn graphs(settings: &Vllm, model: &Model, hardware: Hardware) -> u64 {
    let pieces = graph_sizes(settings, model, hardware);
    if pieces == 0 {
        return 0;
    }
    let rows = settings.num_speculative_tokens.saturating_add(1);
    let decoding = hardware.max_num_seqs.saturating_mul(rows);
    let full = sizes_up_to(decoding).min(pieces);
    let layers = model.decoder_layers().count() as u64;
    let stages = settings.pipeline_parallel_size.max(1);
    (pieces + full)
        .saturating_mul(layers.div_ceil(stages))
        .saturating_mul(GRAPH_LAYER)
        .saturating_add(GRAPHS_SHARED)
}

/// Elements that one token of a step takes on a rank: the streams around a layer, and the widest
/// part of the widest layer.
pub(in crate::engine) fn token_elements(model: &Model, ranks: u64) -> Option<u64> {
    let mut widest: u64 = 0;
    for (_, layer) in model.decoder_layers() {
        let network = layer.feed_forward;
        // Gate and up in one product, and their combination.
        let mut elements = network.length.checked_mul(3)?;
        if let Some(experts) = network.experts {
            // What goes in and comes out, or gate and up, and their combination.
            let wider = experts.length.checked_mul(2)?.max(model.embedding_length);
            let routed = wider.checked_add(experts.length)?;
            let routed = routed.checked_mul(experts.used)?;
            let shared = experts.shared_length.checked_mul(3)?;
            elements = elements.max(routed.checked_add(shared)?);
        }
        let queries = match layer.attention {
            Attention::None => 0,
            Attention::Heads(heads) => heads
                .query_heads
                .checked_add(heads.kv_heads.checked_mul(2)?)?
                .checked_mul(heads.key_dim)?,
            Attention::Latent(latent) => latent.query_heads.checked_mul(
                latent
                    .key_dim
                    .checked_mul(2)?
                    .checked_add(latent.value_dim)?,
            )?,
        };
        widest = widest.max(elements.max(queries));
    }
    let streams = model.embedding_length.checked_mul(4)?;
    streams.checked_add(widest / ranks.max(1))
}

/// The peak of the profile run: the encoder of images, the widest layer at the full batch, or the
/// sampler.
fn activations(settings: &Vllm, model: &Model, hardware: Hardware) -> Option<u64> {
    let tokens = hardware.max_num_batched_tokens;
    let token = token_elements(model, settings.tensor_parallel_size)?.checked_mul(2)?;
    let forward = token
        .checked_mul(tokens)?
        .checked_add(decompressed(settings, model, hardware)?)?;
    let rows = hardware.max_num_seqs.min(tokens);
    let logits = model
        .vocabulary_size
        .checked_mul(rows)?
        .checked_mul(2 + 4 * LOGITS_COPIES)?;
    // The encoder's results are there while the language model runs, not what it took for them.
    let encoder = EncoderRun::new(settings, model, hardware)?;
    let after = forward.max(logits).checked_add(encoder.kept)?;
    Some(after.max(encoder.peak))
}

/// Keys and values that latent attention decompresses at once while prompts are read in chunks, and
/// the latents that it gathers for that (`layers/attention/mla_attention.py`).
fn decompressed(settings: &Vllm, model: &Model, hardware: Hardware) -> Option<u64> {
    /// Tokens at most.
    const MOST: u64 = 64 * 1024;
    let longest = settings.max_model_len.or(longest_context(model));
    let requests = longest.unwrap_or(MOST).saturating_mul(8);
    let pages = hardware.max_num_seqs.saturating_mul(4);
    let pages = pages.saturating_mul(hardware.block_size(settings, model));
    let tokens = requests.max(pages).min(MOST);
    let mut widest: u64 = 0;
    for (_, layer) in model.decoder_layers() {
        if let Attention::Latent(latent) = layer.attention {
            let head = latent.key_dim.saturating_sub(latent.rope_dim);
            let heads = latent.query_heads / settings.tensor_parallel_size.max(1);
            let token = heads
                .checked_mul(head.checked_add(latent.value_dim)?)?
                .checked_add(latent.latent_dim)?
                .checked_add(latent.rope_dim)?;
            widest = widest.max(token);
        }
    }
    widest.checked_mul(tokens)?.checked_mul(2)
}

/// Cosines and sines for every position: one table for full attention and one for windows.
fn rope_tables(model: &Model) -> Option<u64> {
    let rows = longest_context(model).unwrap_or(0);
    let (mut full, mut local) = (0, 0);
    for (_, layer) in model.decoder_layers() {
        let (span, dim) = match layer.attention {
            Attention::None => continue,
            Attention::Heads(heads) => (heads.span, heads.key_dim),
            // The indexer has a table of its own.
            Attention::Latent(latent) if layer.indexer.is_some() => {
                (latent.span, latent.rope_dim.checked_mul(2)?)
            }
            Attention::Latent(latent) => (latent.span, latent.rope_dim),
        };
        match span {
            Span::Full => full = dim.max(full),
            Span::Sliding { .. } | Span::Chunked { .. } => local = dim.max(local),
        }
    }
    let (full, local) = match model.architecture.as_str() {
        // Full attention without positions.
        "cohere2" | "exaone4" | "llama4" => (if local == 0 { full } else { 0 }, local),
        // No positions at all.
        "nemotron_h" | "nemotron_h_moe" | "jamba" => (0, 0),
        "granitehybrid" if has_states(model) => (0, 0),
        // Part of each head is rotated.
        "qwen3next" | "qwen35" | "qwen35moe" => (full / 4, 0),
        "glm4" | "glm4moe" | "minimax-m2" => (full / 2, 0),
        "phi3" if full.max(local) == 128 => (0, 96),
        // A table for eight times the positions: linear scaling by 8.
        "gemma3" if rows >= 131_072 => (full.checked_mul(8)?, local),
        // One table for all layers; in single precision with gpt-oss.
        "gpt-oss" => (full.max(local).checked_mul(2)?, 0),
        "gemma3" | "gemma3n" | "gemma4" => (full, local),
        _ => (full.max(local), 0),
    };
    rows.checked_mul(full.checked_add(local)?)?.checked_mul(2)
}

fn has_states(model: &Model) -> bool {
    model.layers.iter().any(|layer| layer.recurrent.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn model(tag: &str) -> Model {
        let mut entries = catalogue::entries();
        let entry = entries.find(|entry| entry.tag == tag).unwrap();
        entry.model(None).unwrap()
    }

    #[test]
    fn tables_are_as_large_as_measured() {
        for (tag, measured) in [
            ("llama3.2:1b", 16_777_216),
            ("gemma3:27b", 301_989_888),
            ("gemma3:270m", 33_554_432),
            ("gpt-oss:20b", 33_554_432),
            ("qwen3-next:80b", 33_554_432),
            ("exaone4:32b", 33_554_432),
            ("command-r7b:7b", 33_816_576),
            ("falcon-h1:7b", 67_108_864),
            ("nemotron-3-nano:30b", 0),
            ("granite4:micro-h", 0),
            ("phi4-mini:3.8b", 25_165_824),
        ] {
            assert_eq!(rope_tables(&model(tag)), Some(measured), "{tag}");
        }
    }

    #[test]
    fn graphs_are_captured_for_the_engines_sizes() {
        let sizes = |tag: &str, capability, max_num_seqs| {
            let settings = Vllm {
                max_num_seqs,
                ..Vllm::default()
            };
            let mut device = Device::with_free("GPU".into(), 80 << 30);
            device.compute_capability = Some(capability);
            let hardware = Hardware::new(&settings, &model(tag), &device);
            graph_sizes(&settings, &model(tag), hardware)
        };
        assert_eq!(sizes("llama3.2:1b", (9, 0), None), 51);
        assert_eq!(sizes("llama3.2:1b", (9, 0), Some(256)), 51);
        // 1, 2, 4, 8, 16, 24, 32.
        assert_eq!(sizes("llama3.2:1b", (9, 0), Some(16)), 7);
        assert_eq!(sizes("llama3.2:1b", (10, 0), None), 83);
        assert_eq!(sizes("gpt-oss:20b", (8, 9), Some(16)), 83);
    }
}
