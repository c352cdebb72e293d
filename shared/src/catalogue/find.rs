//! Finding an entry by the name that a person types.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::entries::ENTRIES;
use super::{Entry, NotFound};

/// Suggestions offered for a name that is not found.
const SUGGESTIONS: usize = 3;

/// The entry of this tag, alias or Hub repository, whatever the case; `:latest` may be added.
///
/// # Errors
/// [`NotFound`], with models of similar names.
pub fn find(name: &str) -> Result<&'static Entry, NotFound> {
    let wanted = normalized(name);
    ENTRIES
        .iter()
        .find(|entry| names(entry).any(|known| normalized(known) == wanted))
        .ok_or_else(|| NotFound {
            name: name.to_string(),
            suggestions: similar(&wanted),
        })
}

/// Every entry in whose names all of `words` occur, whatever their case: first those whose family
/// is the first of them or begins so, then in the catalogue's order.
pub fn search(words: &str) -> impl Iterator<Item = &'static Entry> {
    let words: Vec<String> = words
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let every_word = |entry: &Entry| {
        words.iter().all(|word| {
            names(entry)
                .chain([entry.parameters])
                .any(|known| known.to_ascii_lowercase().contains(word.as_str()))
        })
    };
    let rank = |entry: &Entry| match words
        .first()
        .map(|first| entry.tag.strip_prefix(first.as_str()))
    {
        Some(Some(rest)) if rest.is_empty() || rest.starts_with(':') => 0,
        Some(Some(_)) => 1,
        Some(None) => 2,
        None => 0,
    };
    let mut found: Vec<&'static Entry> = Vec::new();
    for wanted in 0..=2 {
        found.extend(
            ENTRIES
                .iter()
                .filter(|entry| rank(entry) == wanted && every_word(entry)),
        );
    }
    found.into_iter()
}

fn names(entry: &Entry) -> impl Iterator<Item = &'static str> + use<> {
    [entry.tag, entry.repository]
        .into_iter()
        .chain(entry.aliases.iter().copied())
}

fn normalized(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    match name.strip_suffix(":latest") {
        Some(bare) => bare.to_string(),
        None => name,
    }
}

/// The entries whose names take the fewest edits to reach (not more than a third of the letters),
/// among equals first those that the name begins.
fn similar(wanted: &str) -> Vec<&'static Entry> {
    let letters: Vec<char> = wanted.chars().take(64).collect();
    let mut ranked: Vec<(usize, bool, &'static Entry)> = ENTRIES
        .iter()
        .filter_map(|entry| {
            let nearest = names(entry)
                .map(|known| distance(&letters, &normalized(known)))
                .min()?;
            let unfinished = names(entry).any(|known| normalized(known).starts_with(wanted));
            let close = nearest * 3 <= letters.len();
            close.then_some((nearest, !unfinished, entry))
        })
        .collect();
    let mut similar = Vec::new();
    while similar.len() < SUGGESTIONS {
        let ranks = ranked.iter().enumerate();
        let nearest = ranks.min_by_key(|(_, (edits, other, _))| (*edits, *other));
        let Some((place, _)) = nearest else { break };
        similar.push(ranked.remove(place).2);
    }
    similar
}

/// Edits (insert, delete, replace) from one name to the other.
fn distance(from: &[char], to: &str) -> usize {
    let mut row: Vec<usize> = (0..=from.len()).collect();
    for (index, wanted) in to.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, &given) in from.iter().enumerate() {
            let replaced = diagonal + usize::from(given != wanted);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[from.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_spelling() {
        for name in [
            "qwen3:8b",
            "QWEN3:8B",
            " qwen3 ",
            "qwen3:latest",
            "qwen/qwen3-8b",
        ] {
            assert_eq!(find(name).unwrap().tag, "qwen3:8b", "{name}");
        }
    }

    #[test]
    fn near_misses_are_suggested() {
        let error = find("qwen3:8").unwrap_err();
        assert_eq!(error.suggestions[0].tag, "qwen3:8b");
        assert!(find("").unwrap_err().suggestions.is_empty());
        assert!(find("zzzzzzzzzzzz").unwrap_err().suggestions.is_empty());
    }

    #[test]
    fn search_wants_every_word() {
        assert!(search("QWEN 8b").any(|entry| entry.tag == "qwen3:8b"));
        assert_eq!(search("qwen llama").count(), 0);
        assert_eq!(search("").count(), ENTRIES.len());
    }

    /// Other models carry the name in their repository's.
    #[test]
    fn search_shows_first_what_begins_so() {
        let first = search("qwen").next().unwrap();
        assert!(first.tag.starts_with("qwen"), "{}", first.tag);
        assert!(search("qwen3 8b").next().unwrap().tag.starts_with("qwen3:"));
        assert!(search("qwen").any(|entry| !entry.tag.starts_with("qwen")));
    }

    #[test]
    fn distance_counts_edits() {
        let from: Vec<char> = "kitten".chars().collect();
        assert_eq!(distance(&from, "sitting"), 3);
        assert_eq!(distance(&from, ""), 6);
        assert_eq!(distance(&[], "abc"), 3);
    }
}
