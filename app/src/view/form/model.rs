//! The model, by name or from a file, and the format of its weights.

use leptos::prelude::*;
use shared::catalogue;
use shared::model::Geometry;
use shared::quant::{FileType, Packing};
use shared::text::UserMessage;

use super::problem::{invalid, problem};
use crate::browser::files;
use crate::model::Formats;
use crate::question::Field;
use crate::state::ModelChoice;
use crate::store::Reading;
use crate::text::phrase;
use crate::view::Page;
use crate::view::combobox::{Choice, combobox};
use crate::view::options::Options;

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
        store.reading.set(Reading::Idle);
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
            {file(page)}
            <span class="help" id="model-help">{text.model_help}</span>
        </div>
    }
}

/// Files: choosing them, and how reading them went.
fn file(page: Page) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    let status = move || match store.reading.get() {
        Reading::Idle => ().into_any(),
        Reading::Busy => text.reading_file.into_any(),
        Reading::Failed(error) => view! {
            <strong class="wrong">{error.message(page.language)}</strong>
            " "
            {error.hint(page.language)}
        }
        .into_any(),
    };
    let notes = move || {
        let is_bound = store.chosen.with(|chosen| {
            chosen
                .as_ref()
                .is_ok_and(|chosen| chosen.model.geometry == Geometry::Conservative)
        });
        let is_cut_short = store.loaded.with(|loaded| {
            let asked = store.state.with(|state| state.model.clone());
            loaded.as_ref().is_some_and(|loaded| {
                loaded.cut_short && asked == ModelChoice::File(loaded.file.clone())
            })
        });
        view! {
            {is_bound.then(|| view! { <span class="note">{text.conservative}</span> })}
            {is_cut_short.then(|| view! { <span class="note">{text.cut_short}</span> })}
        }
    };
    view! {
        <span class="file">
            <label class="quiet">
                <input
                    type="file"
                    class="hidden"
                    multiple=true
                    accept=".gguf,.json"
                    data-testid="file-input"
                    on:change:target=move |event| {
                        let input = event.target();
                        if let Some(list) = input.files() {
                            files::open(store, &list);
                        }
                        // The same file can be chosen again.
                        input.set_value("");
                    }
                />
                {text.choose_file}
            </label>
            <span class="problem" role="status" data-testid="file-status">{status}</span>
        </span>
        {notes}
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
    let options = move || {
        let mut options = Options::default();
        match formats.get() {
            Some(Formats::Fixed(name)) => options.option("", &name, true),
            Some(Formats::Open(chosen)) => {
                for &format in FileType::ALL {
                    options.option(format.name(), format.name(), format == chosen);
                }
            }
            Some(Formats::Packed { chosen, plain }) => {
                if plain {
                    options.option("", "BF16", chosen.is_empty());
                }
                let named = Packing::PUBLISHED.contains(&chosen.as_str());
                if !named && !chosen.is_empty() {
                    options.option(&chosen, &chosen, true);
                }
                for &name in Packing::PUBLISHED {
                    options.option(name, name, name == chosen);
                }
            }
            None => {}
        }
        options.html()
    };
    let is_fixed =
        move || formats.with(|formats| matches!(formats, None | Some(Formats::Fixed(_))));
    view! {
        <p class="field">
            <label for="quant">{page.text.quant}</label>
            <select
                id="quant"
                data-testid="quant-select"
                inner_html=options
                aria-invalid=invalid(page, Field::Quant)
                aria-describedby="quant-problem"
                disabled=is_fixed
                on:change:target=move |event| {
                    let name = event.target().value();
                    store.state.update(|state| state.quant = name);
                }
            ></select>
            {problem(page, Field::Quant, "quant-problem".to_owned())}
        </p>
    }
}
