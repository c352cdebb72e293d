//! A model under construction: blocks of parts, and tensors as the GGUF converter writes them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::part::Part;
use super::{ConfigError, Conversion, Fields};
use crate::model::{Attention, FeedForward, Geometry, Layer, Model, Routing, Tensor, Traits};
use crate::quant::{TensorType, stays_in_f32};

/// A model under construction. A tensor that is too large is remembered and refused at the end,
/// so that families read as lists of parts.
pub(super) struct Draft {
    architecture: String,
    vocabulary: u64,
    embedding: u64,
    context: Option<u64>,
    float: TensorType,
    layers: Vec<Layer>,
    /// Tensors of no block.
    outside: Vec<Tensor>,
    /// Tensors of the blocks, in the order of a GGUF file.
    inside: Vec<Tensor>,
    stored_as: Option<TensorType>,
    routing: Routing,
    too_large: Option<String>,
}

impl Draft {
    /// A model of this GGUF architecture with the widths that every configuration gives, and
    /// its token embedding.
    pub(super) fn new(fields: &Fields<'_>, architecture: &str) -> Result<Self, ConfigError> {
        Self::with_vocabulary(
            fields,
            architecture,
            fields.width_of(&["vocab_size", "padded_vocab_size"])?,
        )
    }

    /// The same where the vocabulary is not the field's.
    pub(super) fn with_vocabulary(
        fields: &Fields<'_>,
        architecture: &str,
        vocabulary: u64,
    ) -> Result<Self, ConfigError> {
        let embedding = fields.width_of(WIDTHS)?;
        Self::with_embedding(fields, architecture, vocabulary, [embedding, vocabulary])
    }

    /// The same with an embedding of another shape: its width and its rows.
    pub(super) fn with_embedding(
        fields: &Fields<'_>,
        architecture: &str,
        vocabulary: u64,
        shape: [u64; 2],
    ) -> Result<Self, ConfigError> {
        let embedding = fields.width_of(WIDTHS)?;
        let mut draft = Self {
            architecture: architecture.to_string(),
            vocabulary,
            embedding,
            context: fields.context()?,
            float: float_type(fields),
            layers: Vec::new(),
            outside: Vec::new(),
            inside: Vec::new(),
            stored_as: None,
            routing: routing(fields)?,
            too_large: None,
        };
        draft.tensor("token_embd.weight", &shape);
        Ok(draft)
    }

    /// Width of the residual stream.
    pub(super) fn embedding(&self) -> u64 {
        self.embedding
    }

    /// Entries of the vocabulary.
    pub(super) fn vocabulary(&self) -> u64 {
        self.vocabulary
    }

    /// Adds a tensor outside of the blocks, in the type that the converter gives it.
    pub(super) fn tensor(&mut self, name: &str, dimensions: &[u64]) {
        let kind = converted_type(name, dimensions, self.float);
        let tensor = self.checked(name.to_string(), dimensions, kind);
        self.outside.extend(tensor);
    }

    /// The tensor, unless it is too large.
    fn checked(&mut self, name: String, dimensions: &[u64], kind: TensorType) -> Option<Tensor> {
        let mut extents = [1; 4];
        for (extent, &dimension) in extents.iter_mut().zip(dimensions) {
            *extent = dimension;
        }
        let tensor = Tensor::new(name.clone(), extents, kind);
        if tensor.is_none() {
            self.too_large = Some(name);
        }
        tensor
    }

    /// The norm before the output and, unless it is the embedding once more, the output matrix.
    pub(super) fn output(&mut self, tied: bool) {
        self.tensor("output_norm.weight", &[self.embedding]);
        self.output_matrix(tied);
    }

    /// A layer norm before the output, and an output matrix with a bias.
    pub(super) fn output_with_biases(&mut self) {
        self.tensor("output_norm.bias", &[self.embedding]);
        self.tensor("output.bias", &[self.vocabulary]);
        self.output(false);
    }

    /// A layer norm before the output and, unless it is the embedding once more, the output
    /// matrix.
    pub(super) fn output_with_layer_norm(&mut self, tied: bool) {
        self.tensor("output_norm.bias", &[self.embedding]);
        self.output(tied);
    }

    /// The output matrix alone.
    pub(super) fn output_matrix(&mut self, tied: bool) {
        if !tied {
            self.tensor("output.weight", &[self.embedding, self.vocabulary]);
        }
    }

    /// Adds a block of the main decoder.
    pub(super) fn block(&mut self, parts: &[&dyn Part]) {
        self.add_block(parts, false);
    }

    /// Adds a block that predicts further tokens.
    pub(super) fn prediction_block(&mut self, parts: &[&dyn Part]) {
        self.add_block(parts, true);
    }

    fn add_block(&mut self, parts: &[&dyn Part], next_token_prediction: bool) {
        let index = self.layers.len();
        let start = self.inside.len();
        let mut block = Block {
            layer: Layer {
                attention: Attention::None,
                recurrent: None,
                indexer: None,
                feed_forward: FeedForward::default(),
                next_token_prediction,
            },
            draft: self,
            index,
        };
        for part in parts {
            part.write(&mut block);
        }
        let layer = block.layer;
        self.layers.push(layer);
        let tensors = self.inside.get_mut(start..).unwrap_or_default();
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
    }

