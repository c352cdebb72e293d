//! KV cache and recurrent state, to the byte.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-kv-cache.cpp`, `llama-kv-cache-iswa.cpp`,
//! `llama-memory-recurrent.cpp`; equal to the engine in every measured case.

use alloc::vec::Vec;

use super::batch::{Batch, CONTEXT_STEP};
use super::placement::{Place, Placement};
use super::settings::LlamaCpp;
use super::weights::{Bytes, cuda_row_padding};
use crate::engine::EngineError;
use crate::model::{Attention, Layer, Model, RecurrentState, Span};
use crate::quant::TensorType;

/// Bytes of a recurrent state's element: always `f32`.
const STATE_ELEMENT_BYTES: u64 = 4;

/// What is cached in one layer: elements of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// Elements of the key row.
    pub(super) key: u64,
    /// Elements of the value row; 0 where values are views of the keys.
    pub(super) value: u64,
    /// Elements of the indexer's key row; 0 without an indexer.
    pub(super) indexer: u64,
    /// Elements of the value row that some indexers keep without reading it.
    pub(super) indexer_value: u64,
    /// How far back the layer looks, as far as llama.cpp makes use of it.
    pub(super) span: Span,
}

/// A cache of compressed keys (`llama-kv-cache-dsv4.cpp`): `ratio` tokens to a cell.
pub(super) fn compressed_cells(context: u64, ratio: u64) -> Result<u64, EngineError> {
    context
        .div_ceil(ratio.max(1))
        .max(1)
        .checked_next_multiple_of(CONTEXT_STEP)
        .ok_or(EngineError::TooLarge)
}

/// The caches of one context length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caches {
    /// Keys and values.
    pub(super) kv: Bytes,
    /// Cells of the full-attention cache, per stream.
    pub(super) cells: u64,
    /// Cells of the sliding-window cache, per stream; 0 where there is none.
    pub(super) window_cells: u64,
}

/// Whether llama.cpp keeps a smaller cache for the windowed layers of an architecture. The
/// windows of others (Mistral 7B v0.1, Phi-3, Qwen2) are not made use of.
fn honours_windows(architecture: &str) -> bool {
    matches!(
        architecture,
        "gemma2"
            | "gemma3"
            | "gemma3n"
            | "gemma4"
            | "gpt-oss"
            | "cohere2"
            | "cohere2moe"
            | "llama4"
            | "exaone4"
            | "exaone-moe"
            | "olmo2"
            | "afmoe"
            | "laguna"
            | "mellum"
            | "muse-glimmer"
            | "smallthinker"
            | "plamo3"
            | "step35"
            | "mimo2"
            | "granite_swa"
            | "dots3note"
            | "lfm2"
            | "deepseek4"
            | "maple"
            | "spark2_5"
    )
}

/// Key rows that an indexer keeps for each token: its own, and those that it pools
/// (`llama-memory-hybrid-idx.cpp`).
fn indexer_rows(architecture: &str) -> u64 {
    match architecture {
        "glm5-next" => 3,
        "qwen4exp" => 2,
        _ => 1,
    }
}

/// Whether the layers that predict further tokens keep a cache although they do not run: hybrids
/// whose caches are told apart by the layers' heads alone (`llama-memory-hybrid.cpp`).
fn caches_prediction_layers(architecture: &str) -> bool {
    matches!(
        architecture,
        "jamba"
            | "plamo2"
            | "granitehybrid"
            | "lfm2"
            | "lfm2moe"
            | "kimi-linear"
            | "kimi-k3"
            | "bailingmoe3"
            | "minimax-m3"
            | "deepseek4"
    )
}

