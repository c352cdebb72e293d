//! What runs beside the model, in a quiet place: a draft model, a projector, adapters.

#[cfg(feature = "whole")]
mod fields;
#[cfg(feature = "whole")]
mod picker;

use std::cell::Cell;

use leptos::prelude::*;

#[cfg(not(feature = "whole"))]
use crate::browser::handover;
use crate::engines::BESIDE;
use crate::state::State;
use crate::view::Page;
use crate::view::dom::{Piece, Tag, element_of, follow, tag, tag_of};

/// The identifier by which the whole program finds it.
const ID: &str = "beside";

pub(super) fn beside(page: Page) -> Tag {
    let store = page.store;
    // Made when it is first looked at, or when something comes to be in it.
    let open = RwSignal::new(false);
    let was_used = Cell::new(false);
    follow(move || {
        let is_used = store.state.with(is_used);
        if is_used && !was_used.replace(is_used) {
            open.set(true);
        }
        was_used.set(is_used);
    });
    tag_of("details", "fold")
        .set("id", ID)
        .hook("beside")
        .property("open", move || open.get())
        .flag("hidden", move || !takes(page))
        .on("toggle", move |event| {
            open.set(element_of(&event).is_some_and(|details| details.has_attribute("open")));
        })
        .with(
            tag("summary")
                .set("id", "beside-summary")
                .with(page.text.beside),
        )
        .keyed(
            move || u64::from(open.get() && takes(page)),
            move |is_open| {
                if is_open == 1 {
                    content(page)
                } else {
                    Vec::new()
                }
            },
        )
}

fn is_used(state: &State) -> bool {
    !state.beside.is_empty() || state.settings.contains_key(BESIDE[0])
}

/// Whether the engine takes anything so.
#[cfg(feature = "whole")]
fn takes(page: Page) -> bool {
    let name = page.store.state.with(|state| state.backend.clone());
    crate::engines::find(&name).is_some_and(|backend| !backend.beside.is_empty())
}

/// The engine of the program that the page opens with does.
#[cfg(not(feature = "whole"))]
fn takes(_: Page) -> bool {
    true
}

#[cfg(feature = "whole")]
fn content(page: Page) -> Vec<Piece> {
    vec![fields::fields(page).into()]
}

/// The whole program knows what stands here.
#[cfg(not(feature = "whole"))]
fn content(page: Page) -> Vec<Piece> {
    handover::open(page.store, ID);
    vec![tag_of("p", "hint").with(page.text.loading).into()]
}
