//! What a block has beyond a decoder's to predict further tokens (MTP, NextN).

use super::Part;
use crate::source::hf::draft::Block;

/// The projections and norms around a block that predicts further tokens.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::source::hf) struct Prediction {
    /// The checkpoint stores the embedding and the output matrix once more.
    pub own_vocabulary: bool,
}

impl Part for Prediction {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let vocabulary = block.vocabulary();
        block.linear(
            "nextn.eh_proj",
            embedding.saturating_mul(2),
            embedding,
            false,
        );
        block.tensor("nextn.enorm.weight", &[embedding]);
        block.tensor("nextn.hnorm.weight", &[embedding]);
        block.tensor("nextn.shared_head_norm.weight", &[embedding]);
        if self.own_vocabulary {
            block.linear("nextn.embed_tokens", embedding, vocabulary, false);
            block.linear("nextn.shared_head_head", embedding, vocabulary, false);
        }
    }
}
