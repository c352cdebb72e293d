//! The settings that people change, in a quiet place.

use leptos::prelude::*;
use shared::fit::Answer;

use super::problem::{invalid, problem};
use crate::engines::{self, BACKENDS, Kind, Setting};
use crate::question::Field;
use crate::state::State;
use crate::view::Page;

pub(super) fn settings(page: Page) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    // The fields are made when they are first looked at, or when one of them is wrong.
    let open = RwSignal::new(false);
    let is_wrong = Memo::new(move |_| {
        store.question.with(|question| {
            question
                .as_ref()
                .err()
                .is_some_and(|problems| problems.iter().any(|problem| is_setting(problem.field)))
        })
    });
    Effect::new(move |_| {
        if is_wrong.get() {
            open.set(true);
        }
    });
    view! {
        <details
            class="settings"
            prop:open=move || open.get()
            on:toggle:target=move |event| open.set(event.target().has_attribute("open"))
        >
            <summary>{text.settings}</summary>
            {move || open.get().then(|| fields(page))}
        </details>
    }
}

fn is_setting(field: Field) -> bool {
    !matches!(field, Field::Model | Field::Quant | Field::Free(_))
}

fn fields(page: Page) -> AnyView {
    let store = page.store;
    let text = page.text;
    let backend = store.part(|state| state.backend.clone());
    let of_engine = move || {
        let backend = engines::find(&backend.get()).unwrap_or(&BACKENDS[0]);
        backend
            .settings
            .iter()
            .map(|setting| engine_setting(page, setting))
            .collect_view()
    };
    view! {
            <div class="fields">
                {answer(page)}
                {amount(
                    page,
                    Entry {
                        id: "context",
                        field: Field::Context,
                        label: text.context,
                        help: text.context_help,
                        placeholder: text.context_longest,
                        of: |state| &mut state.context,
                        get: |state| state.context.clone(),
                    },
                )}
                {amount(
                    page,
                    Entry {
                        id: "margin",
                        field: Field::Margin,
                        label: text.margin,
                        help: text.margin_help,
                        placeholder: "500 MiB",
                        of: |state| &mut state.margin,
                        get: |state| state.margin.clone(),
                    },
                )}
                {amount(
                    page,
                    Entry {
                        id: "overhead",
                        field: Field::Overhead,
                        label: text.overhead,
                        help: text.overhead_help,
                        placeholder: text.overhead_estimated,
                        of: |state| &mut state.overhead,
                        get: |state| state.overhead.clone(),
                    },
                )}
                {of_engine}
            </div>
            {problem(page, Field::Backend, "backend-problem".to_owned())}
            <button
                type="button"
                class="quiet"
                on:click=move |_| {
                    store
                        .state
                        .update(|state| {
                            let initial = State::default();
                            state.settings.clear();
                            state.context.clear();
                            state.margin.clear();
                            state.overhead.clear();
                            state.answer = initial.answer;
                        });
                }
            >
                {text.reset}
            </button>
    }
    .into_any()
}

