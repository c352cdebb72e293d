//! The language that a person is answered in.

use std::env;
use std::ffi::OsString;

use shared::text::Language;

/// The language of `--lang`, else of the environment. Looked up before the arguments are
/// understood, so that errors in them are in the same language.
pub(crate) fn choose(arguments: &[OsString]) -> Language {
    given(arguments)
        .or_else(from_environment)
        .unwrap_or_default()
}

fn given(arguments: &[OsString]) -> Option<Language> {
    let words: Vec<&str> = arguments
        .iter()
        .map(|word| word.to_str().unwrap_or_default())
        .take_while(|word| *word != "--")
        .collect();
    let after = |index: usize| words.get(index + 1).copied();
    words
        .iter()
        .enumerate()
        .filter_map(|(index, word)| match *word {
            "--lang" => after(index),
            word => word.strip_prefix("--lang="),
        })
        .next_back()
        .and_then(Language::from_tag)
}

/// The first of the variables that is set decides, as for every program of the system.
fn from_environment() -> Option<Language> {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|value| Language::from_tag(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_last_option_counts() {
        assert_eq!(given(&words("x --lang ja")), Some(Language::Ja));
        assert_eq!(given(&words("x --lang=en y")), Some(Language::En));
        assert_eq!(given(&words("x --lang=en --lang ja")), Some(Language::Ja));
        assert_eq!(given(&words("x --lang fr")), None);
        assert_eq!(given(&words("x -- --lang ja")), None);
        assert_eq!(given(&words("x --lang")), None);
    }
}