/// What a layer caches; `None` where it caches nothing.
pub(super) fn cell(model: &Model, layer: &Layer) -> Result<Option<Cell>, EngineError> {
    let window = |span| {
        if honours_windows(&model.architecture) {
            span
        } else {
            Span::Full
        }
    };
    let indexer = match layer.indexer {
        Some(indexer) => indexer
            .key_dim
            .checked_mul(indexer_rows(&model.architecture))
            .ok_or(EngineError::TooLarge)?,
        None => 0,
    };
    Ok(match layer.attention {
        Attention::None => None,
        Attention::Heads(heads) if heads.shares_cache => None,
        Attention::Heads(heads) => {
            let row = |dim: u64| heads.kv_heads.checked_mul(dim).ok_or(EngineError::TooLarge);
            // DeepSeek-V4 takes the keys for values.
            let keys_alone = model.architecture == "deepseek4";
            Some(Cell {
                key: row(heads.key_dim)?,
                value: if keys_alone { 0 } else { row(heads.value_dim)? },
                indexer,
                // One head of values beside one head of keys (`llama-kv-cache-msa.cpp`).
                indexer_value: if indexer > 0 && !keys_alone {
                    heads.value_dim
                } else {
                    0
                },
                span: window(heads.span),
            })
        }
        Attention::Latent(latent) => Some(Cell {
            key: latent
                .latent_dim
                .checked_add(latent.rope_dim)
                .ok_or(EngineError::TooLarge)?,
            value: 0,
            indexer,
            indexer_value: 0,
            span: window(latent.span),
        }),
    })
}

/// Cells per stream of a layer that looks back this far.
pub(super) fn cells(settings: &LlamaCpp, batch: &Batch, span: Span) -> Result<u64, EngineError> {
    let Some(window) = span.limit().filter(|_| !settings.swa_full) else {
        return Ok(batch.context_per_stream);
    };
    let windows = if batch.unified { batch.sequences } else { 1 };
    window
        .checked_mul(windows)
        .and_then(|tokens| tokens.checked_add(batch.ubatch))
        .map(|tokens| tokens.min(batch.context_per_stream))
        .and_then(|tokens| tokens.checked_next_multiple_of(CONTEXT_STEP))
        .ok_or(EngineError::TooLarge)
}

/// What is cached whatever the context.
#[derive(Debug)]
pub(super) struct Layout {
    /// Those alike together.
    tensors: Vec<CacheTensors>,
    /// How far back the last layer looks that slides.
    window: Option<Span>,
    /// Compressed caches have a stream for each sequence even where the others are unified.
    compresses: bool,
}

/// Tensors of the caches that are alike.
#[derive(Debug, PartialEq, Eq)]
struct CacheTensors {
    place: Place,
    tensor_type: TensorType,
    row_elements: u64,
    rows: Rows,
    count: u64,
}

/// What a cache has rows for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// The cells of a layer that looks back this far.
    Cells(Span),
    /// So many tokens each.
    Compressed(u64),
}

/// The KV caches of all decoder layers. Values are transposed, or laid out by rows for flash
/// attention.
pub(super) fn layout(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    values_by_rows: bool,
) -> Result<Layout, EngineError> {
    let mut widest_value = 0;
    for layer in &model.layers {
        widest_value = widest_value.max(cell(model, layer)?.map_or(0, |cell| cell.value));
    }
    let mut layout = Layout {
        tensors: Vec::new(),
        window: None,
        compresses: model.architecture == "deepseek4",
    };
    // Where values are transposed every layer of a model without recurrent layers has values, be it
    // without heads.
    let values_everywhere =
        !values_by_rows && model.layers.iter().all(|layer| layer.recurrent.is_none());
    let every = caches_prediction_layers(&model.architecture);
    for (index, layer) in model.layers.iter().enumerate() {
        if layer.next_token_prediction && !every {
            continue;
        }
        let cell = match cell(model, layer)? {
            Some(cell) => cell,
            None if layer.attention == Attention::None
                && (values_everywhere || (layer.next_token_prediction && !values_by_rows)) =>
            {
                Cell {
                    key: 0,
                    value: widest_value,
                    indexer: 0,
                    indexer_value: 0,
                    span: Span::Full,
                }
            }
            None => continue,
        };
        if cell.span != Span::Full {
            layout.window = Some(cell.span);
        }
        let place = if settings.kv_offload {
            placement.layer(index)
        } else {
            Place::Host
        };
        let (key, value) = (settings.cache_type_k, settings.cache_type_v);
        let mut indexer = cell.indexer;
        if let Some(RecurrentState::Compressor { ratio, .. }) = layer.recurrent {
            let rows = Rows::Compressed(ratio);
            layout.add(place, key, cell.key, rows);
            layout.add(place, key, cell.indexer, rows);
            indexer = 0;
        }
        // Transposed values are all as wide as the widest.
        let value_elements = if values_by_rows || cell.value == 0 {
            cell.value
        } else {
            widest_value
        };
        let rows = Rows::Cells(cell.span);
        layout.add(place, key, cell.key, rows);
        layout.add(place, value, value_elements, rows);
        layout.add(place, key, indexer, rows);
        layout.add(place, value, cell.indexer_value, rows);
    }
    Ok(layout)
}

