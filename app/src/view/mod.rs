//! The page.

mod advice;
mod answer;
mod breakdown;
mod chart;
mod combobox;
mod command;
mod copy_button;
mod dom;
mod fold;
mod footer;
mod form;
mod header;
mod memory_bar;
mod options;
mod ways_out;

use crate::reactive::*;
use shared::text::Language;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use self::dom::{Piece, Tag, existing, tag, tag_of};
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
    let mut draft = Draft::new(store);
    while draft.build() {}
    draft.mount(place);
}

/// A page that is built part by part before it is shown, so that none of the tasks is long.
pub(crate) struct Draft {
    page: Page,
    owner: Owner,
    /// Parts that are there already.
    parts: Vec<Tag>,
}

impl Draft {
    /// A page without any part; it lives as long as the owner that it is made under.
    pub(crate) fn new(store: Store) -> Self {
        Self {
            page: Page::of(store, store.language.get_untracked()),
            owner: Owner::new(),
            parts: Vec::new(),
        }
    }

    /// Builds the next part; whether there was one.
    pub(crate) fn build(&mut self) -> bool {
        let Some(part) = PARTS.get(self.parts.len()) else {
            return false;
        };
        let page = self.page;
        self.parts.push(self.owner.with(|| untrack(|| part(page))));
        true
    }

    /// Shows it in `place`.
    pub(crate) fn mount(self, place: Element) {
        let Self { page, owner, parts } = self;
        let store = page.store;
        let mut built = Some(parts);
        existing(place).slot(move || {
            let language = store.language.get();
            match built.take() {
                Some(parts) => together(parts),
                None => {
                    owner.cleanup();
                    let page = Page::of(store, language);
                    untrack(|| together(PARTS.iter().map(|part| part(page)).collect()))
                }
            }
        });
    }
}

impl Page {
    fn of(store: Store, language: Language) -> Self {
        Self {
            store,
            language,
            text: Text::of(language),
        }
    }
}

/// The parts of the page in their order. [`together`] knows which belong in one frame.
const PARTS: [fn(Page) -> Tag; 10] = [
    header::header,
    answer::sentence,
    answer::readings,
    form::form,
    |page| {
        tag_of("div", "details")
            .flag("hidden", move || page.store.outcome().has_no_answer())
            .slot(move || ways_out::ways_out(page))
    },
    advice::advice,
    memory_bar::memory,
    chart::chart,
    command::command,
    footer::footer,
];

fn together(parts: Vec<Tag>) -> Vec<Piece> {
    let mut parts = parts.into_iter();
    let header = parts.next();
    let footer = parts.next_back();
    let mut main = tag("main");
    for part in parts.by_ref().take(3) {
        main = main.with(part);
    }
    if let Some(mut details) = parts.next() {
        for part in parts {
            details = details.with(part);
        }
        main = main.with(details);
    }
    let mut pieces: Vec<Piece> = header.map(Piece::from).into_iter().collect();
    pieces.push(main.into());
    pieces.extend(footer.map(Piece::from));
    pieces
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
