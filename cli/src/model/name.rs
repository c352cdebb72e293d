//! What the words of a MODEL say: a name, and perhaps a format of the weights.

use shared::catalogue;
use shared::quant::FileType;

use super::ModelError;
use crate::arguments::ModelChoice;
use crate::failure::Failure;

/// A name, and the format of the weights asked for with it.
pub(super) struct Named {
    /// The name without the format.
    pub(super) name: String,
    /// The format, by `:Q4_K_M`, a tag such as `qwen3:8b-q8_0`, `--quant` or `--file`.
    pub(super) file_type: Option<FileType>,
}

/// Splits the format off the name.
///
/// # Errors
/// Where the name and the options ask for different formats.
pub(super) fn split(given: &str, choice: &ModelChoice) -> Result<Named, Failure> {
    let (name, suffix) = match catalogue::by_library_tag(given) {
        Some((entry, file_type)) => (entry.tag, Some(file_type)),
        None => suffix(given),
    };
    let in_file = choice.file.as_deref().and_then(in_file_name);
    let asked = [choice.file_type(), suffix, in_file];
    let mut formats = asked.into_iter().flatten();
    let file_type = formats.next();
    match (file_type, formats.find(|&other| Some(other) != file_type)) {
        (Some(first), Some(second)) => Err(ModelError::TwoFormats { first, second }.into()),
        _ => Ok(Named {
            name: name.into(),
            file_type,
        }),
    }
}

/// The format at the end of a name, after `:`, or after `-` in a tag.
fn suffix(given: &str) -> (&str, Option<FileType>) {
    let Some((name, tag)) = given.rsplit_once(':') else {
        return (given, None);
    };
    if let Some(file_type) = FileType::from_name(tag) {
        return (name, Some(file_type));
    }
    let quantized = tag.rsplit_once('-').and_then(|(size, format)| {
        let file_type = FileType::from_name(format)?;
        given
            .get(..name.len() + 1 + size.len())
            .map(|name| (name, Some(file_type)))
    });
    quantized.unwrap_or((given, None))
}

/// A name and what follows it in the form of a format, where it is none that is known: `Q99`,
/// `8b-q99`.
pub(super) fn unknown_format(given: &str) -> Option<(&str, &str)> {
    let (name, tag) = given.rsplit_once(':')?;
    if looks_like_format(tag) {
        return Some((name, tag));
    }
    let (size, format) = tag.rsplit_once('-')?;
    let name = given.get(..name.len() + 1 + size.len())?;
    looks_like_format(format).then_some((name, format))
}

