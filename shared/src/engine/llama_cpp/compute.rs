//! Compute buffers by closed forms: what is certainly live at the largest step of the graph.
//!
//! Source: `ggml-alloc.c`, `ggml-backend.cpp` and `llama-graph.cpp` of llama.cpp 0.5.0 and
//! 0.6.0. The allocator reuses and fragments memory, so that these sums come close and are not
//! the engine's own figure.

use super::batch::Batch;
use super::cache::{self, Cell};
use super::placement::{Place, Placement};
use super::settings::{LlamaCpp, Version};
use super::weights::{Bytes, allocated_bytes};
use crate::engine::EngineError;
use crate::model::{Attention, FeedForward, Model, RecurrentState, Span};

/// Copies of the graph's inputs while several GPUs work as a pipeline (`GGML_SCHED_MAX_COPIES`).
const PIPELINE_COPIES: u64 = 4;
/// Batches of this many tokens run on the GPU even where the weight is in host memory
/// (`GGML_OP_OFFLOAD_MIN_BATCH`).
const OP_OFFLOAD_MIN_BATCH: u64 = 32;

/// Sums and products of sizes that stop at `u64::MAX`: what exceeds it fits nowhere.
fn product(factors: &[u64]) -> u64 {
    factors
        .iter()
        .fold(1, |product, &factor| product.saturating_mul(factor))
}

fn sum(terms: &[u64]) -> u64 {
    terms.iter().fold(0, |sum, &term| sum.saturating_add(term))
}

/// The compute buffers of the largest graph, per place.
pub(super) fn compute(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    batch: &Batch,
    gpus: usize,
) -> Result<Bytes, EngineError> {
    let width = model.embedding_length;
    let ubatch = batch.ubatch;
    let stream = product(&[4, width, ubatch]);
    let masks = masks(settings, model, batch)?;
    let residual_copies = match settings.version {
        Version::V0_6_0 => 4,
        _ => 3,
    };
    let inputs = sum(&[masks, stream]);
    let pipeline = gpus_in_use(model, placement, gpus) > 1
        && placement.offloaded == model.layers.len() + 1
        && settings.kv_offload
        && !placement.has_overrides();

    let mut bytes = Bytes::zero(gpus);
    let output = placement.output();
    let first = placement.layer(0);
    for gpu in 0..gpus {
        let place = Place::Gpu(gpu);
        let mut largest = 0;
        let mut holds_layers = false;
        for (index, layer) in model.decoder_layers() {
            if placement.layer(index) != place {
                continue;
            }
            holds_layers = true;
            largest = largest.max(feed_forward(&layer.feed_forward, width, ubatch));
            if let Some(state) = layer.recurrent {
                largest = largest.max(recurrent(&state, ubatch));
            }
            if let Some(cell) = cache::cell(model, layer)? {
                largest = largest.max(attention(settings, &layer.attention, &cell, batch)?);
            }
        }
        if output == place {
            let logits = product(&[
                4,
                batch.outputs,
                model.vocabulary_size.saturating_add(width),
            ]);
            largest = largest.max(logits);
        }
        let offloaded_weight = if settings.offload_to() == Some(place) {
            largest_host_weight(settings, model, placement, batch)
        } else {
            0
        };
        if !holds_layers && output != place && offloaded_weight == 0 {
            continue;
        }
        let copies = if pipeline && (first == place || output == place) {
            PIPELINE_COPIES - 1
        } else {
            0
        };
        bytes.add(
            place,
            sum(&[
                largest,
                residual_copies * stream,
                masks,
                product(&[copies, inputs]),
                offloaded_weight,
            ]),
        )?;
    }
    let host_streams = match settings.version {
        Version::V0_6_0 => 4,
        _ => 2,
    };
    let pipeline_copies = if pipeline { PIPELINE_COPIES - 1 } else { 0 };
    bytes.add(
        Place::Host,
        sum(&[
            host_streams * stream,
            masks,
            product(&[pipeline_copies, inputs]),
        ]),
    )?;
    Ok(bytes)
}

fn gpus_in_use(model: &Model, placement: &Placement, gpus: usize) -> usize {
    let used = placement.places_of_layers(model, |_| true);
    (0..gpus)
        .filter(|&gpu| used.contains(&Place::Gpu(gpu)))
        .count()
}

