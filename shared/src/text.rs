//! Messages for people, in the languages that LLM-Lander speaks.

use alloc::string::String;

/// A language of the page and the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    #[default]
    En,
}

impl Language {
    /// The language for a tag such as `ja`, `ja-JP`, `ja_JP.UTF-8`, `en-GB`; `None` for others.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("ja") {
            Some(Self::Ja)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The one of two texts that is in this language.
    #[must_use]
    pub fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Self::Ja => ja,
            Self::En => en,
        }
    }
}

/// What every error that reaches a person can say of itself.
pub trait UserMessage {
    /// A stable identifier in snake case, the same in JSON, on the page and in the tests.
    fn code(&self) -> &'static str;
    /// What happened, with the value that caused it: one line, no full stop.
    fn message(&self, language: Language) -> String;
    /// What to do about it: one line, no full stop.
    fn hint(&self, language: Language) -> String;
}

/// A text in Japanese and English.
pub type Phrase = (&'static str, &'static str);

/// What is the same in both languages.
#[must_use]
pub const fn same(text: &'static str) -> Phrase {
    (text, text)
}
