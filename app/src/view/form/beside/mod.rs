//! What runs beside the model, in a quiet place: a draft model, a projector, adapters.

#[cfg(feature = "whole")]
mod fields;
#[cfg(feature = "whole")]
mod picker;

use std::cell::Cell;

use crate::reactive::*;

use crate::engines::BESIDE;
use crate::state::State;
use crate::view::Page;
use crate::view::dom::{Tag, follow};
use crate::view::fold::{Fold, fold};

pub(super) fn beside(page: Page) -> Tag {
    let store = page.store;
    // Made when it is first looked at, or when something comes to be in it.
    let open = RwSignal::new(false);
    let was_used = Cell::new(false);
    follow(move || {
        let is_used = store.state.with(is_used);
        if is_used && !was_used.get() {
            open.set(true);
        }
        was_used.set(is_used);
    });
    let about = Fold {
        id: "beside",
        summary: page.text.beside,
        is_there,
        #[cfg(feature = "whole")]
        content: |page| vec![fields::fields(page).into()],
    };
    fold(page, about, open)
}

fn is_used(state: &State) -> bool {
    !state.beside.is_empty() || state.settings.contains_key(BESIDE[0])
}

/// Whether the engine takes anything so.
#[cfg(feature = "whole")]
fn is_there(page: Page) -> bool {
    let name = page.store.state.with(|state| state.backend.clone());
    crate::engines::find(&name).is_some_and(|backend| !backend.beside.is_empty())
}

/// The engine of the program that the page opens with does.
#[cfg(not(feature = "whole"))]
fn is_there(_: Page) -> bool {
    true
}
