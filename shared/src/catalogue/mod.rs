//! Models known by name: tags as Ollama has them, with the configuration that the file reader
//! also takes.

mod entries;
mod error;
mod find;

pub use error::{EntryError, NotFound};
pub use find::{find, search};

use crate::model::Model;
use crate::quant::{FileType, TensorType, quantize};
use crate::source::hf::{Conversion, read_config, read_config_of};

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
    pub fn model(&self, file_type: Option<FileType>) -> Result<Model, EntryError> {
        let conversion = match self.quirk {
            Some(Quirk::BeforeLatentCache) => Conversion::BeforeLatentCache,
            _ => Conversion::Current,
        };
        let model = read_config_of(self.config.as_bytes(), self.tag, conversion)?;
        let own_file = file_type.is_none_or(|file_type| file_type == self.file_type);
        let mut model = quantize(&model, file_type.unwrap_or(self.file_type))?;
        if own_file && self.quirk == Some(Quirk::ValuesInF16) {
            for tensor in &mut model.tensors {
                if tensor.name.ends_with("attn_v.weight") {
                    tensor.tensor_type = TensorType::F16;
                }
            }
        }
        Ok(model)
    }
}

impl Entry {
    /// The model as its repository's checkpoint stores it.
    ///
    /// # Errors
    /// As [`Entry::model`].
    pub fn checkpoint(&self) -> Result<Model, EntryError> {
        Ok(read_config(self.config.as_bytes(), self.tag)?)
    }
}

/// Every model known by name, in alphabetical order of their tags.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    entries::ENTRIES.iter()
}

#[cfg(test)]
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
