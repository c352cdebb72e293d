//! The answer: one sentence, and a large numeral for each precision.

use leptos::prelude::*;
use shared::engine::Precision;
use shared::fit::{Fit, Limit};
use shared::text::UserMessage;

use super::Page;
use crate::answer::{Answers, Row, is_nothing, shortfall};
use crate::number::grouped;
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
pub(super) fn sentence(page: Page) -> impl IntoView {
    let store = page.store;
    let focus = store.part(|state| state.focus);
    let sentence = move || {
        store
            .read(|answers| sentence_of(page, answers, focus.get()))
            .unwrap_or_else(|| unasked(page))
    };
    view! {
        <h1
            class="sentence"
            class:previous=move || store.shown.with(|shown| shown.is_previous)
            aria-live="polite"
            aria-atomic="true"
        >
            {sentence}
        </h1>
    }
}

/// What stands in place of an answer where the address asked for what cannot be.
fn unasked(page: Page) -> AnyView {
    page.store.question.with(|question| {
        let problem = question
            .as_ref()
            .err()
            .and_then(|problems| problems.first());
        problem
            .map(|problem| {
                let message = problem.message(page.language);
                let hint = problem.hint(page.language);
                view! {
                    <strong>{message}</strong>
                    " — "
                    {hint}
                }
            })
            .into_any()
    })
}

fn sentence_of(page: Page, answers: &Answers, focus: Focus) -> AnyView {
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
        return ().into_any();
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
    view! { {begin}<strong>{number}</strong>{end} }.into_any()
}

/// A large numeral for each precision; choosing one shows its details below.
pub(super) fn readings(page: Page) -> impl IntoView {
    let store = page.store;
    let focuses = Memo::new(move |_| {
        store
            .read(|answers| answers.rows.iter().map(|row| row.focus).collect::<Vec<_>>())
            .unwrap_or_default()
    });
    let all = move || {
        focuses
            .get()
            .into_iter()
            .map(|focus| reading(page, focus))
            .collect_view()
    };
    // The numerals are as large as the longest of them lets all be.
    let digits = move || {
        let longest = store
            .read(|answers| {
                let lengths = answers.rows.iter().filter_map(|row| {
                    Some(grouped(row.fit.as_ref().ok()?.max_context_length).len())
                });
                lengths.max()
            })
            .flatten()
            .unwrap_or(1);
        format!("--digits: {}", longest.max(6))
    };
    view! {
        <fieldset
            class="readings"
            hidden=move || store.has_no_answer()
            class:previous=move || store.shown.with(|shown| shown.is_previous)
        >
            <legend class="hidden">{page.text.readings}</legend>
            <div class="numerals" style=digits>{all}</div>
            {limits(page)}
        </fieldset>
    }
}

fn reading(page: Page, focus: Focus) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    let hook = format!("max-context-{}", focus.name());
    let fit = Memo::new(move |_| {
        store
            .read(|answers| {
                let row: Option<&Row> = answers.rows.iter().find(|row| row.focus == focus);
                row.map(|row| row.fit.clone())
            })
            .flatten()
    });
    let numeral = move || {
        fit.with(|fit| match fit {
            Some(Ok(fit)) => grouped(fit.max_context_length),
            _ => "—".to_owned(),
        })
    };
    let below = move || {
        fit.with(|fit| match fit {
            Some(Ok(fit)) if is_nothing(fit) => text.does_not_fit.to_owned(),
            Some(Ok(fit)) => below_numeral(page, fit),
            Some(Err(_)) => text.refused.to_owned(),
            None => String::new(),
        })
    };
    view! {
        <label class="reading">
            <input
                type="radio"
                name="focus"
                class="hidden"
                value=focus.name()
                prop:checked=move || store.state.with(|state| state.focus == focus)
                on:change=move |_| store.state.update(|state| state.focus = focus)
            />
            <span class="cache">"KV " {focus_label(page, focus)}</span>
            <span class="numeral" data-testid=hook>{numeral}</span>
            <span class="below">{below}</span>
        </label>
    }
}

fn below_numeral(page: Page, fit: &Fit) -> String {
    phrase::about(page.language, fit.max_context_length)
}

/// The three limits, the binding one named.
fn limits(page: Page) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    let focus = store.part(|state| state.focus);
    let limits = move || {
        store
            .read(|answers| {
                let row = answers.row(focus.get())?;
                let trained = answers.question.chosen.model.trained_context_length;
                Some((row.fit.clone().ok(), trained))
            })
            .flatten()
    };
    let item = move |label: &'static str, value: String, binds: bool| {
        view! {
            <div class="limit" class:binds=binds>
                <dt>{label}</dt>
                <dd>
                    {value}
                    {binds.then(|| view! { <span class="hidden">" (" {text.limit_binds} ")"</span> })}
                </dd>
            </div>
        }
    };
    let list = move || {
        let (fit, trained) = limits()?;
        let limit = fit.as_ref().map(|fit| fit.limit);
        let memory = fit
            .as_ref()
            .map_or_else(|| "—".to_owned(), |fit| grouped(fit.max_context_length));
        Some(view! {
            {item(
                text.limit_memory,
                memory,
                matches!(limit, Some(Limit::Vram | Limit::Weights)),
            )}
            {item(
                text.limit_trained,
                trained.map_or_else(|| text.limit_unknown.to_owned(), grouped),
                limit == Some(Limit::TrainedContext),
            )}
        })
    };
    let is_previous = Memo::new(move |_| store.shown.with(|shown| shown.is_previous));
    let lead = move || {
        if is_previous.get() {
            text.previous_answer
        } else {
            text.limited_by
        }
    };
    let binding = move || {
        limits().map_or(text.limited_by_refusal, |(fit, _)| match fit {
            Some(fit) => match fit.limit {
                Limit::Vram => text.limited_by_memory,
                Limit::TrainedContext => text.limited_by_trained,
                Limit::Weights => text.limited_by_weights,
            },
            None => text.limited_by_refusal,
        })
    };
    view! {
        <div class="limits">
            <p class="binding">
                {lead} " " <strong data-testid="limited-by">{binding}</strong>
            </p>
            <dl aria-label=text.limits>{list}</dl>
        </div>
    }
}
