//! The settings that people change, in a quiet place.

use crate::reactive::*;
use shared::fit::Answer;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::problem::{invalid, problem};
use super::{field_of, help};
use crate::engines::{self, BACKENDS, BESIDE, Kind, Setting};
use crate::question::Field;
use crate::state::State;
use crate::view::Page;
use crate::view::dom::{Piece, Tag, element_of, follow, tag, tag_of, value_of};
use crate::view::options::Options;

pub(super) fn settings(page: Page) -> Tag {
    let store = page.store;
    // The fields are made when they are first looked at, or when one of them is wrong.
    let open = RwSignal::new(false);
    follow(move || {
        let outcome = store.outcome();
        let problems = outcome.question.as_ref().err();
        let mut fields = problems.into_iter().flatten().map(|problem| problem.field);
        if fields.any(is_setting) {
            open.set(true);
        }
    });
    // Another engine has other fields.
    let key = move || {
        if !open.get() {
            return 0;
        }
        let name = store.state.with(|state| state.backend.clone());
        let place = BACKENDS.iter().position(|backend| backend.name == name);
        place.unwrap_or(0) as u64 + 1
    };
    tag_of("details", "settings")
        .property("open", move || open.get())
        .on("toggle", move |event| {
            open.set(element_of(&event).is_some_and(|details| details.has_attribute("open")));
        })
        .with(tag("summary").with(page.text.settings))
        .keyed(key, move |key| {
            if key == 0 {
                Vec::new()
            } else {
                fields(page).into()
            }
        })
}

fn is_setting(field: Field) -> bool {
    match field {
        Field::Context | Field::Margin | Field::Overhead | Field::Backend => true,
        Field::Setting(name) => !BESIDE.contains(&name),
        _ => false,
    }
}

fn fields(page: Page) -> [Piece; 3] {
    let store = page.store;
    let text = page.text;
    let own = [
        Own {
            id: "context",
            field: Field::Context,
            label: text.context,
            help: text.context_help,
            placeholder: text.context_longest,
            of: |state| &mut state.context,
            get: |state| &state.context,
        },
        Own {
            id: "margin",
            field: Field::Margin,
            label: text.margin,
            help: text.margin_help,
            placeholder: "500 MiB",
            of: |state| &mut state.margin,
            get: |state| &state.margin,
        },
        Own {
            id: "overhead",
            field: Field::Overhead,
            label: text.overhead,
            help: text.overhead_help,
            placeholder: text.overhead_estimated,
            of: |state| &mut state.overhead,
            get: |state| &state.overhead,
        },
    ];
    let name = store.state.with_untracked(|state| state.backend.clone());
    let backend = engines::find(&name).unwrap_or(&BACKENDS[0]);
    let of_engine = backend.settings.iter();
    let all = tag_of("div", "fields")
        .with(answer(page))
        .with_all(own.into_iter().map(|own| amount(page, own).into()))
        .with_all(of_engine.map(|setting| engine_setting(page, setting).into()));
    let reset = tag_of("button", "quiet")
        .set("type", "button")
        .on("click", move |_| {
            store.state.update(|state| {
                state.settings.clear();
                state.context.clear();
                state.margin.clear();
                state.overhead.clear();
                state.answer = Answer::default();
            });
        })
        .with(text.reset);
    [
        all.into(),
        problem(page, Field::Backend, "backend-problem").into(),
        reset.into(),
    ]
}

fn answer(page: Page) -> Tag {
    let store = page.store;
    let text = page.text;
    let options = move || {
        let chosen = store.state.with(|state| state.answer);
        let mut options = Options::default();
        for (answer, label) in [
            (Answer::Survives, text.answer_survives),
            (Answer::Loads, text.answer_loads),
            (Answer::Planned, text.answer_planned),
        ] {
            options.option(answer.name(), label, answer == chosen);
        }
        options.html()
    };
    let choice = tag("select")
        .set("id", "answer")
        .hook("answer-select")
        .set("aria-describedby", "answer-help")
        .html(options)
        .on("change", move |event| {
            if let Some(answer) = Answer::from_name(&value_of(&event)) {
                store.state.update(|state| state.answer = answer);
            }
        });
    field_of("answer", text.answer)
        .with(choice)
        .with(help("answer-help", text.answer_help))
}

