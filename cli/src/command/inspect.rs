//! `inspect`: what is known of a model.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::model::{Geometry, Model, Parameters, Tensor};
use shared::text::Language;

use super::Outcome;
use crate::arguments::InspectQuestion;
use crate::backend::Reads;
use crate::failure::Failure;
use crate::mib;
use crate::model::{self, Found};
use crate::output::Terminal;
use crate::output::geometry::{LayerKind, layer_kinds};
use crate::output::table::{Align, Table};
use crate::output::text;

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    model: ModelAnswer<'a>,
}

#[derive(Serialize)]
struct ModelAnswer<'a> {
    name: &'a str,
    architecture: &'a str,
    parameters: u64,
    parameters_embedding: u64,
    parameters_lm_head: u64,
    parameters_active: u64,
    weights_format: &'a str,
    weights_bytes: u64,
    trained_context_length: Option<u64>,
    vocabulary_size: u64,
    embedding_length: u64,
    /// `known`, or `conservative` where the figures bound the real ones.
    geometry: &'static str,
    source: SourceAnswer<'a>,
    layers: Vec<LayerKind>,
    tensor_types: Vec<TypeAnswer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tensors: Vec<TensorAnswer<'a>>,
}

#[derive(Serialize)]
struct SourceAnswer<'a> {
    kind: &'static str,
    location: &'a str,
}

#[derive(Serialize)]
struct TypeAnswer {
    #[serde(rename = "type")]
    tensor_type: String,
    count: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct TensorAnswer<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    tensor_type: String,
    dimensions: &'a [u64],
    bytes: u64,
}

/// Tells all that is known of the model named.
///
/// # Errors
/// Where it cannot be found or read.
pub(super) fn run(question: &InspectQuestion, terminal: &mut Terminal) -> Result<Outcome, Failure> {
    let found = model::find_named(&question.model, Reads::Gguf, "inspect")?;
    for warning in found
        .warnings
        .iter()
        .filter(|warning| !warning.is_of_engines())
    {
        terminal.warn(&warning.message(terminal.language));
    }
    let answer = answer(&found, question.tensors);
    if terminal.json {
        terminal.write_json(&answer)?;
    } else {
        terminal.write(page(&answer, terminal.language))?;
    }
    Ok(Outcome::Answered)
}

fn answer(found: &Found, with_tensors: bool) -> Answer<'_> {
    let model = found.stored();
    let parameters = Parameters::of(model);
    let tensors = if with_tensors {
        model.tensors.iter().map(TensorAnswer::from).collect()
    } else {
        Vec::new()
    };
    Answer {
        schema: 1,
        model: ModelAnswer {
            name: &model.name,
            architecture: &model.architecture,
            parameters: parameters.total,
            parameters_embedding: parameters.embedding,
            parameters_lm_head: parameters.output,
            parameters_active: parameters.active,
            weights_format: &model.weights_format,
            weights_bytes: model.weights_bytes(),
            trained_context_length: model.trained_context_length,
            vocabulary_size: model.vocabulary_size,
            embedding_length: model.embedding_length,
            geometry: match model.geometry {
                Geometry::Known => "known",
                Geometry::Conservative => "conservative",
            },
            source: SourceAnswer {
                kind: found.source.kind.name(),
                location: &found.source.location,
            },
            layers: layer_kinds(model),
            tensor_types: tensor_types(model),
            tensors,
        },
    }
}

impl<'a> From<&'a Tensor> for TensorAnswer<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        let used = tensor
            .dimensions
            .iter()
            .rposition(|&extent| extent > 1)
            .map_or(1, |last| last + 1);
        Self {
            name: &tensor.name,
            tensor_type: stored_as(tensor),
            dimensions: tensor.dimensions.get(..used).unwrap_or_default(),
            bytes: tensor.bytes(),
        }
    }
}

/// The type of a tensor, or the packing of its matrices.
fn stored_as(tensor: &Tensor) -> String {
    match tensor.packing {
        Some(packing) => packing.name(),
        None => tensor.tensor_type.name().into(),
    }
}

