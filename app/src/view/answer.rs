//! The answer: one sentence, and a large numeral for each precision.

use crate::reactive::*;
use shared::engine::Precision;
use shared::fit::{Fit, Limit};
use shared::text::UserMessage;

use super::Page;
use super::dom::{Piece, Tag, tag, tag_of};
use crate::answer::{Answers, Row, is_nothing, shortfall};
use crate::number::grouped;
use crate::outcome::Outcome;
use crate::state::Focus;
use crate::text::phrase;

/// The name of an answer's cache as people read it.
pub(super) fn focus_label(page: Page, focus: Focus) -> &'static str {
    match focus {
        Focus::Precision(precision) => match precision {
            Precision::Fp16 => "FP16",
            Precision::Int8 => "INT8",
            Precision::Int4 => "INT4",
        },
        Focus::Exact => page.text.exact_types,
    }
}

/// The answer looked at, in one sentence.
pub(super) fn sentence(page: Page) -> Tag {
    let store = page.store;
    tag_of("h1", "sentence")
        .set("aria-live", "polite")
        .set("aria-atomic", "true")
        .class("previous", move || store.is_previous())
        .slot(move || {
            let outcome = store.outcome();
            match &outcome.answers {
                Some(answers) => sentence_of(page, answers, outcome.focus),
                None => unasked(page, &outcome),
            }
        })
}

/// What stands in place of an answer where the address asked for what cannot be.
fn unasked(page: Page, outcome: &Outcome) -> Vec<Piece> {
    let problems = outcome.question.as_ref().err();
    match problems.and_then(|problems| problems.first()) {
        Some(problem) => vec![
            tag("strong").with(problem.message(page.language)).into(),
            " — ".into(),
            problem.hint(page.language).into(),
        ],
        None => Vec::new(),
    }
}

fn sentence_of(page: Page, answers: &Answers, focus: Focus) -> Vec<Piece> {
    let language = page.language;
    let question = &answers.question;
    let free = question.devices.iter().map(|device| device.free).sum();
    let model = &question.chosen.model;
    let begin = phrase::setting_out(
        language,
        &model.name,
        &model.weights_format,
        question.devices.len(),
        free,
    );
    let Some(row) = answers.row(focus) else {
        return Vec::new();
    };
    let cache = focus_label(page, row.focus);
    let (number, end) = match &row.fit {
        Ok(fit) if is_nothing(fit) => {
            let missing = shortfall(&fit.plan, question);
            (
                page.text.does_not_fit.to_owned(),
                phrase::end_short(language, cache, missing),
            )
        }
        Ok(fit) => (
            phrase::tokens(language, fit.max_context_length),
            phrase::end_fits(
                language,
                cache,
                (fit.limit == Limit::TrainedContext).then_some(fit.usable_context_length),
            ),
        ),
        Err(error) => (
            page.text.refused.to_owned(),
            phrase::end_refused(language, cache, &error.message(language)),
        ),
    };
    vec![begin.into(), tag("strong").with(number).into(), end.into()]
}

/// A large numeral for each precision; choosing one shows its details below.
pub(super) fn readings(page: Page) -> Tag {
    let store = page.store;
    let rows = move || {
        store
            .answers()
            .map_or(0, |answers| answers.rows.len() as u64)
    };
    // The numerals are as large as the longest of them lets all be.
    let digits = move || {
        let answers = store.answers();
        let lengths = answers.iter().flat_map(|answers| &answers.rows);
        let longest = lengths
            .filter_map(|row| Some(grouped(row.fit.as_ref().ok()?.max_context_length).len()))
            .max();
        longest.unwrap_or(1).max(6).to_string()
    };
    let numerals = tag_of("div", "numerals")
        .styled("--digits", digits)
        .keyed(rows, move |_| {
            let answers = store.answers();
            let rows = answers.iter().flat_map(|answers| &answers.rows);
            rows.map(|row| reading(page, row.focus).into()).collect()
        });
    tag_of("fieldset", "readings")
        .flag("hidden", move || store.outcome().has_no_answer())
        .class("previous", move || store.is_previous())
        .with(tag_of("legend", "hidden").with(page.text.readings))
        .with(numerals)
        .with(limits(page))
}

