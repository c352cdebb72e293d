//! The top of the page: its name, and how to read and share it.

use crate::reactive::*;
use shared::text::Language;

use super::Page;
use super::copy_button::{Words, copy_button};
use super::dom::{Tag, tag, tag_of, value_of};
use super::options::Options;
use crate::browser::{address, preferences};

pub(super) fn header(page: Page) -> Tag {
    let Page { store, text, .. } = page;
    let words = Words {
        label: text.copy_link,
        help: text.copy_link_help,
        done: text.link_copied,
    };
    let share = copy_button(page, "share-link", words, move || address::shared(store));
    tag_of("header", "top")
        .with(
            tag_of("a", "skip")
                .set("href", "#form")
                .with(text.skip_to_form),
        )
        .with(tag_of("p", "name").with("LLM-Lander"))
        .with(
            tag_of("div", "tools")
                .with(share)
                .with(language(page))
                .with(theme(page)),
        )
}

fn language(page: Page) -> Tag {
    let Page { store, text, .. } = page;
    let other = match page.language {
        Language::Ja => Language::En,
        Language::En => Language::Ja,
    };
    tag_of("button", "quiet")
        .set("type", "button")
        .set("id", "lang-toggle")
        .hook("lang-toggle")
        .set("lang", other.tag())
        .set("aria-label", text.switch_language)
        .on("click", move |_| {
            store.language.set(other);
            super::focus_later("lang-toggle");
        })
        .with(text.other_language)
}

fn theme(page: Page) -> Tag {
    let text = page.text;
    let now = preferences::theme();
    let mut options = Options::default();
    for (theme, label) in [
        (preferences::Theme::System, text.theme_system),
        (preferences::Theme::Light, text.theme_light),
        (preferences::Theme::Dark, text.theme_dark),
    ] {
        options.option(theme.name(), label, theme == now);
    }
    let html = options.html();
    let choice = tag("select")
        .hook("theme-select")
        .html(move || html.clone())
        .on("change", |event| {
            let name = value_of(&event);
            let mut themes = preferences::Theme::ALL.into_iter();
            if let Some(theme) = themes.find(|theme| theme.name() == name) {
                preferences::set_theme(theme);
            }
        });
    tag_of("label", "theme")
        .with(tag_of("span", "hidden").with(text.theme))
        .with(choice)
}
