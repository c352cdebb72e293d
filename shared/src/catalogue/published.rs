//! Where files of the catalogue's models are published: tags of Ollama's library, and repositories
//! of GGUF files on the Hub.
//!
//! Source: the library's own lists of tags (August 2026), and the repositories that the Hub names
//! as quantizations of the originals.

use alloc::format;
use alloc::string::String;

use super::{Entry, entries};
use crate::quant::FileType::{
    self, Bf16, F16, Mxfp4, Mxfp4Moe, Q2K, Q3KL, Q3KM, Q3KS, Q4_0, Q4_1, Q4KM, Q4KS, Q5_0, Q5_1,
    Q5KM, Q5KS, Q6K, Q8_0,
};

/// What the library has of most models.
const FEW_F16: &[FileType] = &[Q4KM, Q8_0, F16];
/// The same with the other type of 16 bits.
const FEW_BF16: &[FileType] = &[Q4KM, Q8_0, Bf16];
/// What it has of older ones.
const ALL_F16: &[FileType] = &[
    Q2K, Q3KS, Q3KM, Q3KL, Q4_0, Q4_1, Q4KS, Q4KM, Q5_0, Q5_1, Q5KS, Q5KM, Q6K, Q8_0, F16,
];
/// The same with the other type of 16 bits.
const ALL_BF16: &[FileType] = &[
    Q2K, Q3KS, Q3KM, Q3KL, Q4_0, Q4_1, Q4KS, Q4KM, Q5_0, Q5_1, Q5KS, Q5KM, Q6K, Q8_0, Bf16,
];

