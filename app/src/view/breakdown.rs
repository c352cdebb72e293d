//! Every figure of the plan, each opening its own explanation.

use crate::reactive::*;
use shared::engine::{Basis, Explanation, Figure};

use super::Page;
use super::dom::{Piece, Tag, element_of, tag, tag_of};
use super::memory_bar::part_name;
use crate::answer::{Answers, Detail};
use crate::memory::{Part, sum, total, used};
use crate::number::{exact_bytes, memory};
use crate::outcome::Outcome;
use crate::text::{phrase, terms};

pub(super) fn breakdown(page: Page) -> Tag {
    let store = page.store;
    let sum_of = move || {
        let outcome = store.outcome();
        on_show(&outcome)
            .map(|(answers, detail)| memory(total(&detail.plan, &answers.question.budget)))
            .unwrap_or_default()
    };
    let host = move || {
        let bytes = store.detail().map_or(0, |detail| detail.plan.host.total());
        if bytes == 0 {
            return Vec::new();
        }
        let amount = tag("span").hook("plan-host").with(memory(bytes));
        let line = tag_of("p", "host")
            .with(page.text.host_memory)
            .with(" ")
            .with(amount);
        vec![line.into()]
    };
    let total = tag_of("p", "item total")
        .with(tag_of("span", "what").with(page.text.total))
        .with(tag_of("span", "value").hook("plan-total").words(sum_of))
        .with(tag_of("span", "basis"));
    tag_of("div", "breakdown")
        .with_all(
            Part::PLANNED
                .into_iter()
                .map(|part| item(page, part).into()),
        )
        .with(total)
        .slot(move || in_use(page))
        .slot(move || beside(page))
        .slot(host)
        .with(tag_of("p", "hint").with(page.text.explain_hint))
}

/// What others hold of the GPUs: the bar's first part.
fn in_use(page: Page) -> Vec<Piece> {
    let outcome = page.store.outcome();
    let Some((answers, _)) = on_show(&outcome) else {
        return Vec::new();
    };
    let devices = answers.question.devices.iter();
    let bytes = devices.fold(0, |sum: u64, device| sum.saturating_add(used(device)));
    if bytes == 0 {
        return Vec::new();
    }
    let line = tag_of("p", "item")
        .with(tag_of("span", "swatch part in-use").set("aria-hidden", "true"))
        .with(tag_of("span", "what").with(page.text.in_use_by_others))
        .with(
            tag_of("span", "value")
                .hook("plan-in-use")
                .with(memory(bytes)),
        )
        .with(tag_of("span", "basis"));
    vec![line.into()]
}

/// What of it runs beside the model.
fn beside(page: Page) -> Vec<Piece> {
    let Some(detail) = page.store.detail() else {
        return Vec::new();
    };
    let text = page.text;
    let lines = detail.beside.iter().map(|own| {
        let mut line = tag("li").with(tag("code").with(own.name.as_str()));
        for (what, figure) in [
            (text.weights, own.weights),
            (text.kv_cache, own.kv_cache),
            (text.compute, own.compute),
        ] {
            if figure.bytes > 0 {
                let mut amount = [what, " ", &memory(figure.bytes)].concat();
                if !figure.is_exact() {
                    amount.push_str(&[" (", text.estimate, ")"].concat());
                }
                line = line.with(" ").with(tag("span").with(amount));
            }
        }
        line.into()
    });
    let lines: Vec<Piece> = lines.collect();
    if lines.is_empty() {
        return lines;
    }
    vec![
        tag_of("p", "host").with(text.of_which).into(),
        tag_of("ul", "of-which")
            .hook("plan-beside")
            .with_all(lines)
            .into(),
    ]
}

/// The answers on show with the plan looked at.
fn on_show(outcome: &Outcome) -> Option<(&Answers, &Detail)> {
    Some((outcome.answers.as_deref()?, outcome.detail.as_deref()?))
}

/// What an item shows.
struct Item {
    figure: Figure,
    given: bool,
}

fn read(outcome: &Outcome, part: Part) -> Option<Item> {
    let (answers, detail) = on_show(outcome)?;
    let budget = &answers.question.budget;
    Some(Item {
        figure: sum(part, &detail.plan, budget),
        given: match part {
            Part::Margin => true,
            Part::Runtime => part.components(budget).is_empty(),
            _ => false,
        },
    })
}

/// One part. It keeps its place while its figures change, so that an explanation stays open.
fn item(page: Page, part: Part) -> Tag {
    let store = page.store;
    let text = page.text;
    let item = move || read(&store.outcome(), part);
    let value = move || {
        item()
            .map(|item| memory(item.figure.bytes))
            .unwrap_or_default()
    };
    let basis = move || {
        item().map_or("", |item| match item.figure.basis {
            _ if item.given => text.given,
            Basis::Exact => text.exact,
            Basis::Estimate { .. } => text.estimate,
        })
    };
    let is_estimate = move || item().is_some_and(|item| !item.given && !item.figure.is_exact());
    // A model without recurrent layers has no such line.
    let is_absent =
        move || part == Part::RecurrentState && item().is_none_or(|item| item.figure.bytes == 0);
    let open = RwSignal::new(false);
    let explained = move || {
        if open.get() {
            explain(page, part, &store.outcome())
        } else {
            Vec::new()
        }
    };
    let summary = tag("summary")
        .with(tag_of("span", &["swatch part ", part.name()].concat()).set("aria-hidden", "true"))
        .with(tag_of("span", "what").with(part_name(page, part)))
        .with(
            tag_of("span", "value")
                .hook(&["plan-", part.name()].concat())
                .words(value),
        )
        .with(
            tag_of("span", "basis")
                .class("estimate", is_estimate)
                .words(basis),
        );
    tag_of("details", "item")
        .flag("hidden", is_absent)
        .on("toggle", move |event| {
            open.set(element_of(&event).is_some_and(|item| item.has_attribute("open")));
        })
        .with(summary)
        .with(tag_of("div", "why").slot(explained))
}

fn explain(page: Page, part: Part, outcome: &Outcome) -> Vec<Piece> {
    let (Some(item), Some((answers, detail))) = (read(outcome, part), on_show(outcome)) else {
        return Vec::new();
    };
    let text = page.text;
    let figure = item.figure;
    let basis = if item.given {
        let words = if part == Part::Margin {
            text.explain_margin
        } else {
            text.explain_runtime_given
        };
        words.to_owned()
    } else {
        phrase::basis_range(page.language, figure.basis, figure.bytes)
    };
    let exact = [exact_bytes(figure.bytes).as_str(), " — ", &basis].concat();
    let mut pieces = vec![tag("p").with(exact).into()];
    let components = part.components(&answers.question.budget);
    for explanation in &detail.explanations {
        if components.contains(&explanation.component) {
            pieces.extend(terms(page, explanation));
        }
    }
    pieces
}

fn terms(page: Page, explanation: &Explanation) -> [Piece; 2] {
    let lines = explanation.arithmetic.iter();
    let lines = lines.map(|line| tag("li").with(terms::line(page.language, line)).into());
    let arithmetic = tag_of("ul", "arithmetic").with_all(lines);
    let from = tag_of("p", "from")
        .with(page.text.source)
        .with(": ")
        .with(terms::line(page.language, explanation.source));
    [arithmetic.into(), from.into()]
}