    /// The finished model, its tensors in the order of a GGUF file.
    pub(super) fn finish(self, name: &str, geometry: Geometry) -> Result<Model, ConfigError> {
        if let Some(tensor) = self.too_large {
            return Err(ConfigError::TooLarge { tensor });
        }
        let mut tensors = self.outside;
        tensors.sort_by(|left, right| left.name.cmp(&right.name));
        tensors.extend(self.inside);
        Ok(Model {
            name: name.to_string(),
            architecture: self.architecture,
            weights_format: self.stored_as.unwrap_or(self.float).name().to_uppercase(),
            trained_context_length: self.context,
            vocabulary_size: self.vocabulary,
            embedding_length: self.embedding,
            input_length: self.embedding,
            layers: self.layers,
            tensors,
            quantization: None,
            vision: None,
            stretched_context_length: None,
            traits: Traits::default(),
            geometry,
        })
    }
}

/// A block under construction.
pub(super) struct Block<'a> {
    draft: &'a mut Draft,
    index: usize,
    /// What the block keeps, filled in by its parts.
    pub(super) layer: Layer,
}

impl Block<'_> {
    /// Adds a tensor of this block, by its name within the block.
    pub(super) fn tensor(&mut self, name: &str, dimensions: &[u64]) {
        let kind = converted_type(name, dimensions, self.draft.float);
        self.push(name, dimensions, kind);
    }

    /// Adds a tensor of a type that the checkpoint itself stores.
    pub(super) fn typed_tensor(&mut self, name: &str, dimensions: &[u64], kind: TensorType) {
        self.draft.stored_as = Some(kind);
        self.push(name, dimensions, kind);
    }

    /// Adds a table of numbers that are no weights.
    pub(super) fn typed_table(&mut self, name: &str, dimensions: &[u64], kind: TensorType) {
        self.push(name, dimensions, kind);
    }

    fn push(&mut self, name: &str, dimensions: &[u64], kind: TensorType) {
        let name = format!("blk.{}.{name}", self.index);
        let tensor = self.draft.checked(name, dimensions, kind);
        self.draft.inside.extend(tensor);
    }

    /// A matrix and, where `bias` says so, its bias.
    pub(super) fn linear(&mut self, name: &str, input: u64, output: u64, bias: bool) {
        self.tensor(&format!("{name}.weight"), &[input, output]);
        if bias {
            self.tensor(&format!("{name}.bias"), &[output]);
        }
    }

    /// Width of the residual stream.
    pub(super) fn embedding(&self) -> u64 {
        self.draft.embedding
    }

    /// How the experts of a mixture are chosen and weighed.
    pub(super) fn routing(&self) -> Routing {
        self.draft.routing
    }

    /// Entries of the vocabulary.
    pub(super) fn vocabulary(&self) -> u64 {
        self.draft.vocabulary
    }
}

/// Names of the residual stream's width.
const WIDTHS: &[&str] = &["hidden_size", "n_embd", "d_model"];

/// How the experts of a mixture are chosen and weighed.
fn routing(fields: &Fields<'_>) -> Result<Routing, ConfigError> {
    let scale = ["routed_scaling_factor", "moe_router_topk_scaling_factor"]
        .iter()
        .find_map(|field| fields.value(field)?.as_f64());
    Ok(Routing {
        groups: fields.count_or("n_group", 0)?,
        kept_groups: fields.count_or("topk_group", 0)?,
        normalizes: fields.flag_or("norm_topk_prob", false)?,
        scales: scale.is_some_and(|scale| scale != 0.0 && scale != 1.0),
    })
}

/// The type that the checkpoint's matrices are said to have.
pub(super) fn float_name<'a>(fields: &Fields<'a>) -> Option<&'a str> {
    let name = fields
        .text("dtype")
        .or_else(|| fields.text("torch_dtype"))?;
    Some(name.strip_prefix("torch.").unwrap_or(name))
}

/// The type that the converter gives the checkpoint's matrices: their own where that has
/// 16 bits, F16 for wider ones. Without conversion, their own.
fn float_type(fields: &Fields<'_>) -> TensorType {
    match (float_name(fields), fields.conversion()) {
        (Some("float32" | "float"), Conversion::Checkpoint) => TensorType::F32,
        (Some("float16" | "half" | "float32" | "float"), _) => TensorType::F16,
        _ => TensorType::Bf16,
    }
}

/// The type in which the converter writes a tensor: vectors, norms, whatever is no `.weight`
/// and the small matrices above in F32, the rest as the checkpoint has it. The name is the one
/// within the block.
fn converted_type(name: &str, dimensions: &[u64], float: TensorType) -> TensorType {
    if dimensions.len() <= 1 || stays_in_f32(name) {
        TensorType::F32
    } else {
        float
    }
}
