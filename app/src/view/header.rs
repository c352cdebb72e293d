//! The top of the page: its name, and how to read and share it.

use leptos::prelude::*;
use shared::text::Language;

use super::{
    Page,
    copy_button::{Words, copy_button},
};
use crate::browser::{address, preferences};

pub(super) fn header(page: Page) -> impl IntoView {
    let Page { store, text, .. } = page;
    let theme = RwSignal::new(preferences::theme());
    let themes = [
        (preferences::Theme::System, text.theme_system),
        (preferences::Theme::Light, text.theme_light),
        (preferences::Theme::Dark, text.theme_dark),
    ];
    let other = match page.language {
        Language::Ja => Language::En,
        Language::En => Language::Ja,
    };
    view! {
        <header class="top">
            <a class="skip" href="#form">{text.skip_to_form}</a>
            <p class="name">"LLM-Lander"</p>
            <div class="tools">
                {copy_button(
                    page,
                    "share-link",
                    Words {
                        label: text.copy_link,
                        help: text.copy_link_help,
                        done: text.link_copied,
                    },
                    move || address::shared(store),
                )}
                <button
                    type="button"
                    class="quiet"
                    id="lang-toggle"
                    data-testid="lang-toggle"
                    lang=other.tag()
                    aria-label=text.switch_language
                    on:click=move |_| {
                        store.language.set(other);
                        super::focus_later("lang-toggle");
                    }
                >
                    {text.other_language}
                </button>
                <label class="theme">
                    <span class="hidden">{text.theme}</span>
                    <select
                        data-testid="theme-select"
                        on:change:target=move |event| {
                            let name = event.target().value();
                            for (value, _) in themes {
                                if value.name() == name {
                                    theme.set(value);
                                    preferences::set_theme(value);
                                }
                            }
                        }
                    >
                        {themes
                            .into_iter()
                            .map(|(value, label)| {
                                view! {
                                    <option value=value.name() selected=value == theme.get_untracked()>
                                        {label}
                                    </option>
                                }
                            })
                            .collect_view()}
                    </select>
                </label>
            </div>
        </header>
    }
}
