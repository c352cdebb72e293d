//! GGUF headers written by hand, right and wrong ones.

/// Type numbers of metadata values.
pub const U32: u32 = 4;
pub const F32: u32 = 6;
pub const TEXT: u32 = 8;
pub const ARRAY: u32 = 9;
pub const U64: u32 = 10;

/// The bytes of a header, in the making.
#[derive(Debug, Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Magic, version 3 and the counts.
    pub fn new(tensors: u64, pairs: u64) -> Self {
        Self::of_version(3, tensors, pairs)
    }

    pub fn of_version(version: u32, tensors: u64, pairs: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(version).u64(tensors).u64(pairs)
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn u32(self, number: u32) -> Self {
        self.raw(&number.to_le_bytes())
    }

    pub fn u64(self, number: u64) -> Self {
        self.raw(&number.to_le_bytes())
    }

    /// A text with its length before it.
    pub fn text(self, text: &str) -> Self {
        self.u64(text.len() as u64).raw(text.as_bytes())
    }

    /// A key and the type of its value.
    pub fn key(self, key: &str, kind: u32) -> Self {
        self.text(key).u32(kind)
    }

    pub fn pair_u32(self, key: &str, number: u32) -> Self {
        self.key(key, U32).u32(number)
    }

    pub fn pair_text(self, key: &str, text: &str) -> Self {
        self.key(key, TEXT).text(text)
    }

    /// A key and the head of an array.
    pub fn array(self, key: &str, kind: u32, length: u64) -> Self {
        self.key(key, ARRAY).u32(kind).u64(length)
    }

    /// The head of a tensor, as far as its type; then follow type and offset.
    pub fn shape(self, name: &str, dimensions: &[u64]) -> Self {
        let rank = u32::try_from(dimensions.len()).unwrap();
        let head = self.text(name).u32(rank);
        dimensions
            .iter()
            .fold(head, |head, &extent| head.u64(extent))
    }

    pub fn tensor(self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        self.shape(name, dimensions).u32(kind).u64(offset)
    }
}

/// A header whose vocabulary has this many tokens, each with a text, a score and a type, and as
/// many merges: a metadata section as published files have it.
pub fn with_vocabulary(tokens: u32) -> Vec<u8> {
    let length = u64::from(tokens);
    let mut bytes = Bytes::new(2, 8)
        .pair_text("general.architecture", "llama")
        .pair_u32("llama.block_count", 1)
        .pair_u32("llama.embedding_length", 64)
        .pair_u32("llama.attention.head_count", 4)
        .array("tokenizer.ggml.tokens", TEXT, length);
    for token in 0..tokens {
        bytes = bytes.text(&format!("▁token{token}"));
    }
    bytes = bytes.array("tokenizer.ggml.scores", F32, length);
    for token in 0..tokens {
        bytes = bytes.u32(token);
    }
    bytes = bytes.array("tokenizer.ggml.token_type", 5, length);
    for _ in 0..tokens {
        bytes = bytes.u32(1);
    }
    bytes = bytes.array("tokenizer.ggml.merges", TEXT, length);
    for token in 0..tokens {
        bytes = bytes.text(&format!("▁tok {token}"));
    }
    bytes
        .tensor("token_embd.weight", &[64, length], 1, 0)
        .tensor("blk.0.attn_q.weight", &[64, 64], 1, 128 * length)
        .0
}