/// How the weights are stored, most bytes first.
fn tensor_types(model: &Model) -> Vec<TypeAnswer> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for tensor in &model.tensors {
        let (count, bytes) = sums.entry(stored_as(tensor)).or_default();
        *count += 1;
        *bytes = bytes.saturating_add(tensor.bytes());
    }
    let mut types: Vec<_> = sums
        .into_iter()
        .map(|(tensor_type, (count, bytes))| TypeAnswer {
            tensor_type,
            count,
            bytes,
        })
        .collect();
    types.sort_by_key(|answer| std::cmp::Reverse(answer.bytes));
    types
}

fn page(answer: &Answer, language: Language) -> String {
    let model = &answer.model;
    let mut page = text::Page::new(language);
    page.model_head(model.name, model.weights_format, model.parameters);
    let count = |parameters| format!("{parameters} ({})", text::parameters(parameters));
    let trained = model.trained_context_length.map_or_else(
        || language.pick("不明", "unknown").into(),
        |tokens| tokens.to_string(),
    );
    let fields = [
        (
            "source",
            format!("{} {}", model.source.kind, model.source.location),
        ),
        ("architecture", model.architecture.into()),
        ("geometry", model.geometry.into()),
        ("trained_context_length", trained),
        ("parameters", count(model.parameters)),
        ("parameters_active", count(model.parameters_active)),
        ("parameters_embedding", count(model.parameters_embedding)),
        ("parameters_lm_head", count(model.parameters_lm_head)),
        ("weights_mb", mib::format(model.weights_bytes)),
        ("vocabulary_size", model.vocabulary_size.to_string()),
        ("embedding_length", model.embedding_length.to_string()),
    ];
    for (key, value) in fields {
        page.line(format_args!("{key}: {value}"));
    }
    page.line("layers:");
    page.line(layer_table(&model.layers));
    page.line("tensor_types:");
    let mut types = Table::new(&[Align::Left, Align::Right, Align::Right]);
    types.head(&["type", "count", "MiB"]);
    for stored in &model.tensor_types {
        types.row(vec![
            stored.tensor_type.clone(),
            stored.count.to_string(),
            mib::format(stored.bytes),
        ]);
    }
    page.line(types);
    if !model.tensors.is_empty() {
        page.line("tensors:");
        let mut tensors = Table::new(&[Align::Left, Align::Left, Align::Left, Align::Right]);
        tensors.head(&["name", "type", "dimensions", "bytes"]);
        for tensor in &model.tensors {
            let dimensions: Vec<String> = tensor.dimensions.iter().map(u64::to_string).collect();
            tensors.row(vec![
                tensor.name.into(),
                tensor.tensor_type.clone(),
                dimensions.join(" × "),
                tensor.bytes.to_string(),
            ]);
        }
        page.line(tensors);
    }
    page.into_text()
}

fn layer_table(layers: &[LayerKind]) -> Table {
    let mut table = Table::new(&[
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ]);
    table.head(&[
        "count",
        "attention",
        "heads",
        "kv_heads",
        "head_dim_k",
        "head_dim_v",
        "window",
        "state_bytes",
        "notes",
    ]);
    let number =
        |number: Option<u64>| number.map_or_else(|| "-".into(), |number| number.to_string());
    for layer in layers {
        table.row(vec![
            layer.count.to_string(),
            layer.attention.into(),
            number(layer.heads),
            number(layer.kv_heads),
            number(layer.head_dim_k),
            number(layer.head_dim_v),
            number(layer.window),
            number(Some(layer.state_bytes).filter(|&bytes| bytes > 0)),
            notes(layer),
        ]);
    }
    table
}

fn notes(layer: &LayerKind) -> String {
    let mut notes = Vec::new();
    if let Some((latent, rope)) = layer.latent_dim.zip(layer.rope_dim) {
        notes.push(format!("latent {latent} + {rope}"));
    }
    if let Some(dim) = layer.indexer_dim {
        notes.push(format!("indexer {dim}"));
    }
    if layer.shares_cache {
        notes.push("shared cache".into());
    }
    notes.extend(layer.state.map(String::from));
    if layer.feed_forward > 0 {
        notes.push(format!("ff {}", layer.feed_forward));
    }
    if layer.experts > 0 {
        notes.push(format!(
            "experts {}/{} × {}",
            layer.experts_used, layer.experts, layer.expert_feed_forward
        ));
    }
    if layer.shared_expert_feed_forward > 0 {
        notes.push(format!("shared {}", layer.shared_expert_feed_forward));
    }
    if layer.next_token_prediction {
        notes.push("MTP".into());
    }
    notes.join(", ")
}
