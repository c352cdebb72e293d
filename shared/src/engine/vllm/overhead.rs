//! What vLLM takes besides weights and KV cache: estimated, but for the rows of RoPE tables.
//!
//! Source: vLLM 0.33.0, `v1/worker/gpu_worker.py` (what is charged), `v1/worker/gpu/
//! model_runner.py` (the profile run), `v1/worker/gpu/cudagraph_utils.py`; sizes of contexts and
//! graphs were read off start-up logs of users' machines (2025–2026).

use super::hardware::Hardware;
use super::settings::Vllm;
use crate::engine::{Basis, EngineError, Figure};
use crate::gpu::Device;
use crate::model::{Attention, Model, Span};

const MIB: u64 = 1024 * 1024;
/// CUDA context and loaded kernels on consumer and on data-centre GPUs.
const CONTEXT: u64 = 350 * MIB;
const CONTEXT_LARGE: u64 = 500 * MIB;
/// Buffers of NCCL and of the own all-reduce, where several GPUs work together.
const COLLECTIVES: u64 = 264 * MIB;
/// The workspace of `FlashInfer`'s attention.
const FLASHINFER_WORKSPACE: u64 = 394 * MIB;
/// Largest batches that graphs are captured for, and on data-centre Blackwell or for gpt-oss.
const GRAPHS_UP_TO: u64 = 512;
const GRAPHS_UP_TO_LARGE: u64 = 1_024;
/// A captured graph of one layer, for one batch size.
const GRAPH_LAYER: u64 = 192 * 1024;
/// Copies of the logits in single precision that sampling keeps at once.
const LOGITS_COPIES: u64 = 2;

/// What stands beside weights and caches on a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overhead {
    /// The peak of a forward pass, CUDA graphs, RoPE tables.
    pub(super) compute: Figure,
    /// CUDA context, collectives, workspaces.
    pub(super) start: Figure,
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
        let start = match settings.runtime_overhead {
            Some(bytes) => Figure::exact(bytes),
            None => Figure {
                bytes: start(settings, hardware, device),
                basis: Basis::Estimate {
                    below_permille: 500,
                    above_permille: 500,
                },
            },
        };
        Ok(Self {
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

fn start(settings: &Vllm, hardware: Hardware, device: &Device) -> u64 {
    let is_large = device
        .compute_capability
        .is_some_and(|capability| [(8, 0), (9, 0), (10, 0), (10, 3)].contains(&capability));
    let context = if is_large { CONTEXT_LARGE } else { CONTEXT };
    let collectives = if settings.ranks() > 1 { COLLECTIVES } else { 0 };
    let workspace = if hardware.prefers_flashinfer() {
        FLASHINFER_WORKSPACE
    } else {
        0
    };
    context + collectives + workspace
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
    let largest = largest.min(hardware.max_num_batched_tokens);
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

fn graphs(settings: &Vllm, model: &Model, hardware: Hardware) -> u64 {
    let layers = model.decoder_layers().count() as u64;
    let stages = settings.pipeline_parallel_size.max(1);
    graph_sizes(settings, model, hardware)
        .saturating_mul(layers.div_ceil(stages))
        .saturating_mul(GRAPH_LAYER)
}

/// The peak of the profile run: either the widest layer at the full batch, or the sampler.
fn activations(settings: &Vllm, model: &Model, hardware: Hardware) -> Option<u64> {
    let ranks = settings.tensor_parallel_size.max(1);
    let tokens = hardware.max_num_batched_tokens;
    let mut widest: u64 = 0;
    for (_, layer) in model.decoder_layers() {
        let network = layer.feed_forward;
        // Gate and up in one product, and their combination.
        let mut elements = network.length.checked_mul(3)?;
        if let Some(experts) = network.experts {
            let routed = experts.length.checked_mul(3)?.checked_mul(experts.used)?;
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
    let token = streams.checked_add(widest / ranks)?.checked_mul(2)?;
    let forward = token.checked_mul(tokens)?;
    let rows = hardware.max_num_seqs.min(tokens);
    let logits = model
        .vocabulary_size
        .checked_mul(rows)?
        .checked_mul(2 + 4 * LOGITS_COPIES)?;
    Some(forward.max(logits))
}

/// Cosines and sines for every position: one table for full attention and one for windows.
fn rope_tables(model: &Model) -> Option<u64> {
    let rows = model.trained_context_length.unwrap_or(0);
    let (mut full, mut local) = (0, 0);
    for (_, layer) in model.decoder_layers() {
        let (span, dim) = match layer.attention {
            Attention::None => continue,
            Attention::Heads(heads) => (heads.span, heads.key_dim),
            Attention::Latent(latent) => (latent.span, latent.rope_dim),
        };
        match span {
            Span::Full => full = dim.max(full),
            Span::Sliding { .. } | Span::Chunked { .. } => local = dim.max(local),
        }
    }
    rows.checked_mul(full.checked_add(local)?)?.checked_mul(2)
}
