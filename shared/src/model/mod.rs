//! What a model is: the geometry of each layer, its tensors and its trained limits.
//!
//! A [`Model`] says nothing of where it was read from or of the engine that will run it.

mod attention;
mod parameters;
mod projector;
mod quantization;
mod recurrent;
mod tensor;
mod vision;

pub use attention::{Attention, HeadAttention, Indexer, LatentAttention, Span};
pub use parameters::Parameters;
pub use projector::{Encoder, Projector};
pub use quantization::{Method, Quantization};
pub use recurrent::RecurrentState;
pub use tensor::{Tensor, TensorRole};
pub use vision::{Item, StatedVision, Vision};

use alloc::string::String;
use alloc::vec::Vec;

/// A language model's geometry and tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The name shown to people.
    pub name: String,
    /// The architecture by its GGUF name, for example `llama` or `qwen3moe`.
    pub architecture: String,
    /// How the weights are stored, for example `Q4_K_M`.
    pub weights_format: String,
    /// The longest context that the model was trained for, in tokens.
    pub trained_context_length: Option<u64>,
    /// Entries of the vocabulary: rows of the logits.
    pub vocabulary_size: u64,
    /// Width of the residual stream (`n_embd`, `hidden_size`).
    pub embedding_length: u64,
    /// Width of what enters the first block: several times the residual stream where images bring
    /// features for several blocks.
    pub input_length: u64,
    /// Every block of the model in order, multi-token-prediction blocks (last) included.
    pub layers: Vec<Layer>,
    /// Every tensor of the model, under its GGUF name.
    pub tensors: Vec<Tensor>,
    /// How the checkpoint is quantized; `None` for plain floats and for files of ggml's types.
    pub quantization: Option<Quantization>,
    /// What looks at images, where the source says so.
    pub vision: Option<Vision>,
    /// The longest context with the RoPE scaling that the source asks for beyond what it calls the
    /// longest, in tokens; `None` where it asks for none.
    pub stretched_context_length: Option<u64>,
    /// What decides on steps of the calculation and shows in no tensor.
    pub traits: Traits,
    /// How far the geometry can be trusted.
    pub geometry: Geometry,
}

/// What decides on steps of the calculation and shows in no tensor, as far as the source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traits {
    /// Norms subtract the mean.
    pub subtracts_mean: bool,
    /// Queries are scaled by a factor for each token.
    pub tempers_queries: bool,
    /// Queries and keys are rotated by position, where the architecture leaves it open.
    pub rotates: bool,
    /// Positions have a part for each direction of an image, where the architecture leaves it
    /// open.
    pub has_image_positions: bool,
    /// The network reads what attention gives, where the architecture leaves it open.
    pub follows_attention: bool,
    /// What a part gives is normalised, not what it reads, where the architecture leaves it open.
    pub normalizes_results: bool,
    /// Models that go through their layers several times: nothing is normalised in between.
    pub keeps_stream_between_passes: bool,
    /// Runs of a fast stack of layers to each of a slow one.
    pub fast_cycles: u64,
    /// Layers after which the residual stream is put aside and begun anew; 0 where it never is.
    pub residual_block_length: u64,
    /// The decay of a linear attention's state is kept above a bound.
    pub bounds_decay: bool,
    /// What the chosen experts' activation reads is kept within bounds, where the architecture leaves
    /// it open.
    pub clamps_experts: bool,
    /// Tokens that do not fill a group of an indexer's are not chosen.
    pub leaves_rest_of_groups: bool,
    /// Both factors of a gated network are kept within bounds, not the gate alone, where the
    /// architecture leaves it open.
    pub bounds_both_factors: bool,
}

/// How far a model's geometry can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Geometry {
    /// Read under rules known for this architecture.
    #[default]
    Known,
    /// The architecture is not known: every layer is taken to cache full attention, so that
    /// figures bound the real ones from above.
    Conservative,
}

/// One block of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// What the block keeps for every token of the context.
    pub attention: Attention,
    /// What the block keeps per sequence, whatever the context.
    pub recurrent: Option<RecurrentState>,
    /// A sparse-attention indexer with a key cache of its own.
    pub indexer: Option<Indexer>,
    /// The feed-forward part.
    pub feed_forward: FeedForward,
    /// The block predicts further tokens (MTP, NextN) and is not part of the main decoder.
    pub next_token_prediction: bool,
}

/// The feed-forward part of a block. A length of 0 means that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedForward {
    /// Hidden width of the dense network (`n_ff`, `intermediate_size`).
    pub length: u64,
    /// The mixture of experts, where the block has one.
    pub experts: Option<Experts>,
}

/// A mixture of experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Experts {
    /// Experts to choose from.
    pub count: u64,
    /// Experts that each token uses.
    pub used: u64,
    /// Hidden width of one expert.
    pub length: u64,
    /// Hidden width of the experts that every token uses, all together; 0 for none.
    pub shared_length: u64,
    /// How experts are chosen and weighed.
    pub routing: Routing,
}

/// How experts are chosen and weighed, as far as the model's own metadata tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Routing {
    /// Groups of experts, of which the best are chosen first; 0 or 1 for none.
    pub groups: u64,
    /// Groups that are chosen.
    pub kept_groups: u64,
    /// Whether the weights of the chosen experts are divided by their sum, where the
    /// architecture leaves it open.
    pub normalizes: bool,
    /// Whether the weights are multiplied by a factor other than 1.
    pub scales: bool,
}

impl Model {
    /// Number of weights, as [`Parameters`] counts them all.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        Parameters::of(self).total
    }

    /// Bytes of all tensors as stored, without alignment.
    #[must_use]
    pub fn weights_bytes(&self) -> u64 {
        let bytes = |tensor: &Tensor| match &self.quantization {
            Some(_) => tensor.checkpoint_bytes(),
            None => tensor.bytes(),
        };
        self.tensors
            .iter()
            .fold(0, |sum, tensor| sum.saturating_add(bytes(tensor)))
    }

    /// The tensor of that GGUF name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Blocks of the main decoder: all but the multi-token-prediction blocks.
    pub fn decoder_layers(&self) -> impl Iterator<Item = (usize, &Layer)> {
        self.layers
            .iter()
            .enumerate()
            .filter(|(_, layer)| !layer.next_token_prediction)
    }
}
