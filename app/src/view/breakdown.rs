//! Every figure of the plan, each opening its own explanation.

use leptos::prelude::*;
use shared::engine::{Basis, Explanation, Figure};
use shared::fit::Budget;

use super::Page;
use super::memory_bar::part_name;
use crate::answer::{Answers, Detail};
use crate::memory::{Part, sum, total};
use crate::number::{exact_bytes, memory};
use crate::text::phrase;

pub(super) fn breakdown(page: Page) -> impl IntoView {
    let store = page.store;
    let items = Part::PLANNED
        .into_iter()
        .map(|part| item(page, part))
        .collect_view();
    let sum_of = move || {
        store.detail.with(|detail| {
            let detail = detail.as_ref()?;
            store.read(|answers| total(&detail.plan, &answers.question.budget))
        })
    };
    let host = move || {
        store
            .detail
            .with(|detail| detail.as_ref().map(|detail| detail.plan.host.total()))
            .filter(|&bytes| bytes > 0)
            .map(|bytes| {
                view! {
                    <p class="host">
                        {page.text.host_memory} " "
                        <span data-testid="plan-host">{memory(bytes)}</span>
                    </p>
                }
            })
    };
    view! {
        <div class="breakdown">
            {items}
            <p class="item total">
                <span class="what">{page.text.total}</span>
                <span class="value" data-testid="plan-total">
                    {move || sum_of().map(memory)}
                </span>
                <span class="basis"></span>
            </p>
            {host}
            <p class="hint">{page.text.explain_hint}</p>
        </div>
    }
}

/// What an item shows.
#[derive(Clone, PartialEq)]
struct Item {
    figure: Figure,
    given: bool,
    explanations: Vec<Explanation>,
}

fn read(answers: &Answers, detail: &Detail, part: Part) -> Item {
    let budget: &Budget = &answers.question.budget;
    let components = part.components(budget);
    let given = match part {
        Part::Margin => true,
        Part::Runtime => components.is_empty(),
        _ => false,
    };
    Item {
        figure: sum(part, &detail.plan, budget),
        given,
        explanations: detail
            .explanations
            .iter()
            .filter(|explanation| components.contains(&explanation.component))
            .cloned()
            .collect(),
    }
}

/// One part. It keeps its place while its figures change, so that an explanation stays open.
fn item(page: Page, part: Part) -> AnyView {
    let store = page.store;
    let text = page.text;
    let item = Memo::new(move |_| {
        store.detail.with(|detail| {
            let detail = detail.as_ref()?;
            store.read(|answers| read(answers, detail, part))
        })
    });
    let value = move || item.with(|item| item.as_ref().map(|item| memory(item.figure.bytes)));
    let basis = move || {
        item.with(|item| {
            item.as_ref().map(|item| match item.figure.basis {
                _ if item.given => text.given,
                Basis::Exact => text.exact,
                Basis::Estimate { .. } => text.estimate,
            })
        })
    };
    let is_estimate = move || {
        item.with(|item| {
            item.as_ref()
                .is_some_and(|item| !item.given && !item.figure.is_exact())
        })
    };
    // A model without recurrent layers has no such line.
    let is_absent = move || {
        part == Part::RecurrentState
            && item.with(|item| item.as_ref().is_none_or(|item| item.figure.bytes == 0))
    };
    let open = RwSignal::new(false);
    let explained = move || {
        open.get()
            .then(|| item.with(|item| item.as_ref().map(|item| explain(page, part, item))))
    };
    view! {
        <details
            class="item"
            hidden=is_absent
            on:toggle:target=move |event| open.set(event.target().has_attribute("open"))
        >
            <summary>
                <span class=format!("swatch part {}", part.name()) aria-hidden="true"></span>
                <span class="what">{part_name(page, part)}</span>
                <span class="value" data-testid=format!("plan-{}", part.name())>{value}</span>
                <span class="basis" class:estimate=is_estimate>{basis}</span>
            </summary>
            <div class="why">{explained}</div>
        </details>
    }
    .into_any()
}

fn explain(page: Page, part: Part, item: &Item) -> AnyView {
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
    let terms = item
        .explanations
        .iter()
        .map(|explanation| {
            let lines = explanation.arithmetic.clone();
            view! {
                <ul class="arithmetic">
                    {lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                </ul>
                <p class="from">{text.source} ": " {explanation.source}</p>
            }
        })
        .collect_view();
    view! {
        <p>{exact_bytes(figure.bytes)} " — " {basis}</p>
        {terms}
    }
    .into_any()
}
