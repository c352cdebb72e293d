//! Models known by name: tags as Ollama has them, with the configuration that the file reader
//! also takes.

mod entries;
mod error;
mod find;

pub use error::{EntryError, NotFound};
pub use find::{find, search};

use crate::model::Model;
use crate::quant::{FileType, quantize};
use crate::source::hf::{Conversion, read_config_of};

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
    /// How the tag's file came to be.
    pub conversion: Conversion,
    config: &'static str,
}

impl Entry {
    /// The model with its weights in `file_type`, or in the tag's own.
    ///
    /// # Errors
    /// None for the entries that are built in, which the tests read one and all.
    pub fn model(&self, file_type: Option<FileType>) -> Result<Model, EntryError> {
        let model = read_config_of(self.config.as_bytes(), self.tag, self.conversion)?;
        Ok(quantize(&model, file_type.unwrap_or(self.file_type))?)
    }
}

/// Every model known by name, in alphabetical order of their tags.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    entries::ENTRIES.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_quantized_file() {
        let llama = find("llama3.1:8b").unwrap().model(None).unwrap();
        assert_eq!(llama.weights_bytes(), 4_912_898_304);
        assert_eq!(llama.name, "llama3.1:8b");
        assert_eq!(llama.weights_format, "Q4_K_M");
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