/// The attention masks: one for full attention, one more for sliding windows.
fn masks(settings: &LlamaCpp, model: &Model, batch: &Batch) -> Result<u64, EngineError> {
    let element = match (
        settings.uses_flash_attention(),
        settings.version.masks_in_f16(),
    ) {
        (true, true) => 2,
        (true, false) => 6,
        (false, _) => 4,
    };
    let tokens_per_stream = batch.ubatch.div_ceil(batch.streams);
    let mut spans: alloc::vec::Vec<bool> = alloc::vec::Vec::new();
    let mut total: u64 = 0;
    for (_, layer) in model.decoder_layers() {
        let Some(cell) = cache::cell(model, layer)? else {
            continue;
        };
        let slides = cell.span != Span::Full;
        if spans.contains(&slides) {
            continue;
        }
        spans.push(slides);
        let cells = cache::cells(settings, batch, cell.span)?;
        total = total.saturating_add(product(&[element, cells, tokens_per_stream, batch.streams]));
    }
    Ok(total)
}

/// Gate, up and activation are three tensors; a mixture adds its experts' outputs.
fn feed_forward(feed_forward: &FeedForward, width: u64, ubatch: u64) -> u64 {
    let dense = product(&[12, feed_forward.length, ubatch]);
    let Some(experts) = feed_forward.experts else {
        return dense;
    };
    let hidden = product(&[12, experts.length, experts.used, ubatch]);
    let outputs = product(&[
        4,
        ubatch,
        experts.used,
        experts.length.saturating_add(width),
    ]);
    let shared = product(&[12, experts.shared_length, ubatch]);
    dense
        .max(hidden)
        .max(outputs.saturating_add(product(&[4, width, ubatch])))
        .max(shared)
}

fn attention(
    settings: &LlamaCpp,
    attention: &Attention,
    cell: &Cell,
    batch: &Batch,
) -> Result<u64, EngineError> {
    let cells = cache::cells(settings, batch, cell.span)?;
    let (heads, query, value) = match *attention {
        Attention::None => return Ok(0),
        Attention::Heads(heads) => (heads.query_heads, heads.key_dim, heads.value_dim),
        Attention::Latent(latent) => (
            latent.query_heads,
            latent
                .latent_dim
                .saturating_mul(2)
                .saturating_add(latent.rope_dim),
            latent.latent_dim,
        ),
    };
    let queries = product(&[4, heads, query, batch.ubatch]);
    let values = product(&[4, heads, value, batch.ubatch]);
    if !settings.uses_flash_attention() {
        let scores = product(&[4, cells, batch.ubatch, heads]);
        return Ok(sum(&[scores, queries, values]));
    }
    // The CUDA kernel reads f16: other types are converted, one layer at a time.
    let f16 = crate::quant::TensorType::F16;
    let converted = |tensor_type, elements| {
        if tensor_type == f16 || !settings.version.plans_conversions() {
            0
        } else {
            product(&[2, cells, batch.streams, elements])
        }
    };
    Ok(sum(&[
        queries,
        values,
        converted(settings.cache_type_k, cell.key),
        converted(settings.cache_type_v, cell.value),
    ]))
}

fn recurrent(state: &RecurrentState, ubatch: u64) -> u64 {
    match *state {
        RecurrentState::Mamba { inner, .. } => product(&[4, 5, inner, ubatch]),
        RecurrentState::Mamba2 {
            inner,
            state,
            groups,
            ..
        } => {
            let channels = sum(&[inner, product(&[2, groups, state])]);
            product(&[
                4,
                ubatch,
                sum(&[product(&[3, channels]), product(&[2, inner])]),
            ])
        }
        RecurrentState::GatedDeltaNet {
            key_heads,
            key_dim,
            value_heads,
            value_dim,
            ..
        } => {
            let channels = sum(&[
                product(&[2, key_heads, key_dim]),
                product(&[value_heads, value_dim]),
            ]);
            product(&[4, ubatch, product(&[4, channels])])
        }
        RecurrentState::KimiDelta {
            heads, head_dim, ..
        } => product(&[4, 12, heads, head_dim, ubatch]),
        RecurrentState::ShortConvolution { width, .. } => product(&[4, 5, width, ubatch]),
        RecurrentState::Rwkv { embedding, .. } => product(&[4, 12, embedding, ubatch]),
        RecurrentState::Compressor { key_dim, .. } => product(&[4, 6, key_dim, ubatch]),
        RecurrentState::Lightning { heads, head_dim } => product(&[4, 6, heads, head_dim, ubatch]),
    }
}

/// A matrix product with a weight in host memory runs on the first GPU, which then holds a copy
/// of the weight: one at a time, so that the largest counts.
fn largest_host_weight(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    batch: &Batch,
) -> u64 {
    if !settings.op_offload || batch.ubatch < OP_OFFLOAD_MIN_BATCH {
        return 0;
    }
    let mut largest = 0;
    for tensor in &model.tensors {
        let input = tensor.block().is_none() && !tensor.name.starts_with("output");
        if input || tensor.dimensions[1] == 1 {
            continue;
        }
        let located = placement.located(model, tensor);
        if located.copies.iter().any(|place| place == Place::Host) {
            largest = largest.max(allocated_bytes(tensor, Place::Gpu(0)));
        }
    }
    largest
}
