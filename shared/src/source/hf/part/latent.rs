//! Multi-head latent attention, and the indexer of its sparse form.

use super::Part;
use crate::model::{self, Attention, HeadAttention, LatentAttention, Span};
use crate::source::hf::draft::Block;
use crate::source::hf::{ConfigError, Conversion, Fields};

/// Multi-head latent attention (DeepSeek V2 and after).
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Latent {
    /// Query heads.
    pub query_heads: u64,
    /// Elements of the compressed latent.
    pub latent_dim: u64,
    /// Elements of the compressed queries; `None` where they are not compressed.
    pub query_rank: Option<u64>,
    /// Elements of a head's key without its rotary part.
    pub nope_dim: u64,
    /// Elements of the rotary key.
    pub rope_dim: u64,
    /// Elements of a head's value.
    pub value_dim: u64,
    /// How far back the block looks.
    pub span: Span,
    /// Projections from and to the stream have biases.
    pub bias: bool,
    /// What gates the output.
    pub gate: LatentGate,
    /// A learned sink per query head.
    pub sinks: bool,
    /// A norm over the rotary key.
    pub rope_norm: bool,
    /// How the file came to be.
    pub conversion: Conversion,
}

/// What gates the output of latent attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source::hf) enum LatentGate {
    /// Nothing.
    None,
    /// One gate per head.
    PerHead,
    /// One gate per element of each head.
    PerElement,
}

impl Latent {
    /// As the usual fields give it.
    pub(in crate::source::hf) fn read(fields: &Fields<'_>) -> Result<Self, ConfigError> {
        Self::read_with_value_dim(fields, fields.width("v_head_dim")?)
    }

    /// The same with a value size known otherwise.
    pub(in crate::source::hf) fn read_with_value_dim(
        fields: &Fields<'_>,
        value_dim: u64,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            query_heads: fields.count("num_attention_heads")?,
            latent_dim: fields.width("kv_lora_rank")?,
            query_rank: fields.optional_width("q_lora_rank")?,
            nope_dim: fields.width("qk_nope_head_dim")?,
            rope_dim: match fields.value("qk_rope_head_dim") {
                Some(_) => fields.width_or("qk_rope_head_dim", 0)?,
                None => fields.width("qk_rope_head_dim")?,
            },
            value_dim,
            span: Span::Full,
            bias: fields.flag_or("attention_bias", false)?,
            gate: LatentGate::None,
            sinks: false,
            rope_norm: false,
            conversion: fields.conversion(),
        })
    }
}

impl Part for Latent {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let heads = self.query_heads;
        let key_dim = self.nope_dim.saturating_add(self.rope_dim);
        let queries = heads.saturating_mul(key_dim);
        match self.query_rank {
            Some(rank) => {
                block.linear("attn_q_a", embedding, rank, self.bias);
                block.tensor("attn_q_a_norm.weight", &[rank]);
                block.linear("attn_q_b", rank, queries, false);
            }
            None => block.linear("attn_q", embedding, queries, false),
        }
        let compressed = self.latent_dim.saturating_add(self.rope_dim);
        block.linear("attn_kv_a_mqa", embedding, compressed, self.bias);
        block.tensor("attn_kv_a_norm.weight", &[self.latent_dim]);
        let values = heads.saturating_mul(self.value_dim);
        block.linear("attn_output", values, embedding, self.bias);
        match self.gate {
            LatentGate::None => {}
            LatentGate::PerHead => block.linear("attn_gate", embedding, heads, false),
            LatentGate::PerElement => block.linear("attn_gate", embedding, values, false),
        }
        if self.sinks {
            block.tensor("attn_sinks.weight", &[heads]);
        }
        if self.rope_norm {
            block.tensor("attn_k_norm.weight", &[self.rope_dim]);
        }
        block.layer.attention = match self.conversion {
            Conversion::Current | Conversion::Checkpoint => {
                block.tensor("attn_k_b.weight", &[self.nope_dim, self.latent_dim, heads]);
                block.tensor("attn_v_b.weight", &[self.latent_dim, self.value_dim, heads]);
                Attention::Latent(LatentAttention {
                    query_heads: heads,
                    latent_dim: self.latent_dim,
                    rope_dim: self.rope_dim,
                    key_dim,
                    value_dim: self.value_dim,
                    span: self.span,
                })
            }
            Conversion::BeforeLatentCache => {
                let both = self.nope_dim.saturating_add(self.value_dim);
                block.linear(
                    "attn_kv_b",
                    self.latent_dim,
                    heads.saturating_mul(both),
                    false,
                );
                Attention::Heads(HeadAttention {
                    query_heads: heads,
                    kv_heads: heads,
                    key_dim,
                    value_dim: self.value_dim,
                    span: self.span,
                    shares_cache: false,
                })
            }
        };
    }
}

/// The indexer of DeepSeek sparse attention.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Indexer {
    /// Its query heads.
    pub heads: u64,
    /// Elements of its key.
    pub key_dim: u64,
    /// Tokens that it selects.
    pub top_k: u64,
    /// Elements of the compressed queries that it reads.
    pub query_rank: u64,
}

impl Indexer {
    /// As the usual fields give it.
    pub(in crate::source::hf) fn read(fields: &Fields<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            heads: fields.count("index_n_heads")?,
            key_dim: fields.width("index_head_dim")?,
            top_k: fields.width("index_topk")?,
            query_rank: fields.width("q_lora_rank")?,
        })
    }
}

impl Part for Indexer {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let queries = self.heads.saturating_mul(self.key_dim);
        block.linear("indexer.attn_k", embedding, self.key_dim, false);
        block.linear("indexer.attn_q_b", self.query_rank, queries, false);
        block.tensor("indexer.k_norm.weight", &[self.key_dim]);
        block.tensor("indexer.k_norm.bias", &[self.key_dim]);
        block.linear("indexer.proj", embedding, self.heads, false);
        block.layer.indexer = Some(model::Indexer {
            heads: self.heads,
            key_dim: self.key_dim,
            top_k: self.top_k,
        });
    }
}
