//! The model, by name or from a file, and the format of its weights.

use std::cell::RefCell;
use std::sync::Arc;

use crate::reactive::*;
use shared::catalogue;
use shared::model::Geometry;
use shared::quant::FileType;
#[cfg(feature = "whole")]
use shared::quant::Packing;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::problem::{invalid, problem, told};
use super::{field_of, help};
use crate::browser::files;
use crate::model::{Formats, Loaded};
use crate::outcome::Outcome;
use crate::question::Field;
use crate::state::{ModelChoice, State};
use crate::store::Reading;
use crate::text::phrase;
use crate::view::Page;
use crate::view::combobox::{Choice, Combobox, combobox};
use crate::view::dom::{Piece, Tag, element_of, tag, tag_of, value_of};
use crate::view::options::Options;

pub(super) fn model(page: Page) -> Tag {
    let text = page.text;
    let name = combobox(
        page,
        Combobox {
            id: "model",
            hook: "model-input",
            placeholder: text.model_placeholder,
            may_be_empty: false,
            field: Field::Model,
            value: entered,
            search,
            choose,
        },
    );
    tag_of("div", "field model")
        .with(tag("label").set("for", "model").with(text.model))
        .with(name)
        .with(problem(page, Field::Model, "model-problem"))
        .with(file(page))
        .slot(move || notes(page))
        .with(help("model-help", text.model_help))
}

fn entered(page: Page) -> String {
    page.store.state.with(|state| match &state.model {
        ModelChoice::Named(name) | ModelChoice::File(name) => name.clone(),
    })
}

pub(super) fn search(page: Page, words: &str) -> Vec<Choice> {
    catalogue::search(words)
        .map(|entry| {
            let context = phrase::tokens(page.language, entry.context_length);
            Choice {
                value: entry.tag,
                note: [entry.parameters, " · ", &context].concat(),
            }
        })
        .collect()
}

fn choose(page: Page, name: String) {
    page.store.set_reading(Reading::Idle);
    page.store.state.update(|state| {
        state.model = ModelChoice::Named(name);
        state.quant.clear();
    });
}

/// Files: choosing them, and how reading them went.
fn file(page: Page) -> Tag {
    let store = page.store;
    let text = page.text;
    let status = move || {
        store.outside.with(|outside| match &outside.reading {
            Reading::Idle => Vec::new(),
            Reading::Busy => vec![text.reading_file.into()],
            Reading::Failed { error, bound } => {
                let mut pieces = told("wrong", error.as_ref(), page.language);
                if let Some(bound) = bound {
                    pieces.push(" ".into());
                    pieces.push(use_bound(page, bound.clone()).into());
                }
                pieces
            }
        })
    };
    let input = tag_of("input", "hidden")
        .set("type", "file")
        .set("multiple", "")
        .set("accept", ".gguf,.json")
        .hook("file-input")
        .on("change", move |event| {
            let Some(element) = element_of(&event) else {
                return;
            };
            let input: HtmlInputElement = element.unchecked_into();
            if let Some(list) = input.files() {
                files::open(store, &list);
            }
            // The same file can be chosen again.
            input.set_value("");
        });
    tag_of("span", "file")
        .with(tag_of("label", "quiet").with(input).with(text.choose_file))
        .with(
            tag_of("span", "problem")
                .set("role", "status")
                .hook("file-status")
                .slot(status),
        )
}

/// Takes the bound in place of a model whose rules are not known.
fn use_bound(page: Page, bound: Arc<Loaded>) -> Tag {
    tag_of("button", "quiet")
        .set("type", "button")
        .hook("use-bound")
        .on("click", move |_| page.store.take_model(bound.clone()))
        .with(page.text.use_bound)
}

/// What is to be known about the model.
fn notes(page: Page) -> Vec<Piece> {
    let text = page.text;
    let outcome = page.store.outcome();
    let mut notes = Vec::new();
    let mut note = |words: &str| notes.push(tag_of("span", "note").with(words).into());
    if let Ok(chosen) = &outcome.chosen {
        if chosen.model.geometry == Geometry::Conservative {
            note(text.conservative);
        }
        if chosen.cut_short {
            note(text.cut_short);
        }
    }
    notes
}

/// A choice of the weights' format.
#[derive(Clone, Copy)]
pub(super) struct Quant {
    pub(super) id: &'static str,
    pub(super) hook: &'static str,
    pub(super) label: &'static str,
    /// Where problems with it are reported.
    pub(super) field: Field,
    /// What can be chosen; `None` where the model is wrong.
    pub(super) formats: fn(&Outcome) -> Option<Formats>,
    pub(super) set: fn(&mut State, String),
}

pub(super) fn quant(page: Page) -> Tag {
    quant_of(
        page,
        Quant {
            id: "quant",
            hook: "quant-select",
            label: page.text.quant,
            field: Field::Quant,
            formats: |outcome| Some(outcome.chosen.as_ref().ok()?.formats.clone()),
            set: |state, name| state.quant = name,
        },
    )
}

pub(super) fn quant_of(page: Page, about: Quant) -> Tag {
    let store = page.store;
    // A wrong model leaves the choice of formats as it was.
    let kept = RefCell::new(None);
    let options = move || {
        if let Some(formats) = (about.formats)(&store.outcome()) {
            kept.replace(Some(formats));
        }
        let mut options = Options::default();
        match &*kept.borrow() {
            Some(Formats::Fixed(name)) => options.option("", name, true),
            Some(Formats::Open(chosen)) => {
                for format in FileType::ALL {
                    options.option(format.name(), format.name(), format == chosen);
                }
            }
            #[cfg(feature = "whole")]
            Some(Formats::Packed { chosen, plain }) => {
                if *plain {
                    options.option("", "BF16", chosen.is_empty());
                }
                let named = Packing::PUBLISHED.contains(&chosen.as_str());
                if !named && !chosen.is_empty() {
                    options.option(chosen, chosen, true);
                }
                for &name in Packing::PUBLISHED {
                    options.option(name, name, name == chosen);
                }
            }
            None => {}
        }
        options.html()
    };
    let is_fixed = move || matches!((about.formats)(&store.outcome()), Some(Formats::Fixed(_)));
    let problem_id = [about.id, "-problem"].concat();
    let choice = tag("select")
        .set("id", about.id)
        .hook(about.hook)
        .set("aria-describedby", &problem_id)
        .attribute("aria-invalid", invalid(page, about.field))
        .flag("disabled", is_fixed)
        .html(options)
        .on("change", move |event| {
            let name = value_of(&event);
            store.state.update(|state| (about.set)(state, name));
        });
    field_of(about.id, about.label)
        .with(choice)
        .with(problem(page, about.field, &problem_id))
}
