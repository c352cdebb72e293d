//! What is wrong with a field, under it.

use leptos::prelude::*;
use shared::text::UserMessage;

use crate::question::Field;
use crate::view::Page;

/// The message under a field, in a place that exists from the start so that it is read out.
pub(super) fn problem(page: Page, field: Field, id: String) -> impl IntoView {
    let found = Memo::new(move |_| page.store.problem(field));
    let words = move || {
        found.get().map(|problem| {
            let message = problem.message(page.language);
            let hint = problem.hint(page.language);
            view! {
                <strong>{message}</strong>
                " "
                {hint}
            }
        })
    };
    view! { <span class="problem" id=id role="status">{words}</span> }
}

/// Whether the field is wrong, as ARIA has it.
pub(super) fn invalid(page: Page, field: Field) -> impl Fn() -> &'static str + Copy {
    move || {
        if page.store.problem(field).is_some() {
            "true"
        } else {
            "false"
        }
    }
}
