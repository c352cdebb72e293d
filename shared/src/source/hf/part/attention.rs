//! Attention with a key and a value per KV head.

use super::Part;
use crate::model::{Attention, HeadAttention, Span};
use crate::source::hf::draft::Block;
use crate::source::hf::{ConfigError, Fields};

/// Attention with a key and a value per KV head.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Heads {
    /// Query heads.
    pub query_heads: u64,
    /// KV heads.
    pub kv_heads: u64,
    /// Elements of one key head.
    pub key_dim: u64,
    /// Elements of one value head.
    pub value_dim: u64,
    /// How far back the block looks.
    pub span: Span,
    /// The block reads another block's cache.
    pub shares_cache: bool,
    /// Queries, keys and values come from one matrix.
    pub fused: bool,
    /// Queries, keys and values have biases.
    pub input_bias: bool,
    /// The output has a bias.
    pub output_bias: bool,
    /// Norms over queries and keys.
    pub norm: QueryKeyNorm,
    /// A learned sink per query head.
    pub sinks: bool,
    /// The query matrix also gives a gate for the output.
    pub output_gate: bool,
}

/// Norms over queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source::hf) enum QueryKeyNorm {
    /// None.
    None,
    /// One weight per element of a head, shared by all heads.
    PerHead,
    /// One weight per element of all heads together.
    Whole,
    /// One weight per element of each head.
    EachHead,
}

/// Names of the number of query heads.
const QUERY_HEADS: &[&str] = &["num_attention_heads", "n_head", "n_heads"];

impl QueryKeyNorm {
    /// This norm where `present`, else none.
    pub(in crate::source::hf) fn when(self, present: bool) -> Self {
        if present { self } else { Self::None }
    }
}

impl Heads {
    /// Full attention with the heads that the usual fields give, and plain matrices.
    pub(in crate::source::hf) fn read(fields: &Fields<'_>) -> Result<Self, ConfigError> {
        let head_dim = match fields.optional_width("head_dim")? {
            Some(head_dim) => head_dim,
            None => head_size(
                fields.width_of(&["hidden_size", "n_embd", "d_model"])?,
                fields.count_of(QUERY_HEADS)?,
            )?,
        };
        Self::read_with_dim(fields, head_dim)
    }

    /// The same with a head size known otherwise.
    pub(in crate::source::hf) fn read_with_dim(
        fields: &Fields<'_>,
        head_dim: u64,
    ) -> Result<Self, ConfigError> {
        let query_heads = fields.count_of(QUERY_HEADS)?;
        let kv_heads = fields.count_or("num_key_value_heads", query_heads)?;
        Ok(Self {
            kv_heads: if kv_heads > 0 { kv_heads } else { query_heads },
            ..Self::with_dim(query_heads, head_dim)
        })
    }

    /// Full attention with as many KV heads as query heads, and plain matrices.
    pub(in crate::source::hf) const fn with_dim(query_heads: u64, head_dim: u64) -> Self {
        Self {
            query_heads,
            kv_heads: query_heads,
            key_dim: head_dim,
            value_dim: head_dim,
            span: Span::Full,
            shares_cache: false,
            fused: false,
            input_bias: false,
            output_bias: false,
            norm: QueryKeyNorm::None,
            sinks: false,
            output_gate: false,
        }
    }

    /// What the block keeps for every token.
    pub(in crate::source::hf) fn cached(&self) -> Attention {
        Attention::Heads(HeadAttention {
            query_heads: self.query_heads,
            kv_heads: self.kv_heads,
            key_dim: self.key_dim,
            value_dim: self.value_dim,
            span: self.span,
            shares_cache: self.shares_cache,
        })
    }

    /// The same with another span.
    pub(in crate::source::hf) fn with_span(self, span: Span) -> Self {
        Self { span, ..self }
    }
}

/// The head size where only the stream's width is given.
fn head_size(embedding: u64, heads: u64) -> Result<u64, ConfigError> {
    if embedding.is_multiple_of(heads) {
        Ok(embedding / heads)
    } else {
        Err(ConfigError::NotDivisible {
            field: "hidden_size",
            by: "num_attention_heads",
        })
    }
}

impl Part for Heads {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        let queries = self.query_heads.saturating_mul(self.key_dim);
        let keys = self.kv_heads.saturating_mul(self.key_dim);
        let values = self.kv_heads.saturating_mul(self.value_dim);
        let output = self.query_heads.saturating_mul(self.value_dim);
        if self.fused {
            let all = queries.saturating_add(keys).saturating_add(values);
            block.linear("attn_qkv", embedding, all, self.input_bias);
        } else {
            let gated = queries.saturating_mul(if self.output_gate { 2 } else { 1 });
            block.linear("attn_q", embedding, gated, self.input_bias);
            block.linear("attn_k", embedding, keys, self.input_bias);
            block.linear("attn_v", embedding, values, self.input_bias);
        }
        block.linear("attn_output", output, embedding, self.output_bias);
        match self.norm {
            QueryKeyNorm::None => {}
            QueryKeyNorm::PerHead => {
                block.tensor("attn_q_norm.weight", &[self.key_dim]);
                block.tensor("attn_k_norm.weight", &[self.key_dim]);
            }
            QueryKeyNorm::Whole => {
                block.tensor("attn_q_norm.weight", &[queries]);
                block.tensor("attn_k_norm.weight", &[keys]);
            }
            QueryKeyNorm::EachHead => {
                block.tensor("attn_q_norm.weight", &[self.key_dim, self.query_heads]);
                block.tensor("attn_k_norm.weight", &[self.key_dim, self.kv_heads]);
            }
        }
        if self.sinks {
            block.tensor("attn_sinks.weight", &[self.query_heads]);
        }
        block.layer.attention = self.cached();
    }
}
