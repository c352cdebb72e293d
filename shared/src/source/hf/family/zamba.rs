//! Zamba: Mamba in every layer, and a transformer block that some layers share, each with a cache
//! of its own.
//!
//! Source: the model classes of transformers 5.24.0.

use alloc::vec::Vec;

use super::Family;
use crate::source::hf::draft::{Block, Draft};
use crate::source::hf::part::{Dense, Gate, Heads, Mamba, Mamba2, Norm, Part};
use crate::source::hf::{ConfigError, Fields};

pub(super) const FAMILIES: &[Family] = &[
    Family {
        model_types: &["zamba"],
        nested_defaults: &[],
        build: first,
    },
    Family {
        model_types: &["zamba2"],
        nested_defaults: &[],
        build: second,
    },
];

fn first(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "zamba")?;
    let embedding = draft.embedding();
    let mamba = Mamba {
        inner: fields
            .width_or("mamba_expand", 2)?
            .saturating_mul(embedding),
        state: fields.width_or("mamba_d_state", 16)?,
        step_rank: fields.automatic_width("mamba_dt_rank", embedding.div_ceil(16))?,
        conv_kernel: fields.width_or("mamba_d_conv", 4)?,
        norms: false,
        bias: fields.flag_or("mamba_proj_bias", false)?,
        conv_bias: fields.flag_or("mamba_conv_bias", true)?,
    };
    let shared = SharedBlock::read(fields, embedding, Gate::Separate)?;
    build(fields, &mut draft, &mamba, &shared, 1)?;
    Ok(draft)
}

fn second(fields: &Fields<'_>) -> Result<Draft, ConfigError> {
    let mut draft = Draft::new(fields, "zamba2")?;
    let embedding = draft.embedding();
    let expand = fields.width_or("mamba_expand", 2)?;
    let mamba = Mamba2 {
        inner: expand.saturating_mul(embedding),
        state: fields.width_or("mamba_d_state", 64)?,
        groups: fields.count_or("mamba_ngroups", 1)?.max(1),
        heads: fields.count_or("n_mamba_heads", 8)?.max(1),
        conv_kernel: fields.width_or("mamba_d_conv", 4)?,
        conv_bias: fields.flag_or("use_conv_bias", true)?,
        norm: true,
        bias: fields.flag_or("add_bias_linear", false)?,
    };
    let bias = fields.flag_or("add_bias_linear", false)?;
    let rank = fields.width_or("adapter_rank", 128)?;
    let adapts_attention = fields.flag_or("use_shared_attention_adapter", false)?;
    let shared = SharedBlock {
        network_bias: bias,
        network_rank: Some(rank),
        attention_rank: adapts_attention.then_some(rank),
        ..SharedBlock::read(fields, embedding, Gate::Fused)?
    };
    let blocks = fields.count_or("num_mem_blocks", 1)?.max(1);
    build(fields, &mut draft, &mamba, &shared, blocks)?;
    Ok(draft)
}

/// The layers; `blocks` transformer blocks take turns.
fn build(
    fields: &Fields<'_>,
    draft: &mut Draft,
    mamba: &dyn Part,
    shared: &SharedBlock,
    blocks: u64,
) -> Result<(), ConfigError> {
    let mut uses = 0;
    for hybrid in hybrid_layers(fields, fields.layers()?)? {
        if hybrid {
            let own = SharedBlock {
                owns: uses < blocks,
                ..*shared
            };
            draft.block(&[&Norm::rms("attn_norm"), mamba, &own]);
            uses += 1;
        } else {
            draft.block(&[&Norm::rms("attn_norm"), mamba]);
        }
    }
    draft.output(fields.tied(true)?);
    Ok(())
}

fn hybrid_layers(fields: &Fields<'_>, layers: usize) -> Result<Vec<bool>, ConfigError> {
    if let Some(kinds) = fields.texts("layers_block_type", layers)? {
        return Ok(kinds.iter().map(|&kind| kind == "hybrid").collect());
    }
    if let Some(indices) = fields.indices("hybrid_layer_ids")? {
        let hybrid = |index| indices.contains(&index);
        return Ok((0..layers as u64).map(hybrid).collect());
    }
    // The first two are early: after two layers, and five later.
    let period = fields.count_or("attn_layer_period", 6)?.max(1);
    let offset = fields.count_or("attn_layer_offset", 4)?;
    let hybrid = |index: u64| match index {
        0 | 1 => false,
        2 => true,
        index => index.saturating_sub(3) % period == offset,
    };
    Ok((0..layers as u64).map(hybrid).collect())
}

/// A transformer block over the stream and the embeddings, which several layers share.
#[derive(Clone, Copy)]
struct SharedBlock {
    heads: Heads,
    length: u64,
    gate: Gate,
    network_bias: bool,
    /// Rank of what each use adds to the network's first matrix.
    network_rank: Option<u64>,
    /// Rank of what each use adds to queries, keys and values.
    attention_rank: Option<u64>,
    /// The first layer that uses it holds it.
    owns: bool,
}

impl SharedBlock {
    fn read(fields: &Fields<'_>, embedding: u64, gate: Gate) -> Result<Self, ConfigError> {
        let query_heads = fields.count("num_attention_heads")?;
        let both = embedding.saturating_mul(2);
        let head_dim = fields.width_or("attention_head_dim", (both / query_heads).max(1))?;
        Ok(Self {
            heads: Heads::read_with_dim(fields, head_dim)?,
            length: fields.width("intermediate_size")?,
            gate,
            network_bias: false,
            network_rank: None,
            attention_rank: None,
            owns: true,
        })
    }
}

impl Part for SharedBlock {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let both = embedding.saturating_mul(2);
        let queries = self.heads.query_heads.saturating_mul(self.heads.key_dim);
        let keys = self.heads.kv_heads.saturating_mul(self.heads.key_dim);
        block.linear("shared_out", embedding, embedding, false);
        if self.owns {
            block.linear("attn_q", both, queries, false);
            block.linear("attn_k", both, keys, false);
            block.linear("attn_v", both, keys, false);
            block.linear("attn_output", queries, embedding, false);
            block.tensor("shared_attn_norm.weight", &[both]);
            block.tensor("ffn_norm.weight", &[embedding]);
            Dense {
                length: self.length,
                gate: self.gate,
                bias: self.network_bias,
            }
            .write(block);
        }
        if let Some(rank) = self.network_rank {
            block.linear("ffn_up_lora_a", embedding, rank, false);
            block.linear("ffn_up_lora_b", rank, self.length.saturating_mul(2), false);
        }
        if let Some(rank) = self.attention_rank {
            for (part, width) in [("q", queries), ("k", keys), ("v", keys)] {
                block.linear(&alloc::format!("attn_{part}_lora_a"), both, rank, false);
                block.linear(&alloc::format!("attn_{part}_lora_b"), rank, width, false);
            }
        }
        block.layer.attention = self.heads.cached();
    }
}
