//! A text field with a list of what it could mean (the ARIA combobox pattern).

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::Page;

/// Choices listed at most.
const MOST: usize = 60;

/// A line of the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Choice {
    /// What is chosen, and its label.
    pub(super) value: &'static str,
    /// What helps to choose.
    pub(super) note: String,
}

/// The field. `search` lists what words could mean; `choose` is told of a choice from the list
/// and of what was typed when the person moves on.
pub(super) fn combobox(
    page: Page,
    id: &'static str,
    hook: &'static str,
    value: Memo<String>,
    invalid: impl Fn() -> &'static str + Copy + Send + Sync + 'static,
    search: impl Fn(&str) -> Vec<Choice> + Copy + Send + Sync + 'static,
    choose: impl Fn(String) + Copy + Send + Sync + 'static,
) -> AnyView {
    let typed: RwSignal<Option<String>> = RwSignal::new(None);
    let open = RwSignal::new(false);
    let active: RwSignal<Option<usize>> = RwSignal::new(None);
    let list_id = format!("{id}-list");
    let option_id = move |index: usize| format!("{id}-option-{index}");

    let choices = Memo::new(move |_| {
        if !open.get() {
            return Vec::new();
        }
        let words = typed.get().unwrap_or_default();
        let mut choices = search(&words);
        choices.truncate(MOST);
        choices
    });
    let pick = move |value: String| {
        open.set(false);
        active.set(None);
        typed.set(None);
        choose(value);
    };
    let settle = move || {
        open.set(false);
        active.set(None);
        if let Some(words) = typed.get_untracked() {
            typed.set(None);
            let words = words.trim().to_owned();
            if !words.is_empty() && words != value.get_untracked() {
                choose(words);
            }
        }
    };
    let step = move |by: isize| {
        open.set(true);
        let count = choices.with_untracked(Vec::len);
        if count == 0 {
            return;
        }
        let last = count - 1;
        active.update(|active| {
            *active = Some(match (*active, by > 0) {
                (None, true) => 0,
                (None, false) => last,
                (Some(index), true) => {
                    if index >= last {
                        0
                    } else {
                        index + 1
                    }
                }
                (Some(index), false) => {
                    if index == 0 {
                        last
                    } else {
                        index - 1
                    }
                }
            });
        });
        if let Some(index) = active.get_untracked() {
            super::show_element(option_id(index));
        }
    };
    let keyed = move |event: KeyboardEvent| match event.key().as_str() {
        "ArrowDown" => {
            event.prevent_default();
            step(1);
        }
        "ArrowUp" => {
            event.prevent_default();
            step(-1);
        }
        "Enter" => {
            // While an input method composes, the key belongs to it.
            if event.is_composing() {
                return;
            }
            event.prevent_default();
            let chosen = active.get_untracked().and_then(|index| {
                choices.with_untracked(|choices| choices.get(index).map(|choice| choice.value))
            });
            match chosen {
                Some(value) => pick(value.to_owned()),
                None => settle(),
            }
        }
        "Escape" if open.get_untracked() => {
            event.prevent_default();
            open.set(false);
            active.set(None);
            typed.set(None);
        }
        _ => {}
    };
    let list = move || {
        choices.with(|choices| {
            if choices.is_empty() {
                return view! {
                    <li class="none" role="presentation">{page.text.no_model_found}</li>
                }
                .into_any();
            }
            choices
                .iter()
                .enumerate()
                .map(|(index, choice)| {
                    let value = choice.value;
                    view! {
                        <li
                            id=option_id(index)
                            role="option"
                            aria-selected=move || {
                                if active.get() == Some(index) { "true" } else { "false" }
                            }
                            // Before the field loses the focus.
                            on:pointerdown=move |event| event.prevent_default()
                            on:click=move |_| pick(value.to_owned())
                        >
                            <span class="value">{value}</span>
                            <span class="note">{choice.note.clone()}</span>
                        </li>
                    }
                })
                .collect_view()
                .into_any()
        })
    };
    view! {
        <div class="combobox">
            <input
                id=id
                type="text"
                role="combobox"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                data-testid=hook
                placeholder=page.text.model_placeholder
                aria-autocomplete="list"
                aria-controls=list_id.clone()
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-activedescendant=move || active.get().map(option_id)
                aria-invalid=invalid
                aria-describedby=format!("{id}-problem {id}-help")
                prop:value=move || typed.get().unwrap_or_else(|| value.get())
                on:input:target=move |event| {
                    typed.set(Some(event.target().value()));
                    active.set(None);
                    open.set(true);
                }
                on:focus:target=move |event| event.target().select()
                on:click=move |_| open.set(true)
                on:blur=move |_| settle()
                on:keydown=keyed
            />
            <ul
                id=list_id
                role="listbox"
                aria-label=page.text.models
                hidden=move || !open.get()
            >
                {list}
            </ul>
        </div>
    }
    .into_any()
}
