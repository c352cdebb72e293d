//! MiniMax-M2, and M3 with its sparse attention.

use super::{Family, recipe};
use crate::model;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Heads, Mixture, Norm, Part, QueryKeyNorm, SharedExperts};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["minimax_m2"],
        nested_defaults: &[],
        build: second,
    },
    Family {
        model_types: &["minimax_m3_vl_text", "minimax_m3_vl"],
        nested_defaults: &[],
        build: third,
    },
];

fn second(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "minimax-m2")?;
    let heads = Heads {
        norm: QueryKeyNorm::Whole,
        ..Heads::read(fields)?
    };
    let mixture = Mixture {
        selection_bias: fields.flag_or("use_routing_bias", true)?,
        ..Mixture::new(
            fields.count("num_local_experts")?,
            fields.count("num_experts_per_tok")?,
            fields.width("intermediate_size")?,
        )
    };
    for _ in 0..fields.layers()? {
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &Norm::rms("ffn_norm"),
            &mixture,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

fn third(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "minimax-m3")?;
    let heads = Heads {
        norm: QueryKeyNorm::PerHead.when(fields.flag_or("use_qk_norm", true)?),
        ..Heads::read(fields)?
    };
    let length = fields.width("intermediate_size")?;
    let shared = fields
        .count_or("n_shared_experts", 0)?
        .saturating_mul(length);
    let mixture = Mixture {
        selection_bias: true,
        shared: SharedExperts::of(fields.width_or("shared_intermediate_size", shared)?),
        ..Mixture::new(
            fields.count("num_local_experts")?,
            fields.count("num_experts_per_tok")?,
            length,
        )
    };
    let dense = Dense::gated(fields.width("dense_intermediate_size")?);
    let layers = fields.layers()?;
    let sparse = recipe::sparse_layers(fields, layers)?;
    let selection = BlockSelection::read(fields)?;
    let kinds = fields.texts("layer_types", layers)?;
    for (index, sparse) in sparse.into_iter().enumerate() {
        let network: &dyn Part = if sparse { &mixture } else { &dense };
        let selects = match &kinds {
            Some(kinds) => kinds.get(index) == Some(&"minimax_m3_sparse"),
            None => sparse,
        };
        draft.block(&[
            &Norm::rms("attn_norm"),
            &heads,
            &selection.as_ref().filter(|_| selects),
            &Norm::rms("ffn_norm"),
            network,
        ]);
    }
    draft.output(fields.tied(false)?);
    Ok(draft)
}

/// The indexer that selects blocks of tokens; it has a key of its own.
struct BlockSelection {
    heads: u64,
    key_dim: u64,
    top_k: u64,
}

impl BlockSelection {
    fn read(fields: &Fields<'_>) -> Result<Option<Self>, ConfigError> {
        let Some(sparse) = fields.inner("sparse_attention_config") else {
            let Some(key_dim) = fields.optional_width("index_head_dim")? else {
                return Ok(None);
            };
            let blocks = fields.width("index_topk_blocks")?;
            return Ok(Some(Self {
                heads: fields.count("index_n_heads")?,
                key_dim,
                top_k: blocks.saturating_mul(fields.width("index_block_size")?),
            }));
        };
        let blocks = sparse.width("sparse_topk_blocks")?;
        Ok(Some(Self {
            heads: sparse.count("sparse_num_index_heads")?,
            key_dim: sparse.width("sparse_index_dim")?,
            top_k: blocks.saturating_mul(sparse.width("sparse_block_size")?),
        }))
    }
}

impl Part for BlockSelection {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let queries = self.heads.saturating_mul(self.key_dim);
        block.linear("indexer.q_proj", embedding, queries, false);
        block.linear("indexer.k_proj", embedding, self.key_dim, false);
        block.tensor("indexer.q_norm.weight", &[self.key_dim]);
        block.tensor("indexer.k_norm.weight", &[self.key_dim]);
        block.layer.indexer = Some(model::Indexer {
            heads: self.heads,
            key_dim: self.key_dim,
            top_k: self.top_k,
        });
    }
}
