//! What attention keeps for every token.

/// The attention part of a block, by what it caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// The block has no attention, or caches nothing for it.
    None,
    /// Keys and values per head (multi-head, grouped-query, multi-query).
    Heads(HeadAttention),
    /// One compressed latent per token (MLA).
    Latent(LatentAttention),
}

/// Attention with a key and a value per KV head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadAttention {
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
    /// The block reads another block's cache and keeps none of its own.
    pub shares_cache: bool,
}

/// Multi-head latent attention: what is cached is one latent and one rotary key per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentAttention {
    /// Query heads.
    pub query_heads: u64,
    /// Elements of the compressed latent (`kv_lora_rank`).
    pub latent_dim: u64,
    /// Elements of the rotary key that all heads share (`qk_rope_head_dim`).
    pub rope_dim: u64,
    /// Elements of one decompressed key head, rotary part included.
    pub key_dim: u64,
    /// Elements of one decompressed value head.
    pub value_dim: u64,
    /// How far back the block looks.
    pub span: Span,
}

/// How far back a block looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    /// At the whole context.
    #[default]
    Full,
    /// At the last `window` tokens.
    Sliding {
        /// Tokens.
        window: u64,
    },
    /// At its own chunk of `chunk` tokens.
    Chunked {
        /// Tokens.
        chunk: u64,
    },
}

impl Span {
    /// The window or chunk in tokens; `None` for full attention.
    #[must_use]
    pub fn limit(self) -> Option<u64> {
        match self {
            Self::Full => None,
            Self::Sliding { window } => Some(window),
            Self::Chunked { chunk } => Some(chunk),
        }
    }
}

/// A sparse-attention indexer (DSA): it keeps one key of its own per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexer {
    /// Query heads of the indexer; they are not cached.
    pub heads: u64,
    /// Elements of the cached key.
    pub key_dim: u64,
    /// Tokens that the indexer selects.
    pub top_k: u64,
}

impl Attention {
    /// The span of the block's attention, where it has one.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::None => None,
            Self::Heads(heads) => Some(heads.span),
            Self::Latent(latent) => Some(latent.span),
        }
    }
}