/// Whether a person means a format of weights: letters of one, and a number.
fn looks_like_format(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let prefixes = [
        "iq", "tq", "q", "bf", "fp", "f", "mxfp", "nvfp", "awq", "gptq", "int", "nf", "exl",
    ];
    let follows = |prefix: &&str| {
        lower.strip_prefix(*prefix).is_some_and(|rest| {
            let rest = rest.trim_start_matches(['-', '_']);
            rest.is_empty() && prefix.len() > 2 || rest.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    prefixes.iter().any(follows)
}

/// The format in the name of a GGUF file, as publishers put it there.
pub(super) fn in_file_name(file: &str) -> Option<FileType> {
    let stem = file.strip_suffix(".gguf").unwrap_or(file);
    FileType::ALL
        .iter()
        .copied()
        .filter(|known| {
            stem.to_ascii_uppercase()
                .split(['-', '.', '/'])
                .any(|part| part == known.name())
        })
        .max_by_key(|known| known.name().len())
}

/// The name without what an address of the Hub has before and after it: people paste addresses, and
/// Ollama's `hf.co/OWNER/NAME`.
pub(super) fn without_address(given: &str) -> &str {
    let address = given
        .strip_prefix("https://")
        .or_else(|| given.strip_prefix("http://"));
    let name = address.unwrap_or(given);
    let hosts = ["huggingface.co/", "www.huggingface.co/", "hf.co/"];
    let Some(name) = hosts.iter().find_map(|host| name.strip_prefix(host)) else {
        return given;
    };
    let pages = ["/tree/", "/blob/", "/resolve/", "?", "#"];
    let end = pages.iter().filter_map(|page| name.find(page)).min();
    let name = end.and_then(|end| name.get(..end)).unwrap_or(name);
    name.trim_end_matches('/')
}

/// Whether a person means a file of this machine.
pub(super) fn looks_like_path(given: &str) -> bool {
    let extension = given.rsplit_once('.').map(|(_, extension)| extension);
    matches!(extension, Some("gguf" | "json" | "safetensors"))
        || given.starts_with(['.', '/', '~'])
        || given.ends_with('/')
        || given.contains('\\')
}

/// Whether it has the form of a Hub repository, `owner/name`, a format aside.
pub(super) fn looks_like_repository(given: &str) -> bool {
    let (name, _) = suffix(given);
    matches!(name.split('/').collect::<Vec<_>>().as_slice(), [owner, name] if !owner.is_empty() && !name.is_empty())
}

/// The catalogue's name for the model of a repository that holds it in another format, such as
/// `someone/Qwen3-8B-GGUF`.
pub(super) fn same_model(repository: &str) -> Option<&'static str> {
    let (_, name) = repository.split_once('/')?;
    let name = name.to_lowercase();
    let model = ["-gguf", "-awq", "-gptq", "-fp8", "-nvfp4"]
        .iter()
        .find_map(|format| name.strip_suffix(format))?;
    catalogue::entries()
        .find(|entry| {
            let original = entry.repository.to_lowercase();
            let own = original.split_once('/').map(|(_, own)| own);
            // Some publishers put the first owner before the name.
            own == Some(model) || original.replace('/', "_") == model
        })
        .map(|entry| entry.tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_other_formats_lead_to_the_catalogue() {
        for repository in ["someone/Qwen3-8B-GGUF", "someone/Qwen_Qwen3-8B-GGUF"] {
            assert_eq!(same_model(repository), Some("qwen3:8b"), "{repository}");
        }
        assert_eq!(same_model("someone/Qwen3-9B-GGUF"), None);
        assert_eq!(same_model("someone/Qwen3-8B-tuned"), None);
    }

    #[test]
    fn formats_follow_a_colon_or_end_a_tag() {
        for (given, name, file_type) in [
            ("qwen3:8b", "qwen3:8b", None),
            ("qwen3:8b:Q8_0", "qwen3:8b", Some(FileType::Q8_0)),
            ("qwen3:8b-q4_K_M", "qwen3:8b", Some(FileType::Q4KM)),
            (
                "Qwen/Qwen3-8B:q4_k_m",
                "Qwen/Qwen3-8B",
                Some(FileType::Q4KM),
            ),
            ("qwen3:8b-16k", "qwen3:8b-16k", None),
            ("C:\\models\\config.json", "C:\\models\\config.json", None),
            ("", "", None),
        ] {
            assert_eq!(suffix(given), (name, file_type), "{given}");
        }
    }

    #[test]
    fn addresses_of_the_hub_name_repositories() {
        for given in [
            "Qwen/Qwen3-8B",
            "https://huggingface.co/Qwen/Qwen3-8B",
            "https://huggingface.co/Qwen/Qwen3-8B/tree/main",
            "http://hf.co/Qwen/Qwen3-8B/",
            "hf.co/Qwen/Qwen3-8B",
            "https://huggingface.co/Qwen/Qwen3-8B/resolve/main/config.json?download=true",
        ] {
            assert_eq!(without_address(given), "Qwen/Qwen3-8B", "{given}");
        }
        for given in ["qwen3:8b", "./x", "https://example.com/a/b"] {
            assert_eq!(without_address(given), given);
        }
    }

    #[test]
    fn formats_that_are_none_are_told_from_names() {
        for (given, found) in [
            ("Qwen/Qwen3-8B:Q99", Some(("Qwen/Qwen3-8B", "Q99"))),
            ("qwen3:8b-q9_0", Some(("qwen3:8b", "q9_0"))),
            ("qwen3:8b:fp7", Some(("qwen3:8b", "fp7"))),
            ("x.gguf:awq", Some(("x.gguf", "awq"))),
            ("qwen3:9b", None),
            ("qwen3:8b-16k", None),
            ("falcon:f", None),
            ("qwen3", None),
        ] {
            assert_eq!(unknown_format(given), found, "{given}");
        }
    }

    #[test]
    fn formats_in_file_names() {
        for (file, file_type) in [
            ("Qwen3-8B-Q4_K_M.gguf", Some(FileType::Q4KM)),
            ("Qwen3-8B.Q8_0.gguf", Some(FileType::Q8_0)),
            (
                "BF16/Qwen3-8B-BF16-00001-of-00002.gguf",
                Some(FileType::Bf16),
            ),
            ("Qwen3-8B.gguf", None),
        ] {
            assert_eq!(in_file_name(file), file_type, "{file}");
        }
    }

    #[test]
    fn paths_and_repositories_are_told_apart() {
        for path in ["x.gguf", "./x", "/x", "~/x", "a\\b", "a/config.json"] {
            assert!(looks_like_path(path), "{path}");
        }
        for name in ["qwen3:8b", "Qwen/Qwen3-8B", "Qwen2.5"] {
            assert!(!looks_like_path(name), "{name}");
        }
        assert!(looks_like_repository("Qwen/Qwen3-8B:Q4_K_M"));
        assert!(!looks_like_repository("qwen3:8b"));
        assert!(!looks_like_repository("a/b/c"));
    }
}
