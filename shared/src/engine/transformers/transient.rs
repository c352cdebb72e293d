//! What exists beside weights and cache while a prompt passes through the model at once.
//!
//! Source: Transformers 5.23.0, `masking_utils.py`, `generation/utils.py` (`_prefill`); measured
//! peaks of dense models (Llama 3.1 8B, Gemma 3 4B) are met to the byte.

use super::layer::{Mask, Shape};
use super::settings::{AttentionImplementation, Cache, Transformers};

/// Bytes of a token's position.
const POSITION: u128 = 8;
/// Copies of the stream that attention holds.
const ATTENTION_STREAMS: u128 = 3;
/// Copies of the last token's logits in single precision while the next one is sampled.
const SAMPLED: u128 = 3 * 4;

/// The model's sizes that no layer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Widths {
    /// Bytes of an element of the model's type.
    pub element: u64,
    /// Width of the stream.
    pub stream: u64,
    /// Entries of the vocabulary.
    pub vocabulary: u64,
    /// Bytes of the rotary angles' cosines and sines of a token, all kinds together, and of what
    /// else every layer is given.
    pub given: u64,
    /// Copies of the stream that a network holds.
    pub network_streams: u64,
}

/// Bytes on one GPU, where `shapes` are its layers and `is_last` says that it has the output.
pub(super) fn peak(
    settings: &Transformers,
    attention: AttentionImplementation,
    widths: Widths,
    shapes: &[(Shape, u64)],
    is_last: bool,
    tokens: u64,
) -> u128 {
    let n = u128::from(tokens);
    let element = u128::from(widths.element);
    let stream = n
        .saturating_mul(u128::from(widths.stream))
        .saturating_mul(element);
    let given = n.saturating_mul(u128::from(widths.given));
    let held = n
        .saturating_mul(POSITION)
        .saturating_add(given)
        .saturating_add(masks(attention, widths.element, shapes, tokens))
        .saturating_add(counters(settings.cache, shapes));
    let mut layer: u128 = 0;
    for (shape, _) in shapes {
        let own = shape.attention_bytes(attention, settings.cache, tokens);
        if shape.mask.is_some() {
            layer = layer.max(stream.saturating_mul(ATTENTION_STREAMS).saturating_add(own));
        }
        let network = n.saturating_mul(u128::from(shape.network));
        let network = network
            .saturating_add(u128::from(shape.fixed))
            .saturating_add(shape.kept_scores(attention, tokens));
        let recurrent = n.saturating_mul(u128::from(shape.recurrent));
        let widest = network.max(recurrent);
        layer = layer.max(
            stream
                .saturating_mul(u128::from(widths.network_streams))
                .saturating_add(widest),
        );
    }
    let prompt = held.saturating_add(layer);
    let step = shapes
        .iter()
        .map(|(shape, _)| shape.step_bytes(settings.cache, tokens))
        .max()
        .unwrap_or(0);
    let peak = prompt.max(step);
    if !is_last {
        return peak;
    }
    let vocabulary = u128::from(widths.vocabulary);
    let logits = if settings.all_logits {
        let rows = n.saturating_mul(vocabulary).saturating_mul(element);
        rows.saturating_add(stream)
            .saturating_add(counters(settings.cache, shapes))
    } else {
        vocabulary
            .saturating_mul(element + SAMPLED)
            .saturating_add(stream)
    };
    peak.max(logits)
}

/// Bytes of the masks: SDPA is given those that are not simply causal, one number of 8 bits a
/// pair of tokens; plain attention all of them, in the model's type.
fn masks(
    attention: AttentionImplementation,
    element: u64,
    shapes: &[(Shape, u64)],
    tokens: u64,
) -> u128 {
    let square = u128::from(tokens).saturating_mul(u128::from(tokens));
    let has = |wanted: fn(Mask) -> bool| {
        shapes
            .iter()
            .any(|(shape, _)| shape.mask.is_some_and(wanted))
    };
    match attention {
        AttentionImplementation::FlashAttention2 => 0,
        AttentionImplementation::Sdpa => {
            let made = shapes
                .iter()
                .any(|(shape, _)| shape.mask.is_some_and(|mask| mask.is_made(tokens)));
            if made { square } else { 0 }
        }
        AttentionImplementation::Eager => {
            let kinds = u128::from(has(|mask| mask == Mask::Causal))
                + u128::from(has(|mask| mask != Mask::Causal));
            square
                .saturating_mul(kinds)
                .saturating_mul(u128::from(element))
        }
    }
}

/// Bytes of the numbers that cache layers keep on the GPU: windows, and lengths of static ones.
fn counters(cache: Cache, shapes: &[(Shape, u64)]) -> u128 {
    shapes
        .iter()
        .filter(|(shape, _)| match (cache, shape.mask) {
            (_, None) => false,
            (Cache::Static, Some(_)) => true,
            (_, Some(mask)) => mask != Mask::Causal,
        })
        .map(|&(_, count)| u128::from(count) * 8)
        .sum()
}
