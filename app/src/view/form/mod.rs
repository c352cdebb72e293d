//! The question: model, weights, engine, GPUs, settings.

mod gpus;
mod model;
mod probe;
mod problem;
mod settings;

use leptos::prelude::*;

use super::Page;
use crate::engines::BACKENDS;

pub(super) fn form(page: Page) -> impl IntoView {
    view! {
        <form
            id="form"
            class="question"
            aria-label=page.text.form
            on:submit=|event| event.prevent_default()
        >
            {model::model(page)}
            <div class="pair">
                {model::quant(page)}
                {backend(page)}
            </div>
            {gpus::gpus(page)}
            {settings::settings(page)}
        </form>
    }
}

fn backend(page: Page) -> impl IntoView {
    let store = page.store;
    let chosen = store.part(|state| state.backend.clone());
    view! {
        <p class="field">
            <label for="backend">{page.text.backend}</label>
            <select
                id="backend"
                data-testid="backend-select"
                prop:value=move || chosen.get()
                on:change:target=move |event| {
                    let name = event.target().value();
                    store.state.update(|state| {
                        state.backend = name;
                        // Another engine has other settings.
                        state.settings.clear();
                    });
                }
            >
                {BACKENDS
                    .iter()
                    .map(|backend| {
                        view! {
                            <option
                                value=backend.name
                                selected=backend.name == chosen.get_untracked()
                            >
                                {backend.label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </p>
    }
}
