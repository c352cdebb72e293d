//! The choices, each a button that makes it and the commands that start it.

use std::sync::Arc;
use std::time::Duration;

use crate::reactive::*;

use super::words;
use crate::advice::{Choice, Command, Search, commands, usual};
use crate::number::{NumberError, grouped, parse_count};
use crate::outcome::Outcome;
use crate::text::phrase;
use crate::view::Page;
use crate::view::combobox::said;
use crate::view::command::words_of;
use crate::view::copy_button::{Words, copy_button};
use crate::view::dom::{Piece, Tag, element_of, follow, tag, tag_of, value_of};
use crate::view::form::problem::told;
use crate::view::ways_out::change_label;

/// How long a question has to stand before it is searched for.
const STANDING: Duration = Duration::from_millis(250);

/// A search, and whether it is through.
#[derive(Clone)]
struct Found {
    search: Arc<Search>,
    is_through: bool,
}

pub(super) fn content(page: Page) -> Vec<Piece> {
    let store = page.store;
    let found: RwSignal<Option<Found>> = RwSignal::new(None);
    // The outcome that is being searched for.
    let current: StoredValue<Option<Arc<Outcome>>> = StoredValue::new(None);
    let wanted = RwSignal::new(String::new());
    follow(move || {
        let outcome = store.outcome();
        let wanted = wanted.with(|entered| parse_count(entered).ok());
        current.set_value(Some(outcome.clone()));
        let start = move || {
            if is_current(current, &outcome)
                && let Some(search) = outcome.search(wanted)
            {
                advance(found, current, outcome, search);
            }
        };
        // What is shown first need not wait.
        let wait = if untrack(|| found.with(Option::is_none)) {
            Duration::ZERO
        } else {
            STANDING
        };
        set_timeout(start, wait);
    });
    let is_searching =
        move || found.with(|found| found.as_ref().is_none_or(|found| !found.is_through));
    let status = tag_of("p", "hint")
        .set("role", "status")
        .hook("advice-status")
        .words(move || {
            found.with(|found| match found {
                Some(found) if found.is_through => {
                    words::verdict(found.search.advice(), page.language)
                }
                _ => page.language.pick("探しています…", "Searching…"),
            })
        });
    let lists = tag("div")
        .class("previous", is_searching)
        .slot(move || match found.get() {
            Some(found) => lists(page, &found.search),
            None => Vec::new(),
        });
    vec![field(page, wanted).into(), status.into(), lists.into()]
}

/// The context wanted.
fn field(page: Page, wanted: RwSignal<String>) -> Tag {
    let usual = move || {
        let answers = page.store.answers();
        answers.map_or_else(String::new, |answers| grouped(usual(&answers.question)))
    };
    let problem = move || {
        wanted.with(|entered| match parse_count(entered) {
            Ok(_) | Err(NumberError::Empty) => Vec::new(),
            Err(error) => told("", &error, page.language),
        })
    };
    let is_wrong = move || {
        said(
            wanted.with(|entered| !matches!(parse_count(entered), Ok(_) | Err(NumberError::Empty))),
        )
    };
    let input = tag("input")
        .set("type", "text")
        .set("id", "wanted")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .set("aria-describedby", "wanted-problem")
        .hook("advice-context-input")
        .attribute("placeholder", usual)
        .attribute("aria-invalid", is_wrong)
        .on("input", move |event| wanted.set(value_of(&event)));
    tag_of("p", "field wanted")
        .with(
            tag("label").set("for", "wanted").with(
                page.language
                    .pick("入れたいコンテキスト長", "Context that is wanted"),
            ),
        )
        .with(input)
        .with(
            tag_of("span", "problem")
                .set("id", "wanted-problem")
                .set("role", "status")
                .slot(problem),
        )
}

/// Whether the question is still this one, and the part still there.
fn is_current(current: StoredValue<Option<Arc<Outcome>>>, outcome: &Arc<Outcome>) -> bool {
    let is = |current: &Option<Arc<Outcome>>| {
        current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, outcome))
    };
    current.try_with_value(is).unwrap_or(false)
}

/// Takes the search step by step, each in a task of its own.
fn advance(
    found: RwSignal<Option<Found>>,
    current: StoredValue<Option<Arc<Outcome>>>,
    outcome: Arc<Outcome>,
    mut search: Search,
) {
    if !is_current(current, &outcome) {
        return;
    }
    let is_through = !search.step();
    found.set(Some(Found {
        search: Arc::new(search.clone()),
        is_through,
    }));
    if !is_through {
        set_timeout(
            move || advance(found, current, outcome, search),
            Duration::ZERO,
        );
    }
}

fn lists(page: Page, search: &Arc<Search>) -> Vec<Piece> {
    let advice = search.advice();
    let language = page.language;
    let list = |heading: &str, choices: &[Choice]| {
        let lines = choices.iter();
        let lines = lines.map(|choice| line(page, search, choice).into());
        tag("section")
            .with(tag_of("h2", "lesser").with(heading))
            .with(tag_of("ul", "choices").with_all(lines))
            .into()
    };
    let mut lists = Vec::new();
    if !advice.longer.is_empty() {
        lists.push(list(words::longer(language), &advice.longer));
    }
    if let Some(wanted) = advice.wanted
        && !advice.reaching.is_empty()
    {
        lists.push(list(&words::reaching(language, wanted), &advice.reaching));
    }
    lists
}

fn line(page: Page, search: &Arc<Search>, choice: &Choice) -> Tag {
    let language = page.language;
    let now = search.advice().now;
    let labels: Vec<String> = choice
        .changes
        .iter()
        .map(|change| change_label(page, change))
        .collect();
    let made = choice.clone();
    let button = tag("button")
        .set("type", "button")
        .on("click", move |_| {
            page.store.state.update(|state| made.apply(state));
            crate::view::focus_later("advice-summary");
        })
        .with(tag("span").with(labels.join(language.pick("、", ", "))))
        .with(" ")
        .with(tag_of("span", "result").with(words::gain(language, now, choice.context)))
        .with(tag_of("span", "cost").with(words::costs(language, choice)));
    let open = RwSignal::new(false);
    let (search, choice) = (search.clone(), choice.clone());
    let starts = tag("details")
        .on("toggle", move |event| {
            open.set(element_of(&event).is_some_and(|details| details.has_attribute("open")));
        })
        .with(tag("summary").with(page.text.command))
        .slot(move || {
            if !open.get() {
                return Vec::new();
            }
            let commands = commands(&search, &choice, language);
            commands
                .into_iter()
                .map(|command| started(page, command).into())
                .collect()
        });
    tag("li").with(button).with(starts)
}

/// How one program is started.
fn started(page: Page, command: Command) -> Tag {
    let mut name = tag_of("p", "program").with(tag("b").with(command.program));
    let (line, context) = match command.line {
        Ok(line) => line,
        Err(reason) => {
            let reason = [": ", &words::reason(page.language, &reason)].concat();
            return tag("div").with(name.with(reason));
        }
    };
    let words = Words {
        label: page.text.copy,
        help: "",
        done: page.text.copied,
    };
    let tokens = [": ", &phrase::tokens(page.language, context), " "].concat();
    let copied = line.clone();
    name = name
        .with(tokens)
        .with(copy_button(page, "copy-choice", words, move || {
            copied.clone()
        }));
    tag_of("div", "command").with(name).with(
        tag("pre")
            .set("tabindex", "0")
            .with(tag("code").with_all(words_of(&line))),
    )
}
