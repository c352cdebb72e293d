//! What is wrong with a field, under it.

use shared::text::{Language, UserMessage};

use crate::question::Field;
use crate::view::Page;
use crate::view::combobox::said;
use crate::view::dom::{Piece, Tag, tag, tag_of};

/// The message under a field, in a place that exists from the start so that it is read out.
pub(super) fn problem(page: Page, field: Field, id: &str) -> Tag {
    let words = move || match page.store.outcome().problem(field) {
        Some(problem) => told("", problem, page.language),
        None => Vec::new(),
    };
    tag_of("span", "problem")
        .set("id", id)
        .set("role", "status")
        .slot(words)
}

/// Whether the field is wrong, as ARIA has it.
pub(in crate::view) fn invalid(page: Page, field: Field) -> impl Fn() -> &'static str + Copy {
    move || said(page.store.outcome().problem(field).is_some())
}

/// What happened, and what to do.
pub(in crate::view) fn told(
    class: &str,
    message: &dyn UserMessage,
    language: Language,
) -> Vec<Piece> {
    let mut what = tag("strong").with(message.message(language));
    if !class.is_empty() {
        what = what.set("class", class);
    }
    vec![what.into(), " ".into(), message.hint(language).into()]
}
