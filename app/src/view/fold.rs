//! A part of the page that is folded until it is asked for, and that the whole program alone
//! knows: opened in the program that the page opens with, it calls the whole one.

use crate::reactive::*;

use super::Page;
#[cfg(not(feature = "whole"))]
use crate::browser::handover;
use crate::view::dom::{Piece, Tag, element_of, tag, tag_of};

/// What a folded part is.
#[derive(Clone, Copy)]
pub(super) struct Fold {
    /// The identifier by which the whole program finds it. Its summary's begins with it.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Whether it is of use for what is asked.
    pub(super) is_there: fn(Page) -> bool,
    /// What stands in it, made each time that it is opened.
    #[cfg(feature = "whole")]
    pub(super) content: fn(Page) -> Vec<Piece>,
}

/// The part, with the signal that says whether it is open.
pub(super) fn fold(page: Page, fold: Fold, open: RwSignal<bool>) -> Tag {
    let is_there = move || (fold.is_there)(page);
    tag_of("details", "fold")
        .set("id", fold.id)
        .hook(fold.id)
        .property("open", move || open.get())
        .flag("hidden", move || !is_there())
        .on("toggle", move |event| {
            open.set(element_of(&event).is_some_and(|details| details.has_attribute("open")));
        })
        .with(
            tag("summary")
                .set("id", &[fold.id, "-summary"].concat())
                .with(fold.summary),
        )
        .keyed(
            move || u64::from(open.get() && is_there()),
            move |is_open| match is_open {
                1 => content(page, fold),
                _ => Vec::new(),
            },
        )
}

#[cfg(feature = "whole")]
fn content(page: Page, fold: Fold) -> Vec<Piece> {
    (fold.content)(page)
}

#[cfg(not(feature = "whole"))]
fn content(page: Page, fold: Fold) -> Vec<Piece> {
    handover::open(page.store, fold.id);
    vec![tag_of("p", "hint").with(page.text.loading).into()]
}
