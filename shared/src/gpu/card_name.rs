//! Names of cards, taken apart so that spelling does not matter.

use alloc::string::String;
use alloc::vec::Vec;

/// Words that tell nothing about which card it is.
const SILENT: [&str; 12] = [
    "nvidia",
    "amd",
    "intel",
    "apple",
    "geforce",
    "graphics",
    "gpu",
    "card",
    "tm",
    "edition",
    "generation",
    "workstation",
];

/// Words that most people leave out, and that some names need.
const FAMILY: [&str; 7] = ["rtx", "gtx", "tesla", "radeon", "rx", "arc", "instinct"];

/// The words of a name in lower case: runs of letters and runs of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// The words that tell which card it is.
    pub(super) fn of(name: &str) -> Self {
        let mut words = Vec::new();
        for part in parts(name) {
            // The kind of memory: no two cards differ in it alone.
            if part.starts_with("hbm") || part.starts_with("gddr") {
                continue;
            }
            for word in runs(without_unit(&part)) {
                if word == "mobile" {
                    words.push("laptop".into());
                } else if !SILENT.contains(&word) {
                    words.push(word.into());
                }
            }
        }
        Self(words)
    }

    /// All words of these names one after another, those that tell nothing too.
    pub(super) fn all_of(names: &[&str]) -> Self {
        let mut words = Vec::new();
        for part in names.iter().flat_map(|name| parts(name)) {
            words.extend(runs(&part).map(String::from));
        }
        Self(words)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a card of this name has the first number among these words, without which it cannot
    /// go by them. Taking the name apart takes longer.
    pub(super) fn may_be(&self, card: &str) -> bool {
        let Some(number) = self.0.iter().find(|word| is_number(word)) else {
            return true;
        };
        let mut numbers = card.split(|character: char| !character.is_ascii_digit());
        numbers.any(|own| own == number)
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        sorted(self.0.iter()) == sorted(other.0.iter())
    }

    /// The same but for words of [`FAMILY`], which either may lack.
    pub(super) fn is_same_without_family(&self, other: &Self) -> bool {
        let (own, others) = (sorted(self.telling()), sorted(other.telling()));
        !own.is_empty() && own == others
    }

    /// Whether each of the other's words is among these, as often.
    pub(super) fn contains(&self, other: &Self) -> bool {
        each_finds_its_own(other, self, |asked, word| asked == word)
    }

    /// Whether each of the other's words is the beginning of one of these.
    pub(super) fn begins(&self, other: &Self) -> bool {
        each_finds_its_own(other, self, |asked, word| word.starts_with(asked))
    }

    /// Whether both have the same number of at least two digits.
    pub(super) fn shares_number_with(&self, other: &Self) -> bool {
        self.0
            .iter()
            .filter(|word| word.len() > 1 && is_number(word))
            .any(|word| other.0.contains(word))
    }

    fn telling(&self) -> impl Iterator<Item = &String> {
        self.0
            .iter()
            .filter(|word| !FAMILY.contains(&word.as_str()))
    }
}

fn sorted<'a>(words: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut words: Vec<_> = words.collect();
    words.sort_unstable();
    words
}

/// Whether every word of `asked` matches a word of `words` that no other took. The longer ones
/// choose first, so that `1` does not take what `16` needs.
fn each_finds_its_own(asked: &Words, words: &Words, is_match: fn(&str, &str) -> bool) -> bool {
    let mut free: Vec<&str> = words.0.iter().map(String::as_str).collect();
    let mut wanted: Vec<&str> = asked.0.iter().map(String::as_str).collect();
    while let Some((longest, _)) = wanted
        .iter()
        .enumerate()
        .rev()
        .max_by_key(|(_, word)| word.len())
    {
        let word = wanted.remove(longest);
        let Some(place) = free.iter().position(|candidate| is_match(word, candidate)) else {
            return false;
        };
        free.remove(place);
    }
    true
}

/// The name in lower case, with full-width characters as plain ones, cut at all that is neither
/// letter nor digit.
fn parts(name: &str) -> Vec<String> {
    let plain: String = name
        .chars()
        .map(|character| match character {
            '！'..='～' => u32::from(character)
                .checked_sub(0xFEE0)
                .and_then(char::from_u32)
                .unwrap_or(character),
            _ => character,
        })
        .map(|character| character.to_ascii_lowercase())
        .collect();
    plain
        .split(|character: char| !character.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(String::from)
        .collect()
}

/// A size's number alone: `16` of `16gb`, nothing of `gb`, but `gb10` whole.
fn without_unit(part: &str) -> &str {
    ["gib", "gb", "g"]
        .into_iter()
        .filter_map(|unit| part.strip_suffix(unit))
        .find(|rest| is_number(rest))
        .unwrap_or(part)
}

/// Runs of digits and runs of other characters.
fn runs(part: &str) -> impl Iterator<Item = &str> {
    let mut rest = part;
    core::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest
            .find(|character: char| character.is_ascii_digit() != first.is_ascii_digit())
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        Some(run)
    })
}

/// Whether it has no other characters than digits.
fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_letters_and_digits() {
        for (name, words) in [
            ("NVIDIA GeForce RTX 4060 Ti 16GB", "rtx 4060 ti 16"),
            ("rtx4060ti-16gb", "rtx 4060 ti 16"),
            ("ＲＴＸ４０６０", "rtx 4060"),
            ("NVIDIA H100 80GB HBM3", "h 100 80"),
            ("24 GB, 16 GiB, 8g", "24 16 8"),
            ("GB10 A10G", "gb 10 a 10 g"),
            ("（）・", ""),
        ] {
            assert_eq!(Words::of(name).0.join(" "), words, "{name}");
        }
    }

    #[test]
    fn short_words_do_not_take_what_long_ones_need() {
        let card = Words::of("M1 16 GB");
        assert!(card.begins(&Words::of("m 1 16")));
        assert!(card.begins(&Words::of("1 1")));
        assert!(!card.contains(&Words::of("1 1")));
    }
}
