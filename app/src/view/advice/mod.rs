//! What to change for a longer context, folded until it is asked for.

#[cfg(feature = "whole")]
mod list;
#[cfg(feature = "whole")]
mod words;

use crate::reactive::*;

use super::Page;
use super::dom::Tag;
use super::fold::{Fold, fold};

pub(super) fn advice(page: Page) -> Tag {
    let about = Fold {
        id: "advice",
        summary: page.text.advice,
        is_there,
        #[cfg(feature = "whole")]
        content: list::content,
    };
    fold(page, about, RwSignal::new(false))
}

/// Whether the engine has anything to trade.
#[cfg(feature = "whole")]
fn is_there(page: Page) -> bool {
    let answers = page.store.answers();
    answers.is_some_and(|answers| answers.question.backend.advise.is_some())
}

/// The engine of the program that the page opens with has.
#[cfg(not(feature = "whole"))]
fn is_there(_: Page) -> bool {
    true
}