/// The entry's tag, what stands before the format in the tags of its other files, and which of
/// those there are.
#[rustfmt::skip]
const LIBRARY: &[(&str, &str, &[FileType])] = &[
    ("codestral:22b", "22b-v0.1", &[Q2K, Q3KS, Q3KM, Q3KL, Q4_0, Q4_1, Q4KS, Q4KM, Q5_0, Q5_1, Q5KS, Q5KM, Q6K, Q8_0]),
    ("command-r7b:7b", "7b-12-2024", FEW_F16),
    ("deepseek-coder-v2:16b", "16b-lite-instruct", ALL_F16),
    ("deepseek-r1:1.5b", "1.5b-qwen-distill", FEW_F16),
    ("deepseek-r1:14b", "14b-qwen-distill", FEW_F16),
    ("deepseek-r1:32b", "32b-qwen-distill", FEW_F16),
    ("deepseek-r1:70b", "70b-llama-distill", FEW_F16),
    ("deepseek-r1:7b", "7b-qwen-distill", FEW_F16),
    ("deepseek-r1:8b", "8b-0528-qwen3", FEW_F16),
    ("deepseek-v3:671b", "671b", FEW_F16),
    ("devstral-small-2:24b", "24b-instruct-2512", FEW_F16),
    ("devstral:24b", "24b-small-2505", FEW_F16),
    ("exaone3.5:7.8b", "7.8b-instruct", FEW_F16),
    ("falcon3:10b", "10b-instruct", FEW_F16),
    ("gemma2:27b", "27b-instruct", ALL_F16),
    ("gemma2:2b", "2b-instruct", ALL_F16),
    ("gemma2:9b", "9b-instruct", ALL_F16),
    ("gemma3:12b", "12b-it", FEW_F16),
    ("gemma3:1b", "1b-it", FEW_F16),
    ("gemma3:270m", "270m-it", &[Q8_0, F16, Bf16]),
    ("gemma3:27b", "27b-it", FEW_F16),
    ("gemma3:4b", "4b-it", FEW_F16),
    ("gemma3n:e2b", "e2b-it", FEW_F16),
    ("gemma3n:e4b", "e4b-it", FEW_F16),
    ("gemma4:12b", "12b-it", FEW_BF16),
    ("gemma4:26b", "26b-a4b-it", FEW_BF16),
    ("gemma4:31b", "31b-it", FEW_BF16),
    ("gemma4:e2b", "e2b-it", FEW_BF16),
    ("gemma4:e4b", "e4b-it", FEW_BF16),
    ("glm-4.7-flash:latest", "", FEW_BF16),
    ("gpt-oss:120b", "", &[]),
    ("gpt-oss:20b", "", &[]),
    ("granite3.3:8b", "", &[]),
    ("granite4.1:30b", "30b", ALL_BF16),
    ("granite4.1:8b", "8b", ALL_BF16),
    ("granite4:3b", "", &[]),
    ("granite4:micro-h", "", &[]),
    ("granite4:small-h", "", &[]),
    ("granite4:tiny-h", "", &[]),
    ("lfm2.5-thinking:1.2b", "1.2b", FEW_BF16),
    ("lfm2:24b", "24b", FEW_BF16),
    ("llama2:7b", "7b-chat", ALL_F16),
    ("llama3.1:70b", "70b-instruct", &[Q2K, Q3KS, Q3KM, Q3KL, Q4_0, Q4KS, Q4KM, Q5_0, Q5_1, Q5KS, Q5KM, Q6K, Q8_0, F16]),
    ("llama3.1:8b", "8b-instruct", ALL_F16),
    ("llama3.2:1b", "1b-instruct", ALL_F16),
    ("llama3.2:3b", "3b-instruct", ALL_F16),
    ("llama3.3:70b", "70b-instruct", &[Q2K, Q3KS, Q3KM, Q4_0, Q4KS, Q4KM, Q5_0, Q5_1, Q5KM, Q6K, Q8_0, F16]),
    ("llama3:8b", "8b-instruct", ALL_F16),
    ("llama4:16x17b", "17b-scout-16e-instruct", FEW_F16),
    ("llava:7b", "7b-v1.6-mistral", ALL_F16),
    ("magistral:24b", "24b-small-2506", FEW_F16),
    ("ministral-3:14b", "14b-instruct-2512", FEW_F16),
    ("ministral-3:3b", "3b-instruct-2512", FEW_F16),
    ("ministral-3:8b", "8b-instruct-2512", FEW_F16),
    ("mistral-nemo:12b", "12b-instruct-2407", ALL_F16),
    ("mistral-small3.2:24b", "24b-instruct-2506", FEW_F16),
    ("mistral-small:24b", "24b-instruct-2501", FEW_F16),
    ("mistral:7b", "7b-instruct-v0.3", ALL_F16),
    ("mixtral:8x7b", "8x7b-instruct-v0.1", ALL_F16),
    ("nemotron-3-nano:30b", "30b-a3b", FEW_F16),
    ("nemotron-3-super:120b", "120b-a12b", FEW_BF16),
    ("olmo-3:32b", "32b-think", FEW_F16),
    ("olmo-3:7b", "7b-think", FEW_F16),
    ("olmo2:7b", "7b-1124-instruct", FEW_F16),
    ("phi3.5:3.8b", "3.8b-mini-instruct", ALL_F16),
    ("phi4-mini:3.8b", "3.8b", FEW_F16),
    ("phi4:14b", "14b", FEW_F16),
    ("qwen2.5-coder:14b", "14b-instruct", ALL_F16),
    ("qwen2.5-coder:32b", "32b-instruct", ALL_F16),
    ("qwen2.5-coder:7b", "7b-instruct", ALL_F16),
    ("qwen2.5:1.5b", "1.5b-instruct", ALL_F16),
    ("qwen2.5:14b", "14b-instruct", ALL_F16),
    ("qwen2.5:32b", "32b-instruct", ALL_F16),
    ("qwen2.5:3b", "3b-instruct", ALL_F16),
    ("qwen2.5:72b", "72b-instruct", ALL_F16),
    ("qwen2.5:7b", "7b-instruct", ALL_F16),
    ("qwen2.5vl:7b", "7b", FEW_F16),
    ("qwen3-coder-next:latest", "", &[Q4KM, Q8_0]),
    ("qwen3-coder:30b", "30b-a3b", FEW_F16),
    ("qwen3-next:80b", "80b-a3b-thinking", FEW_F16),
    ("qwen3-vl:30b", "30b-a3b-thinking", FEW_BF16),
    ("qwen3-vl:32b", "32b-thinking", FEW_BF16),
    ("qwen3-vl:4b", "4b-thinking", FEW_BF16),
    ("qwen3-vl:8b", "8b-thinking", FEW_BF16),
    ("qwen3.5:0.8b", "0.8b", &[Q8_0, Bf16]),
    ("qwen3.5:122b", "122b-a10b", &[Q4KM]),
    ("qwen3.5:27b", "27b", FEW_BF16),
    ("qwen3.5:2b", "2b", FEW_BF16),
    ("qwen3.5:35b", "35b-a3b", FEW_BF16),
    ("qwen3.5:4b", "4b", FEW_BF16),
    ("qwen3.5:9b", "9b", FEW_BF16),
    ("qwen3.6:27b", "27b", FEW_BF16),
    ("qwen3.6:35b", "35b-a3b", FEW_BF16),
    ("qwen3.8:27b", "27b-mtp", FEW_BF16),
    ("qwen3:0.6b", "0.6b", FEW_F16),
    ("qwen3:1.7b", "1.7b", FEW_F16),
    ("qwen3:14b", "14b", FEW_F16),
    ("qwen3:14b-16k", "14b", FEW_F16),
    ("qwen3:235b", "235b-a22b-thinking-2507", FEW_F16),
    ("qwen3:30b", "30b-a3b-thinking-2507", FEW_F16),
    ("qwen3:32b", "32b", FEW_F16),
    ("qwen3:4b", "4b-thinking-2507", FEW_F16),
    ("qwen3:8b", "8b", FEW_F16),
    ("qwen3:8b-16k", "8b", FEW_F16),
    ("qwq:32b", "32b", FEW_F16),
    ("smollm2:1.7b", "1.7b-instruct", ALL_F16),
    ("smollm2:135m", "135m-instruct", ALL_F16),
    ("starcoder2:7b", "7b", ALL_F16),
    ("tinyllama:1.1b", "1.1b-chat-v1", ALL_F16),
];