/// A number that is the page's own and no engine's.
#[derive(Clone, Copy)]
struct Own {
    id: &'static str,
    field: Field,
    label: &'static str,
    help: &'static str,
    placeholder: &'static str,
    of: fn(&mut State) -> &mut String,
    get: fn(&State) -> &String,
}

fn amount(page: Page, own: Own) -> Tag {
    let store = page.store;
    let input = text_input(own.placeholder)
        .value(move || store.state.with(|state| (own.get)(state).clone()))
        .on("input", move |event| {
            let entered = value_of(&event);
            store.state.update(|state| *(own.of)(state) = entered);
        });
    entry(page, own.id, own.field, (own.label, own.help), input)
}

fn text_input(placeholder: &str) -> Tag {
    tag("input")
        .set("type", "text")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .set("placeholder", placeholder)
}

/// A field around its input, with what helps and what is wrong.
fn entry(page: Page, id: &str, field: Field, (label, words): (&str, &str), input: Tag) -> Tag {
    let help_id = [id, "-help"].concat();
    let problem_id = [id, "-problem"].concat();
    let input = input
        .set("id", id)
        .hook(&[id, "-input"].concat())
        .set("aria-describedby", &[&help_id, " ", &problem_id].concat())
        .attribute("aria-invalid", invalid(page, field));
    field_of(id, label)
        .with(input)
        .with(help(&help_id, words))
        .with(problem(page, field, &problem_id))
}

/// A setting as entered, or its default.
fn entered(page: Page, setting: &'static Setting) -> String {
    page.store.state.with(|state| {
        let entered = state.settings.get(setting.name);
        entered.map_or_else(|| setting.default.to_owned(), String::clone)
    })
}

fn change(page: Page, setting: &'static Setting, entered: String) {
    page.store.state.update(|state| {
        if entered.trim() == setting.default {
            state.settings.remove(setting.name);
        } else {
            state.settings.insert(setting.name.to_owned(), entered);
        }
    });
}

pub(super) fn engine_setting(page: Page, setting: &'static Setting) -> Tag {
    let name = setting.name;
    let label = page.language.pick(setting.label.0, setting.label.1);
    let words = page.language.pick(setting.help.0, setting.help.1);
    let help_id = [name, "-help"].concat();
    match &setting.kind {
        Kind::Number | Kind::Text => {
            let placeholder = match (&setting.kind, setting.default) {
                (Kind::Text, _) => page.language.pick("自動", "auto"),
                (_, "") => page.text.all_layers,
                (_, default) => default,
            };
            let input = text_input(placeholder)
                .value(move || entered(page, setting))
                .on("input", move |event| {
                    change(page, setting, value_of(&event));
                });
            entry(page, name, Field::Setting(name), (label, words), input)
        }
        Kind::Choice(choices) => {
            let options = move || {
                let chosen = entered(page, setting);
                let mut options = Options::default();
                for &(choice, (ja, en)) in *choices {
                    let shown = page.language.pick(ja, en);
                    let shown = if shown.is_empty() { choice } else { shown };
                    options.option(choice, shown, choice == chosen);
                }
                options.html()
            };
            let choice = tag("select")
                .set("id", name)
                .hook(&[name, "-select"].concat())
                .set("aria-describedby", &help_id)
                .html(options)
                .on("change", move |event| {
                    change(page, setting, value_of(&event));
                });
            field_of(name, label)
                .with(choice)
                .with(help(&help_id, words))
        }
        &Kind::Switch(on) => {
            let input = tag("input")
                .set("id", name)
                .set("type", "checkbox")
                .hook(&[name, "-switch"].concat())
                .set("aria-describedby", &help_id)
                .property("checked", move || entered(page, setting) == on)
                .on("change", move |event| {
                    let input = element_of(&event).map(JsCast::unchecked_into);
                    let is_on = input.is_some_and(|input: HtmlInputElement| input.checked());
                    let entered = if is_on { on } else { "off" };
                    change(page, setting, entered.to_owned());
                });
            tag_of("p", "field switch")
                .with(tag("label").set("for", name).with(input).with(label))
                .with(help(&help_id, words))
        }
    }
}
