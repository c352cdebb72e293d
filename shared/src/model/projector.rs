//! What makes images and sound readable to a language model.

use alloc::string::String;
use alloc::vec::Vec;

use super::Tensor;

/// A projector (`mmproj`): encoders of images and sound, and what carries their results over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projector {
    /// The kind by its GGUF name, for example `gemma3` or `qwen2.5vl_merger`.
    pub kind: String,
    /// Every tensor, under its GGUF name.
    pub tensors: Vec<Tensor>,
    /// The encoder of images.
    pub vision: Option<Encoder>,
    /// The encoder of sound.
    pub audio: Option<Encoder>,
}

/// A transformer that reads patches of an image or pieces of sound. 0 where the file does not
/// say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoder {
    /// Width of the residual stream.
    pub width: u64,
    /// Hidden width of the feed-forward network.
    pub feed_forward_length: u64,
    /// Attention heads.
    pub heads: u64,
    /// Pixels along a patch.
    pub patch_size: u64,
    /// Pixels along the image.
    pub image_size: u64,
    /// Patches along the square that becomes one token.
    pub merge: u64,
}