/// Entries whose files of all usual formats are published by each owner, as `NAME-GGUF`.
#[rustfmt::skip]
const OWNERS: &[(&str, &[&str])] = &[
    ("unsloth", &[
        "deepseek-r1:1.5b", "deepseek-r1:14b", "deepseek-r1:32b", "deepseek-r1:70b",
        "deepseek-r1:8b", "deepseek-v3:671b", "ernie-4.5:21b-a3b", "falcon-h1:7b", "gemma4:12b",
        "gemma4:26b", "gemma4:e2b", "gemma4:e4b", "glm-4.5-air", "glm-4.7-flash:latest",
        "glm-4:32b", "glm-4:9b", "gpt-oss:120b", "gpt-oss:20b", "granite3.3:8b", "granite4.1:30b",
        "granite4.1:8b", "granite4:3b", "granite4:micro-h", "granite4:small-h", "granite4:tiny-h",
        "hunyuan:a13b", "lfm2.5-thinking:1.2b", "minimax-m2", "olmo-3:7b", "phi4-mini:3.8b",
        "phi4:14b", "qwen2.5-coder:14b", "qwen2.5-coder:32b", "qwen2.5-coder:7b", "qwen2.5vl:7b",
        "qwen3-coder-next:latest", "qwen3-coder:30b", "qwen3-next:80b", "qwen3-vl:30b",
        "qwen3-vl:32b", "qwen3-vl:4b", "qwen3-vl:8b", "qwen3.5:0.8b", "qwen3.5:122b",
        "qwen3.5:27b", "qwen3.5:2b", "qwen3.5:35b", "qwen3.5:4b", "qwen3.5:9b", "qwen3.6:27b",
        "qwen3.6:35b", "qwen3.8:27b", "qwen3:0.6b", "qwen3:1.7b", "qwen3:14b", "qwen3:14b-16k",
        "qwen3:235b", "qwen3:30b", "qwen3:32b", "qwen3:4b", "qwen3:8b", "qwen3:8b-16k", "qwq:32b",
        "seed-oss:36b", "smollm2:1.7b", "smollm2:135m", "smollm3:3b",
    ]),
    ("bartowski", &[
        "deepseek-coder-v2:16b", "deepseek-r1:7b", "falcon3:10b", "olmo2:7b", "phi3.5:3.8b",
        "qwen2.5:1.5b", "qwen2.5:14b", "qwen2.5:32b", "qwen2.5:3b", "qwen2.5:72b", "qwen2.5:7b",
    ]),
    ("mradermacher", &[
        "exaone4:32b", "kimi-linear:48b-a3b", "lfm2:24b", "ling-mini-2.0", "llava:7b",
        "nemotron-3-nano:30b", "nemotron-3-super:120b", "tinyllama:1.1b",
    ]),
    ("ggml-org", &[
        "gemma4:31b",
    ]),
];

impl Entry {
    /// The tag of Ollama's library under which the model's file of this type is; `None` where the
    /// library has none.
    #[must_use]
    pub fn ollama_tag(&self, file_type: FileType) -> Option<String> {
        let known = LIBRARY.iter().any(|(own, ..)| *own == self.tag);
        if file_type == self.file_type && known {
            return Some(self.library_name().into());
        }
        self.library_tag(file_type)
    }

