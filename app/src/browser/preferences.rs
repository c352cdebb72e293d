//! What this browser remembers of a person: language and colours.

use crate::reactive::*;
use shared::text::Language;

use crate::store::Store;
use crate::text::Text;

const LANGUAGE: &str = "language";
const THEME: &str = "theme";

/// The colours: the system's, or one of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system has them.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name in the storage and in the document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

fn stored(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

fn store_value(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A full or forbidden storage costs only the memory of the choice.
        let _ = storage.set_item(key, value);
    }
}

/// The language that the static page was shown in: its script has looked at the address, the
/// storage and the browser already.
pub(super) fn language() -> Language {
    document()
        .document_element()
        .and_then(|root| root.get_attribute("lang"))
        .and_then(|tag| Language::from_tag(&tag))
        .unwrap_or_default()
}

/// Tells the document and the storage of the language.
pub(super) fn follow_language(store: Store) {
    Effect::new(move |first: Option<()>| {
        let language = store.language.get();
        let text = Text::of(language);
        document().set_title(text.title);
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("lang", language.tag());
        }
        if first.is_some() {
            store_value(LANGUAGE, language.tag());
        }
    });
}

/// The colours chosen before.
#[must_use]
pub fn theme() -> Theme {
    let name = stored(THEME).unwrap_or_default();
    Theme::ALL
        .into_iter()
        .find(|theme| theme.name() == name)
        .unwrap_or(Theme::System)
}

/// Changes the colours and remembers it.
pub fn set_theme(theme: Theme) {
    store_value(THEME, theme.name());
    if let Some(root) = document().document_element() {
        let _ = match theme {
            Theme::System => root.remove_attribute("data-theme"),
            _ => root.set_attribute("data-theme", theme.name()),
        };
    }
}
