//! Models known by name: tags as Ollama has them, with the configuration that the file reader
//! also takes.

pub mod digest;
mod entries;
mod error;
mod find;
mod published;

#[cfg(feature = "configs")]
pub use error::EntryError;
pub use error::NotFound;
pub use find::{find, search};
pub use published::by_library_tag;

use crate::model::Model;
use crate::quant::{FileType, QuantizeError, TensorType, quantize};
#[cfg(feature = "configs")]
use crate::source::hf::{Conversion, read_checkpoint, read_config_of};

/// A model known by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, as Ollama's tag has it: `qwen3:8b`.
    pub tag: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// The Hugging Face repository of the original weights.
    pub repository: &'static str,
    /// The file type that the tag stands for.
    pub file_type: FileType,
    /// Number of parameters as people say it: `8.2B`.
    pub parameters: &'static str,
    /// The longest context trained for, in tokens.
    pub context_length: u64,
    /// What sets the tag's file apart.
    pub quirk: Option<Quirk>,
    #[cfg(feature = "configs")]
    config: &'static str,
}

/// What sets a tag's file apart from what the converter and the quantizer make today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// Made before files said that the latent of MLA can be cached: full heads are cached.
    BeforeLatentCache,
    /// The matrices for values are in F16 whatever the file type (Ollama's Qwen3 of spring 2025).
    ValuesInF16,
}

impl Entry {
    /// The model with its weights in `file_type`, or in the tag's own file.
    ///
    /// # Errors
    /// None for the entries that are built in, which the tests read one and all.
    #[cfg(feature = "configs")]
    pub fn model(&self, file_type: Option<FileType>) -> Result<Model, EntryError> {
        Ok(self.stored(&self.unquantized()?, file_type)?)
    }

    /// The model as its configuration has it.
    ///
    /// # Errors
    /// None for the entries that are built in.
    #[cfg(feature = "configs")]
    pub fn unquantized(&self) -> Result<Model, EntryError> {
        let conversion = match self.quirk {
            Some(Quirk::BeforeLatentCache) => Conversion::BeforeLatentCache,
            _ => Conversion::Current,
        };
        let config = self.config.as_bytes();
        Ok(read_config_of(config, self.tag, conversion)?)
    }

    /// The `unquantized` model of this entry with its weights in `file_type`, or as in the tag's
    /// own file.
    ///
    /// # Errors
    /// Where the model's shapes do not take the file type.
    pub fn stored(
        &self,
        unquantized: &Model,
        file_type: Option<FileType>,
    ) -> Result<Model, QuantizeError> {
        let own_file = file_type.is_none_or(|file_type| file_type == self.file_type);
        let mut model = quantize(unquantized, file_type.unwrap_or(self.file_type))?;
        if own_file && self.quirk == Some(Quirk::ValuesInF16) {
            for tensor in &mut model.tensors {
                if tensor.name.ends_with("attn_v.weight") {
                    tensor.tensor_type = TensorType::F16;
                }
            }
        }
        Ok(model)
    }

    /// The place in the catalogue's order, and in its digest.
    #[must_use]
    pub fn place(&self) -> usize {
        // In order of the tags.
        entries::ENTRIES.partition_point(|entry| entry.tag < self.tag)
    }
}

/// The [digest](mod@digest) of every entry, unquantized; `None` where one cannot be said so, which the tests
/// rule out.
#[cfg(feature = "configs")]
#[must_use]
pub fn digest() -> Option<alloc::vec::Vec<u8>> {
    let models = entries().map(|entry| entry.unquantized().ok());
    digest::write(&models.collect::<Option<alloc::vec::Vec<_>>>()?)
}

#[cfg(feature = "configs")]
impl Entry {
    /// The model as its repository's checkpoint stores it.
    ///
    /// # Errors
    /// As [`Entry::model`].
    pub fn checkpoint(&self) -> Result<Model, EntryError> {
        Ok(read_checkpoint(self.config.as_bytes(), None, self.tag)?)
    }
}

/// Every model known by name, in alphabetical order of their tags.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    entries::ENTRIES.iter()
}

#[cfg(all(test, feature = "configs"))]
mod tests {
    use super::*;
    use crate::model::Attention;
    use alloc::vec::Vec;

    #[test]
    fn weights_are_those_of_the_quantized_file() {
        let llama = find("llama3.1:8b").unwrap().model(None).unwrap();
        assert_eq!(llama.weights_bytes(), 4_912_898_304);
        assert_eq!(llama.name, "llama3.1:8b");
        assert_eq!(llama.weights_format, "Q4_K_M");
    }

    /// Files whose size is known to the byte hold some 6 MB of metadata (the vocabulary) more.
    #[test]
    fn files_are_as_large_as_published() {
        for (tag, published) in [
            ("qwen3:0.6b", 522_653_767),
            ("qwen3-coder:30b", 18_556_700_761),
            ("llama3:8b", 4_661_224_676),
        ] {
            let weights = find(tag).unwrap().model(None).unwrap().weights_bytes();
            let metadata = published - weights;
            assert!(
                (4_000_000..9_000_000).contains(&metadata),
                "{tag}: {metadata}"
            );
        }
    }

    #[test]
    fn an_old_file_caches_full_heads() {
        let model = find("deepseek-coder-v2:16b").unwrap().model(None).unwrap();
        // Measured on that file: 270 KiB per token in F16.
        let per_token: u64 = model
            .layers
            .iter()
            .map(|layer| match layer.attention {
                Attention::Heads(heads) => 2 * heads.kv_heads * (heads.key_dim + heads.value_dim),
                _ => 0,
            })
            .sum();
        assert_eq!(per_token, 270 * 1024);
    }

    #[test]
    fn tags_are_in_order_and_names_are_of_one_entry_each() {
        let tags: Vec<&str> = entries().map(|entry| entry.tag).collect();
        assert!(tags.is_sorted());
        assert!(tags.len() >= 100);
        for entry in entries() {
            for name in entry.aliases.iter().chain([&entry.tag]) {
                assert_eq!(find(name), Ok(entry), "{name}");
            }
            assert!(find(entry.repository).is_ok(), "{}", entry.repository);
        }
    }

    #[test]
    fn the_models_of_the_first_benchmark_are_known() {
        for tag in [
            "qwen3-coder:30b",
            "glm-4.7-flash:latest",
            "deepseek-coder-v2:16b",
            "gemma3:12b",
            "qwen3:8b",
            "openbmb/minicpm-v4.5:latest",
            "gpt-oss:20b",
            "llava:7b",
            "deepseek-r1:8b",
            "qwen3:14b",
            "llama3.1:8b",
            "qwen3:14b-16k",
            "qwen3:8b-16k",
            "deepseek-r1:14b",
            "gemma3:27b",
        ] {
            let model = find(tag).unwrap().model(None).unwrap();
            assert_eq!(model.name, tag);
        }
    }

    #[test]
    fn every_entry_reads() {
        for entry in entries() {
            let model = entry.model(None).unwrap();
            assert_eq!(
                model.trained_context_length,
                Some(entry.context_length),
                "{}",
                entry.tag
            );
        }
    }
}
