//! The encoder of images beside a language model.

use alloc::vec::Vec;

use super::Tensor;
use super::projector::{Encoder, Projector};
use crate::quant::TensorType;

/// Numbers of weights of what looks at images, projector included. They are no part of
/// [`Model::tensors`](super::Model): engines that read GGUF have them in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vision {
    /// Matrices of its layers, which ranks of tensor parallelism share out.
    pub shared_out: u64,
    /// Embeddings, norms and the like, which every rank has whole.
    pub whole: u64,
    /// The most tokens of one image or video that have to be read in one go, where the model sees
    /// them in both directions; 0 where it does not.
    pub item_tokens: u64,
    /// The largest image or video that it is given at once, where that is known.
    pub item: Option<Item>,
    /// What the configuration says of it by common names; `None` without an object of its own.
    pub stated: Option<StatedVision>,
}

/// What a `vision_config` says by the names that most classes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatedVision {
    /// `num_hidden_layers`, or what its class takes for that.
    pub layers: Option<u64>,
    /// `hidden_size`.
    pub width: Option<u64>,
}

/// The largest image or video, and what an encoder's layer holds of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Tokens that the language model reads of it.
    pub tokens: u64,
    /// Patches that the encoder reads.
    pub patches: u64,
    /// How many times as long a video may be, as far as the context goes.
    pub units: u64,
    /// Elements of each patch that every rank holds at once.
    pub whole: u64,
    /// Elements of each patch that ranks of tensor parallelism share out.
    pub shared_out: u64,
    /// The kind of projector that GGUF files of the encoder say; empty where there is none.
    pub projector: &'static str,
    /// The encoder itself.
    pub encoder: Encoder,
}

impl Default for Item {
    fn default() -> Self {
        Self {
            tokens: 0,
            patches: 0,
            units: 1,
            whole: 0,
            shared_out: 0,
            projector: "",
            encoder: Encoder::default(),
        }
    }
}

impl Vision {
    /// All of them; saturating.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.shared_out.saturating_add(self.whole)
    }

    /// The encoder as a GGUF file of its own has it; `None` where its layers are not known.
    ///
    /// Matrices are in 16 bits there, norms and positions in 32: a sixty-fourth more all in all is
    /// not less than that (Gemma 3: 851 MB).
    #[must_use]
    pub fn projector(&self) -> Option<Projector> {
        let item = self.item?;
        let elements = self.parameters();
        Some(Projector {
            kind: item.projector.into(),
            tensors: Vec::from([Tensor {
                name: "v".into(),
                dimensions: [elements.saturating_add(elements / 64), 1, 1, 1],
                tensor_type: TensorType::F16,
                packing: None,
            }]),
            vision: Some(item.encoder),
            audio: None,
        })
    }

    /// With more that every rank has whole; `None` beyond `u64`.
    pub(crate) fn with_whole(self, more: &[u64]) -> Option<Self> {
        let whole = more
            .iter()
            .copied()
            .try_fold(self.whole, u64::checked_add)?;
        Some(Self { whole, ..self })
    }

    /// With more that ranks share out; `None` beyond `u64`.
    pub(crate) fn with_shared_out(self, more: &[u64]) -> Option<Self> {
        let shared_out = more
            .iter()
            .copied()
            .try_fold(self.shared_out, u64::checked_add)?;
        Some(Self { shared_out, ..self })
    }
}