fn reading(page: Page, focus: Focus) -> Tag {
    let store = page.store;
    let text = page.text;
    let of_row = move |read: &dyn Fn(&Row) -> String| {
        let answers = store.answers();
        let mut rows = answers.iter().flat_map(|answers| &answers.rows);
        rows.find(|row| row.focus == focus)
            .map(read)
            .unwrap_or_default()
    };
    let numeral = move || {
        of_row(&|row| match &row.fit {
            Ok(fit) => grouped(fit.max_context_length),
            Err(_) => "—".to_owned(),
        })
    };
    let below = move || {
        of_row(&|row| match &row.fit {
            Ok(fit) if is_nothing(fit) => text.does_not_fit.to_owned(),
            Ok(fit) => phrase::about(page.language, fit.max_context_length),
            Err(_) => text.refused.to_owned(),
        })
    };
    let choice = tag_of("input", "hidden")
        .set("type", "radio")
        .set("name", "focus")
        .set("value", focus.name())
        .property("checked", move || store.outcome().focus == focus)
        .on("change", move |_| {
            store.state.update(|state| state.focus = focus);
        });
    tag_of("label", "reading")
        .with(choice)
        .with(
            tag_of("span", "cache")
                .with("KV ")
                .with(focus_label(page, focus)),
        )
        .with(
            tag_of("span", "numeral")
                .hook(&["max-context-", focus.name()].concat())
                .words(numeral),
        )
        .with(tag_of("span", "below").words(below))
}

/// The limits, the binding one named.
fn limits(page: Page) -> Tag {
    let store = page.store;
    let text = page.text;
    let lead = move || {
        if store.is_previous() {
            text.previous_answer
        } else {
            text.limited_by
        }
    };
    let binding = move || match looked_at(&store.outcome()).map(|fit| fit.limit) {
        Some(Limit::Vram) => text.limited_by_memory,
        Some(Limit::TrainedContext) => text.limited_by_trained,
        Some(Limit::Weights) => text.limited_by_weights,
        Some(Limit::Engine) | None => text.limited_by_refusal,
    };
    let list = move || {
        let outcome = store.outcome();
        let Some(answers) = &outcome.answers else {
            return Vec::new();
        };
        let fit = looked_at(&outcome);
        let limit = fit.map(|fit| fit.limit);
        let trained = answers.question.chosen.model.trained_context_length;
        vec![
            limit_item(
                page,
                text.limit_memory,
                fit.map_or_else(|| "—".to_owned(), |fit| grouped(fit.max_context_length)),
                matches!(limit, Some(Limit::Vram | Limit::Weights)),
            ),
            limit_item(
                page,
                text.limit_trained,
                trained.map_or_else(|| text.limit_unknown.to_owned(), grouped),
                limit == Some(Limit::TrainedContext),
            ),
        ]
    };
    tag_of("div", "limits")
        .with(
            tag_of("p", "binding")
                .words(lead)
                .with(" ")
                .with(tag("strong").hook("limited-by").words(binding)),
        )
        .with(tag("dl").set("aria-label", text.limits).slot(list))
}

fn looked_at(outcome: &Outcome) -> Option<&Fit> {
    let row = outcome.answers.as_ref()?.row(outcome.focus)?;
    row.fit.as_ref().ok()
}

fn limit_item(page: Page, label: &str, value: String, binds: bool) -> Piece {
    let mut amount = tag("dd").with(value);
    if binds {
        let said = [" (", page.text.limit_binds, ")"].concat();
        amount = amount.with(tag_of("span", "hidden").with(said));
    }
    tag_of("div", if binds { "limit binds" } else { "limit" })
        .with(tag("dt").with(label))
        .with(amount)
        .into()
}
