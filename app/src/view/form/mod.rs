//! The question: model, weights, engine, GPUs, settings.

mod beside;
mod gpus;
mod model;
mod probe;
pub(super) mod problem;
mod settings;

use crate::reactive::*;

use super::Page;
use super::dom::{Tag, tag, tag_of, value_of};
use super::options::Options;
use crate::browser::handover;
use crate::engines::{self, NAMES};
use crate::state::{BesideChoice, State};

pub(super) fn form(page: Page) -> Tag {
    tag_of("form", "question")
        .set("id", "form")
        .set("aria-label", page.text.form)
        .on("submit", |event| event.prevent_default())
        .with(model::model(page))
        .with(
            tag_of("div", "pair")
                .with(model::quant(page))
                .with(backend(page)),
        )
        .with(gpus::gpus(page))
        .with(settings::settings(page))
        .with(beside::beside(page))
}

fn backend(page: Page) -> Tag {
    let store = page.store;
    let options = move || {
        let chosen = store.state.with(|state| state.backend.clone());
        let mut options = Options::default();
        for &(name, label) in NAMES {
            options.option(name, label, name == chosen);
        }
        options.html()
    };
    let choice = tag("select")
        .set("id", "backend")
        .hook("backend-select")
        .html(options)
        .on("change", move |event| {
            let name = value_of(&event);
            let is_known = engines::find(&name).is_some();
            let change = |state: &mut State| {
                state.backend = name;
                // Another engine has other settings.
                state.settings.clear();
                state.beside = BesideChoice::default();
            };
            if is_known {
                store.state.update(change);
            } else {
                let mut state = store.state.get_untracked();
                change(&mut state);
                handover::ask(&state);
            }
        });
    field_of("backend", page.text.backend).with(choice)
}

/// A field with its label.
fn field_of(id: &str, label: &str) -> Tag {
    tag_of("p", "field").with(tag("label").set("for", id).with(label))
}

/// What helps with a field.
fn help(id: &str, words: &str) -> Tag {
    tag_of("span", "help").set("id", id).with(words)
}
