//! Mistral Large 4: latent attention whose scores are scaled by what is learned, an indexer in
//! every layer, and no rotary key in every fourth.
//!
//! Source: the model class of transformers 5.24.0.

use super::{Family, recipe};
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Indexer, Latent, Norm, Part};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[Family {
    model_types: &["mistral_large4_text", "mistral_large4"],
    nested_defaults: &[],
    build,
}];

fn build(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "mistral_large4")?;
    let embedding = draft.embedding();
    let layers = fields.layers()?;
    let latent = Latent::read(fields)?;
    let indexer = ScaledIndexer(Indexer {
        heads: fields.count("index_n_heads")?,
        key_dim: fields.width("index_head_dim")?,
        top_k: fields.width("index_topk")?,
        query_rank: embedding,
    });
    let mixture = recipe::mixture(fields, true)?;
    let sparse = recipe::sparse_layers(fields, layers)?;
    let dense = Dense::gated(fields.width("intermediate_size")?);
    let rotates = fields.integers("no_rope_layers", layers)?;
    let kinds = fields.texts("indexer_types", layers)?;
    for (index, sparse) in sparse.into_iter().enumerate() {
        let rotates = match &rotates {
            Some(rotates) => rotates.get(index) == Some(&1),
            None => index % 4 != 3,
        };
        let own = match rotates {
            true => latent,
            false => Latent {
                nope_dim: latent.nope_dim.saturating_add(latent.rope_dim),
                rope_dim: 0,
                ..latent
            },
        };
        let chooses = match &kinds {
            Some(kinds) => kinds.get(index) == Some(&"full"),
            None => true,
        };
        let mixture = mixture.as_ref().filter(|_| sparse);
        draft.block(&[
            &Norm::rms("attn_norm"),
            &own,
            &Scaled("attn_scores", own.query_heads),
            &Some(&indexer).filter(|_| chooses),
            &Norm::rms("ffn_norm"),
            &mixture,
            &Some(&dense).filter(|_| mixture.is_none()),
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// A learned scale and offset for the scores of each head.
struct Scaled(&'static str, u64);

impl Part for Scaled {
    fn write(&self, block: &mut Block<'_>) {
        block.tensor(&alloc::format!("{}.scale", self.0), &[self.1]);
        block.tensor(&alloc::format!("{}.bias", self.0), &[self.1]);
    }
}

/// An indexer with a norm before its queries.
struct ScaledIndexer(Indexer);

impl Part for ScaledIndexer {
    fn write(&self, block: &mut Block<'_>) {
        self.0.write(block);
        Scaled("indexer_scores", self.0.heads).write(block);
        Norm::layer("indexer_q_norm").write(block);
    }
}
