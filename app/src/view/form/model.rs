//! The model, by name or from a file, and the format of its weights.

use leptos::prelude::*;
use shared::catalogue;
use shared::quant::FileType;

use super::problem::{invalid, problem};
use crate::model::Formats;
use crate::question::Field;
use crate::state::ModelChoice;
use crate::text::phrase;
use crate::view::Page;
use crate::view::combobox::{Choice, combobox};

pub(super) fn model(page: Page) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    let entered = store.part(|state| match &state.model {
        ModelChoice::Named(name) | ModelChoice::File(name) => name.clone(),
    });
    let search = move |words: &str| {
        catalogue::search(words)
            .map(|entry| Choice {
                value: entry.tag,
                note: format!(
                    "{} · {}",
                    entry.parameters,
                    phrase::tokens(page.language, entry.context_length)
                ),
            })
            .collect()
    };
    let choose = move |name: String| {
        store.state.update(|state| {
            state.model = ModelChoice::Named(name);
            state.quant.clear();
        });
    };
    view! {
        <div class="field model">
            <label for="model">{text.model}</label>
            {combobox(
                page,
                "model",
                "model-input",
                entered,
                invalid(page, Field::Model),
                search,
                choose,
            )}
            {problem(page, Field::Model, "model-problem".to_owned())}
            <span class="help" id="model-help">{text.model_help}</span>
        </div>
    }
}

pub(super) fn quant(page: Page) -> impl IntoView {
    let store = page.store;
    let formats = Memo::new(move |previous: Option<&Option<Formats>>| {
        store.chosen.with(|chosen| match chosen {
            Ok(chosen) => Some(chosen.formats.clone()),
            // A wrong model leaves the choice of formats as it was.
            Err(_) => previous.cloned().flatten(),
        })
    });
    let options = move || match formats.get() {
        Some(Formats::Fixed(name)) => {
            view! { <option value="" selected=true>{name}</option> }.into_any()
        }
        Some(Formats::Open(chosen)) => FileType::ALL
            .iter()
            .map(|&format| {
                view! {
                    <option value=format.name() selected=format == chosen>{format.name()}</option>
                }
            })
            .collect_view()
            .into_any(),
        None => ().into_any(),
    };
    let is_fixed = move || formats.with(|formats| !matches!(formats, Some(Formats::Open(_))));
    view! {
        <p class="field">
            <label for="quant">{page.text.quant}</label>
            <select
                id="quant"
                data-testid="quant-select"
                aria-invalid=invalid(page, Field::Quant)
                aria-describedby="quant-problem"
                disabled=is_fixed
                on:change:target=move |event| {
                    let name = event.target().value();
                    store.state.update(|state| state.quant = name);
                }
            >
                {options}
            </select>
            {problem(page, Field::Quant, "quant-problem".to_owned())}
        </p>
    }
}