fn answer(page: Page) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    let chosen = store.part(|state| state.answer);
    let choices = [
        (Answer::Survives, text.answer_survives),
        (Answer::Loads, text.answer_loads),
        (Answer::Planned, text.answer_planned),
    ];
    view! {
        <p class="field">
            <label for="answer">{text.answer}</label>
            <select
                id="answer"
                data-testid="answer-select"
                aria-describedby="answer-help"
                prop:value=move || chosen.get().name()
                on:change:target=move |event| {
                    if let Some(answer) = Answer::from_name(&event.target().value()) {
                        store.state.update(|state| state.answer = answer);
                    }
                }
            >
                {choices
                    .into_iter()
                    .map(|(answer, label)| {
                        view! {
                            <option
                                value=answer.name()
                                selected=answer == chosen.get_untracked()
                            >
                                {label}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            <span class="help" id="answer-help">{text.answer_help}</span>
        </p>
    }
}

/// A number that is the page's own and no engine's.
#[derive(Clone, Copy)]
struct Entry {
    id: &'static str,
    field: Field,
    label: &'static str,
    help: &'static str,
    placeholder: &'static str,
    of: fn(&mut State) -> &mut String,
    get: fn(&State) -> String,
}

fn amount(page: Page, entry: Entry) -> AnyView {
    let store = page.store;
    let Entry {
        id,
        field,
        label,
        help,
        placeholder,
        of,
        get,
    } = entry;
    let value = store.part(get);
    text_field(
        page,
        Texts {
            id,
            field,
            label,
            help,
            placeholder,
        },
        move || value.get(),
        move |entered| store.state.update(|state| *of(state) = entered),
    )
}

#[derive(Clone, Copy)]
struct Texts {
    id: &'static str,
    field: Field,
    label: &'static str,
    help: &'static str,
    placeholder: &'static str,
}

fn text_field(
    page: Page,
    texts: Texts,
    value: impl Fn() -> String + Send + 'static,
    change: impl Fn(String) + 'static,
) -> AnyView {
    let Texts {
        id,
        field,
        label,
        help,
        placeholder,
    } = texts;
    let help_id = format!("{id}-help");
    let problem_id = format!("{id}-problem");
    let described = format!("{help_id} {problem_id}");
    view! {
        <p class="field">
            <label for=id>{label}</label>
            <input
                id=id
                type="text"
                autocomplete="off"
                spellcheck="false"
                placeholder=placeholder
                data-testid=format!("{id}-input")
                aria-invalid=invalid(page, field)
                aria-describedby=described
                prop:value=value
                on:input:target=move |event| change(event.target().value())
            />
            <span class="help" id=help_id>{help}</span>
            {problem(page, field, problem_id)}
        </p>
    }
    .into_any()
}

fn engine_setting(page: Page, setting: &'static Setting) -> AnyView {
    let store = page.store;
    let name = setting.name;
    let value = store.part(move |state| {
        state
            .settings
            .get(name)
            .cloned()
            .unwrap_or_else(|| setting.default.to_owned())
    });
    let change = move |entered: String| {
        store.state.update(|state| {
            if entered.trim() == setting.default {
                state.settings.remove(name);
            } else {
                state.settings.insert(name.to_owned(), entered);
            }
        });
    };
    let label = page.language.pick(setting.label.0, setting.label.1);
    let help = page.language.pick(setting.help.0, setting.help.1);
    let field = Field::Setting(name);
    match &setting.kind {
        Kind::Number | Kind::Text => {
            let placeholder = match (&setting.kind, setting.default) {
                (Kind::Text, _) => page.language.pick("自動", "auto"),
                (_, "") => page.text.all_layers,
                (_, default) => default,
            };
            text_field(
                page,
                Texts {
                    id: name,
                    field,
                    label,
                    help,
                    placeholder,
                },
                move || value.get(),
                change,
            )
        }
        Kind::Choice(choices) => {
            let help_id = format!("{name}-help");
            let options = choices
                .iter()
                .map(|&(choice, (ja, en))| {
                    let shown = page.language.pick(ja, en);
                    let shown = if shown.is_empty() { choice } else { shown };
                    view! {
                        <option value=choice selected=choice == value.get_untracked()>{shown}</option>
                    }
                })
                .collect_view();
            view! {
                <p class="field">
                    <label for=name>{label}</label>
                    <select
                        id=name
                        data-testid=format!("{name}-select")
                        aria-describedby=help_id.clone()
                        prop:value=move || value.get()
                        on:change:target=move |event| change(event.target().value())
                    >
                        {options}
                    </select>
                    <span class="help" id=help_id>{help}</span>
                </p>
            }
            .into_any()
        }
        Kind::Switch => {
            let help_id = format!("{name}-help");
            view! {
                <p class="field switch">
                    <label for=name>
                        <input
                            id=name
                            type="checkbox"
                            data-testid=format!("{name}-switch")
                            aria-describedby=help_id.clone()
                            prop:checked=move || value.get() == "on"
                            on:change:target=move |event| {
                                let on = event.target().checked();
                                change(if on { "on" } else { "off" }.to_owned());
                            }
                        />
                        {label}
                    </label>
                    <span class="help" id=help_id>{help}</span>
                </p>
            }
            .into_any()
        }
    }
}
