//! The page.

mod answer;
mod breakdown;
mod chart;
mod combobox;
mod command;
mod copy_button;
mod dom;
mod footer;
mod form;
mod header;
mod memory_bar;
mod options;
mod ways_out;

use leptos::prelude::*;
use shared::text::Language;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use self::dom::{Piece, existing, tag, tag_of};
use crate::store::Store;
use crate::text::Text;

/// What every part of the page is given.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) store: Store,
    pub(crate) language: Language,
    pub(crate) text: &'static Text,
}

/// Puts the whole page into `place`; it lives as long as the owner that it is put up under. It is
/// built anew when the language changes: texts are constants to all parts.
pub fn mount(place: Element, store: Store) {
    existing(place).slot(move || {
        let language = store.language.get();
        untrack(|| {
            whole(Page {
                store,
                language,
                text: Text::of(language),
            })
        })
    });
}

fn whole(page: Page) -> Vec<Piece> {
    let details = tag_of("div", "details")
        .flag("hidden", move || page.store.outcome().has_no_answer())
        .slot(move || ways_out::ways_out(page))
        .with(memory_bar::memory(page))
        .with(chart::chart(page))
        .with(command::command(page));
    let main = tag("main")
        .with(answer::sentence(page))
        .with(answer::readings(page))
        .with(form::form(page))
        .with(details);
    vec![
        header::header(page).into(),
        main.into(),
        footer::footer(page).into(),
    ]
}

/// Moves the focus to an element once the page has been built anew.
fn focus_later(id: &'static str) {
    request_animation_frame(move || {
        let element = document().get_element_by_id(id);
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // An element that takes no focus leaves it where it is.
            let _ = element.focus();
        }
    });
}

/// Scrolls an element of a list into sight.
fn show_element(id: String) {
    request_animation_frame(move || {
        if let Some(element) = document().get_element_by_id(&id) {
            let options = ScrollIntoViewOptions::new();
            options.set_block(ScrollLogicalPosition::Nearest);
            element.scroll_into_view_with_scroll_into_view_options(&options);
        }
    });
}
