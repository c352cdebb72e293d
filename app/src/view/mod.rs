//! The page.

mod answer;
mod breakdown;
mod chart;
mod combobox;
mod command;
mod copy_button;
mod footer;
mod form;
mod header;
mod memory_bar;
mod options;
mod ways_out;

use leptos::prelude::*;
use shared::text::Language;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::store::Store;
use crate::text::Text;

/// What every part of the page is given.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) store: Store,
    pub(crate) language: Language,
    pub(crate) text: &'static Text,
}

/// The whole page. It is built anew when the language changes: texts are constants to all parts.
pub fn page(store: Store) -> impl IntoView {
    move || {
        let language = store.language.get();
        let page = Page {
            store,
            language,
            text: Text::of(language),
        };
        view! {
            {header::header(page)}
            <main>
                {answer::sentence(page)}
                {answer::readings(page)}
                {form::form(page)}
                <div class="details" hidden=move || store.has_no_answer()>
                    {ways_out::ways_out(page)}
                    {memory_bar::memory(page)}
                    {chart::chart(page)}
                    {command::command(page)}
                </div>
            </main>
            {footer::footer(page)}
        }
    }
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
            element.scroll_into_view_with_scroll_into_view_options(&nearest());
        }
    });
}

fn nearest() -> ScrollIntoViewOptions {
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    options
}
