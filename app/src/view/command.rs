//! The command line that starts the engine so.

use leptos::prelude::*;

use super::Page;
use super::copy_button::{Words, copy_button};

pub(super) fn command(page: Page) -> impl IntoView {
    let store = page.store;
    let line = Memo::new(move |_| {
        store.detail.with(|detail| {
            detail
                .as_ref()
                .map(|detail| detail.command.clone())
                .unwrap_or_default()
        })
    });
    let at_trained = move || {
        store.detail.with(|detail| {
            detail
                .as_ref()
                .is_some_and(|detail| detail.command_context < detail.plan.context_length)
        })
    };
    let focus = store.part(|state| state.focus);
    let fails = move || {
        store
            .read(|answers| answers.fails(focus.get()))
            .unwrap_or(true)
    };
    view! {
        <section
            class="command"
            // What does not fit is not worth starting.
            hidden=fails
            class:previous=move || store.shown.with(|shown| shown.is_previous)
        >
            <h2>{page.text.command}</h2>
            <pre tabindex="0"><code data-testid="launch-command">{line}</code></pre>
            <div class="under">
                {copy_button(
                    page,
                    "copy-command",
                    Words {
                        label: page.text.copy,
                        help: "",
                        done: page.text.copied,
                    },
                    move || line.get_untracked(),
                )}
                <p class="hint">{move || at_trained().then_some(page.text.command_trained)}</p>
            </div>
        </section>
    }
}