impl Layout {
    /// One tensor more, if it has rows of any length.
    fn add(&mut self, place: Place, tensor_type: TensorType, row_elements: u64, rows: Rows) {
        if row_elements == 0 {
            return;
        }
        let mut tensors = CacheTensors {
            place,
            tensor_type,
            row_elements,
            rows,
            count: 1,
        };
        for known in &mut self.tensors {
            tensors.count = known.count;
            if *known == tensors {
                known.count += 1;
                return;
            }
        }
        tensors.count = 1;
        self.tensors.push(tensors);
    }

    /// The caches at this context.
    pub(super) fn caches(
        &self,
        settings: &LlamaCpp,
        batch: &Batch,
        gpus: usize,
    ) -> Result<Caches, EngineError> {
        let batch = &if self.compresses {
            Batch {
                unified: false,
                streams: batch.sequences,
                ..*batch
            }
        } else {
            *batch
        };
        let mut caches = Caches {
            kv: Bytes::zero(gpus),
            cells: batch.context_per_stream,
            window_cells: match self.window {
                Some(window) => cells(settings, batch, window)?,
                None => 0,
            },
        };
        for tensors in &self.tensors {
            let rows = match tensors.rows {
                Rows::Cells(span) => cells(settings, batch, span)?,
                Rows::Compressed(ratio) => compressed_cells(batch.context_per_stream, ratio)?,
            };
            let rows = rows
                .checked_mul(batch.streams)
                .ok_or(EngineError::TooLarge)?;
            let place = tensors.place;
            let bytes = tensor_bytes(tensors.tensor_type, tensors.row_elements, rows, place)?;
            caches.kv.add_alike(place, bytes, tensors.count)?;
        }
        Ok(caches)
    }
}

/// Bytes of a cache tensor of `rows` rows, before alignment.
fn tensor_bytes(
    tensor_type: TensorType,
    row_elements: u64,
    rows: u64,
    place: Place,
) -> Result<u64, EngineError> {
    let row = tensor_type
        .row_bytes(row_elements)
        .ok_or(EngineError::TooLarge)?;
    let padding = match place {
        Place::Gpu(_) => cuda_row_padding(tensor_type, row_elements),
        Place::Host => 0,
    };
    row.checked_mul(rows)
        .and_then(|bytes| bytes.checked_add(padding))
        .ok_or(EngineError::TooLarge)
}

/// The recurrent state of all decoder layers: one cell per sequence.
pub(super) fn recurrent_state(
    settings: &LlamaCpp,
    model: &Model,
    placement: &Placement,
    gpus: usize,
) -> Result<Bytes, EngineError> {
    let mut bytes = Bytes::zero(gpus);
    let copies = settings.state_copies(&model.architecture);
    for (index, layer) in model.decoder_layers() {
        let Some(state) = layer.recurrent else {
            continue;
        };
        let place = if settings.kv_offload {
            placement.layer(index)
        } else {
            Place::Host
        };
        for elements in [state.conv_elements(), state.state_elements()] {
            let tensor = elements
                .and_then(|elements| elements.checked_mul(STATE_ELEMENT_BYTES))
                .and_then(|bytes| bytes.checked_mul(settings.parallel.max(1)))
                .and_then(|bytes| bytes.checked_mul(copies))
                .ok_or(EngineError::TooLarge)?;
            bytes.add(place, tensor)?;
        }
    }
    Ok(bytes)
}
