//! The encoder of images beside a language model.

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
}

impl Vision {
    /// All of them; saturating.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.shared_out.saturating_add(self.whole)
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
