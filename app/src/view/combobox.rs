//! A text field with a list of what it could mean (the ARIA combobox pattern).

use std::rc::Rc;

use crate::reactive::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, KeyboardEvent};

use super::Page;
use super::dom::{Piece, Tag, element_of, tag, tag_of, value_of};
use super::form::problem::invalid;
use crate::question::Field;

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

/// What the field is about.
#[derive(Clone, Copy)]
pub(super) struct Combobox {
    /// The identifier of its input; those of its parts begin with it.
    pub(super) id: &'static str,
    /// The hook that tests find it by.
    pub(super) hook: &'static str,
    /// What stands in it while it is empty.
    pub(super) placeholder: &'static str,
    /// Whether nothing can be chosen.
    pub(super) may_be_empty: bool,
    /// Where problems with it are reported.
    pub(super) field: Field,
    /// What is chosen now.
    pub(super) value: fn(Page) -> String,
    /// Lists what words could mean.
    pub(super) search: fn(Page, &str) -> Vec<Choice>,
    /// Is told of a choice from the list and of what was typed when the person moves on.
    pub(super) choose: fn(Page, String),
}

/// What is going on in the field.
#[derive(Clone, Copy)]
struct Typing {
    page: Page,
    about: Combobox,
    typed: RwSignal<Option<String>>,
    open: RwSignal<bool>,
    /// The line that the arrow keys have reached.
    active: RwSignal<Option<u64>>,
}

impl Typing {
    fn choices(self) -> Vec<Choice> {
        let words = self.typed.get().unwrap_or_default();
        let mut choices = (self.about.search)(self.page, &words);
        choices.truncate(MOST);
        choices
    }

    fn close(self) {
        self.open.set(false);
        self.active.set(None);
        self.typed.set(None);
    }

    fn pick(self, value: String) {
        self.close();
        (self.about.choose)(self.page, value);
    }

    /// The person moves on: what was typed counts.
    fn settle(self) {
        let typed = self.typed.get_untracked();
        self.close();
        let Some(words) = typed else { return };
        let words = words.trim();
        if (self.about.may_be_empty || !words.is_empty())
            && words != untrack(|| (self.about.value)(self.page))
        {
            (self.about.choose)(self.page, words.to_owned());
        }
    }

    fn step(self, forward: bool) {
        self.open.set(true);
        let count = untrack(|| self.choices().len()) as u64;
        let Some(last) = count.checked_sub(1) else {
            return;
        };
        let next = match (self.active.get_untracked(), forward) {
            (Some(index), true) if index < last => index + 1,
            (Some(index), false) if index > 0 => index - 1,
            (_, true) => 0,
            (_, false) => last,
        };
        self.active.set(Some(next));
        super::show_element(self.option_id(next));
    }

    fn option_id(self, index: u64) -> String {
        format!("{}-option-{index}", self.about.id)
    }

    fn keyed(self, event: &KeyboardEvent) {
        match event.key().as_str() {
            "ArrowDown" => self.step(true),
            "ArrowUp" => self.step(false),
            // While an input method composes, the key belongs to it.
            "Enter" if event.is_composing() => return,
            "Enter" => {
                let active = self.active.get_untracked();
                let chosen = active.and_then(|index| {
                    let choices = untrack(|| self.choices());
                    Some(choices.get(usize::try_from(index).ok()?)?.value)
                });
                match chosen {
                    Some(value) => self.pick(value.to_owned()),
                    None => self.settle(),
                }
            }
            "Escape" if self.open.get_untracked() => self.close(),
            _ => return,
        }
        event.prevent_default();
    }

    fn list(self) -> Vec<Piece> {
        if !self.open.get() {
            return Vec::new();
        }
        let choices = self.choices();
        if choices.is_empty() {
            let nothing = tag_of("li", "none")
                .set("role", "presentation")
                .with(self.page.text.no_model_found);
            return vec![nothing.into()];
        }
        let lines = (0..).zip(choices);
        lines
            .map(|(index, choice)| self.line(index, &choice).into())
            .collect()
    }

    fn line(self, index: u64, choice: &Choice) -> Tag {
        let value = choice.value;
        tag("li")
            .set("id", &self.option_id(index))
            .set("role", "option")
            .attribute("aria-selected", move || {
                said(self.active.get() == Some(index))
            })
            // Before the field loses the focus.
            .on("pointerdown", |event| event.prevent_default())
            .on("click", move |_| self.pick(value.to_owned()))
            .with(tag_of("span", "value").with(value))
            .with(tag_of("span", "note").with(choice.note.as_str()))
    }
}

/// Whether something is so, as ARIA has it.
pub(super) fn said(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}

/// The field.
pub(super) fn combobox(page: Page, about: Combobox) -> Tag {
    let typing = Typing {
        page,
        about,
        typed: RwSignal::new(None),
        open: RwSignal::new(false),
        active: RwSignal::new(None),
    };
    let Typing {
        typed,
        open,
        active,
        ..
    } = typing;
    let id = about.id;
    let list_id: Rc<str> = format!("{id}-list").into();
    let input = tag("input")
        .set("id", id)
        .set("type", "text")
        .set("role", "combobox")
        .set("autocomplete", "off")
        .set("autocapitalize", "none")
        .set("spellcheck", "false")
        .hook(about.hook)
        .set("placeholder", about.placeholder)
        .set("aria-autocomplete", "list")
        .set("aria-controls", &list_id)
        .set("aria-describedby", &format!("{id}-problem {id}-help"))
        .attribute("aria-expanded", move || said(open.get()))
        .attribute("aria-activedescendant", move || {
            active
                .get()
                .map(|index| typing.option_id(index))
                .unwrap_or_default()
        })
        .attribute("aria-invalid", invalid(page, about.field))
        .value(move || typed.get().unwrap_or_else(|| (about.value)(page)))
        .on("input", move |event| {
            typed.set(Some(value_of(&event)));
            active.set(None);
            open.set(true);
        })
        .on("focus", |event| {
            if let Some(element) = element_of(&event) {
                element.unchecked_into::<HtmlInputElement>().select();
            }
        })
        .on("click", move |_| open.set(true))
        .on("blur", move |_| typing.settle())
        .on("keydown", move |event| typing.keyed(event.unchecked_ref()));
    let list = tag("ul")
        .set("id", &list_id)
        .set("role", "listbox")
        .set("aria-label", page.text.models)
        .flag("hidden", move || !open.get())
        .slot(move || typing.list());
    tag_of("div", "combobox").with(input).with(list)
}