    /// The tag without a context of the entry's own, which two of the first benchmark have.
    fn library_name(&self) -> &'static str {
        self.tag.strip_suffix("-16k").unwrap_or(self.tag)
    }

    /// The tag that spells the format out.
    fn library_tag(&self, file_type: FileType) -> Option<String> {
        let tag = self.library_name();
        let (_, stem, published) = LIBRARY.iter().find(|(own, ..)| *own == self.tag)?;
        let format = published
            .contains(&file_type)
            .then(|| format_in_tags(file_type))?;
        let (name, _) = tag.split_once(':').unwrap_or((tag, ""));
        Some(match *stem {
            "" => format!("{name}:{format}"),
            stem => format!("{name}:{stem}-{format}"),
        })
    }

    /// A repository of the Hub with the model's file of this type; `None` where none is known.
    #[must_use]
    pub fn gguf_repository(&self, file_type: FileType) -> Option<String> {
        let (owner, _) = OWNERS.iter().find(|(_, tags)| tags.contains(&self.tag))?;
        let owner = match file_type {
            // The others' files are not called so.
            Mxfp4 | Mxfp4Moe => "ggml-org",
            _ => owner,
        };
        let (_, name) = self.repository.split_once('/')?;
        Some(format!("{owner}/{name}-GGUF"))
    }
}

/// The entry and the file type of a tag of Ollama's library that names both, whatever its case:
/// `gemma3:12b-it-q8_0`.
#[must_use]
pub fn by_library_tag(tag: &str) -> Option<(&'static Entry, FileType)> {
    LIBRARY.iter().find_map(|(own, _, published)| {
        let is_16k = own.ends_with("-16k");
        let entry = entries().find(|entry| entry.tag == *own && !is_16k)?;
        let is_own = |file_type: &&FileType| {
            let known = entry.library_tag(**file_type);
            known.is_some_and(|known| known.eq_ignore_ascii_case(tag))
        };
        let file_type = published.iter().find(is_own)?;
        Some((entry, *file_type))
    })
}

/// The format as the library's tags spell it: `q4_K_M`, `fp16`.
fn format_in_tags(file_type: FileType) -> String {
    match file_type {
        F16 => "fp16".into(),
        Bf16 => "bf16".into(),
        other => other.name().replacen('Q', "q", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    #[test]
    fn tags_are_those_of_the_library() {
        for (name, file_type, tag) in [
            ("qwen3:8b", Q8_0, Some("qwen3:8b-q8_0")),
            ("qwen3:8b", Q4KM, Some("qwen3:8b")),
            ("qwen3:8b-16k", F16, Some("qwen3:8b-fp16")),
            ("qwen3:8b", Q5KM, None),
            ("gemma3:12b", Q8_0, Some("gemma3:12b-it-q8_0")),
            ("llama3.1:8b", Q5KM, Some("llama3.1:8b-instruct-q5_K_M")),
            (
                "deepseek-r1:8b",
                F16,
                Some("deepseek-r1:8b-0528-qwen3-fp16"),
            ),
            ("glm-4.7-flash", Q8_0, Some("glm-4.7-flash:q8_0")),
            ("qwen3.5:4b", Bf16, Some("qwen3.5:4b-bf16")),
            ("gpt-oss:20b", Q8_0, None),
            ("seed-oss:36b", Q4KM, None),
        ] {
            let found = find(name).unwrap().ollama_tag(file_type);
            assert_eq!(found.as_deref(), tag, "{name} {file_type}");
        }
    }

    #[test]
    fn tags_of_the_library_name_entry_and_format() {
        for (tag, entry, file_type) in [
            ("gemma3:12b-it-q8_0", "gemma3:12b", Q8_0),
            ("QWEN3:8b-FP16", "qwen3:8b", F16),
            ("llama3.1:8b-instruct-q4_K_M", "llama3.1:8b", Q4KM),
            ("glm-4.7-flash:q4_K_M", "glm-4.7-flash:latest", Q4KM),
        ] {
            let found = by_library_tag(tag).map(|(entry, file_type)| (entry.tag, file_type));
            assert_eq!(found, Some((entry, file_type)), "{tag}");
        }
        for tag in ["qwen3:8b", "qwen3:8b-q5_K_M", "gemma3:12b-q8_0", ""] {
            assert_eq!(by_library_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn every_row_is_of_an_entry() {
        let known = |tag: &str| entries().any(|entry| entry.tag == tag);
        assert!(LIBRARY.iter().all(|(tag, ..)| known(tag)));
        let mut owned = OWNERS.iter().flat_map(|(_, tags)| tags.iter());
        assert!(owned.all(|tag| known(tag)));
        let repository = find("qwen3:8b").unwrap().gguf_repository(Q4KM);
        assert_eq!(repository.as_deref(), Some("unsloth/Qwen3-8B-GGUF"));
        assert_eq!(find("gemma3:4b").unwrap().gguf_repository(Q4KM), None);
        let own = find("gpt-oss:20b").unwrap().gguf_repository(Mxfp4);
        assert_eq!(own.as_deref(), Some("ggml-org/gpt-oss-20b-GGUF"));
    }
}
