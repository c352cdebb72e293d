//! Which layers look back at a window or a chunk only.

use alloc::vec;
use alloc::vec::Vec;

use super::{ConfigError, Fields};
use crate::model::Span;

/// The spans of all layers as `layer_types` has them; `None` without that list. Layers that do
/// not attend have the full span.
pub(super) fn listed(
    fields: &Fields<'_>,
    layers: usize,
    window: Option<u64>,
) -> Result<Option<Vec<Span>>, ConfigError> {
    let Some(types) = fields.texts("layer_types", layers)? else {
        return Ok(None);
    };
    let spans = types.iter().map(|&kind| match kind {
        "sliding_attention" => Ok(sliding(window)),
        // It keeps what it refers to, however far back that is.
        "reference_sliding_attention" => Ok(Span::Full),
        "full_attention" | "linear_attention" | "attention" | "mamba" | "conv" => Ok(Span::Full),
        "chunked_attention" => {
            let chunk = fields.optional_width("attention_chunk_size")?;
            Ok(chunk.map_or(Span::Full, |chunk| Span::Chunked { chunk }))
        }
        _ => Err(ConfigError::UnknownEntry {
            field: "layer_types",
            entry: kind.into(),
        }),
    });
    spans.collect::<Result<_, _>>().map(Some)
}

/// The spans as `layer_types` has them or, without that list, full in the last layer of every
/// `period`.
pub(super) fn listed_or_every(
    fields: &Fields<'_>,
    layers: usize,
    window: Option<u64>,
    period: u64,
) -> Result<Vec<Span>, ConfigError> {
    Ok(match listed(fields, layers, window)? {
        Some(spans) => spans,
        None => (0..layers as u64)
            .map(|index| match index % period.max(1) {
                place if place + 1 == period.max(1) => Span::Full,
                _ => sliding(window),
            })
            .collect(),
    })
}

/// The spans where every layer has the same window, if any.
pub(super) fn same_everywhere(layers: usize, window: Option<u64>) -> Vec<Span> {
    vec![sliding(window); layers]
}

fn sliding(window: Option<u64>) -> Span {
    window.map_or(Span::Full, |window| Span::Sliding { window })
}
