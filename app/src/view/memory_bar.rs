//! Where the memory goes: a bar for each GPU, to the scale of the memory there is.

use leptos::prelude::*;

use super::{Page, breakdown};
use crate::answer::{Answers, Detail};
use crate::memory::{Bar, Part, bar, percent, scale, share};
use crate::number::memory as amount;
use crate::text::phrase;

/// The name of a part.
pub(super) fn part_name(page: Page, part: Part) -> &'static str {
    let text = page.text;
    match part {
        Part::InUse => text.in_use,
        Part::Weights => text.weights,
        Part::KvCache => text.kv_cache,
        Part::RecurrentState => text.recurrent_state,
        Part::Compute => text.compute,
        Part::Runtime => text.runtime,
        Part::Margin => text.safety_margin,
    }
}

pub(super) fn memory(page: Page) -> impl IntoView {
    let store = page.store;
    let drawing = move || {
        store.detail.with(|detail| {
            let detail = detail.as_ref()?;
            store.read(|answers| draw(page, answers, detail))
        })
    };
    view! {
        <section class="memory" class:previous=move || store.shown.with(|shown| shown.is_previous)>
            <h2>{page.text.memory}</h2>
            {drawing}
            {breakdown::breakdown(page)}
        </section>
    }
}

fn draw(page: Page, answers: &Answers, detail: &Detail) -> AnyView {
    let question = &answers.question;
    let plan = &detail.plan;
    let bars: Vec<Bar> = plan
        .devices
        .iter()
        .zip(&question.devices)
        .map(|(plan, device)| bar(plan, device, &question.budget))
        .collect();
    let scale = scale(&bars);
    let types = &plan.cache_types;
    let heading = phrase::at_context(page.language, plan.context_length, &types.key, &types.value);
    view! {
        <p class="at">{heading}</p>
        {bars.iter().map(|bar| draw_bar(page, bar, scale, bars.len() > 1)).collect_view()}
    }
    .into_any()
}

fn draw_bar(page: Page, bar: &Bar, scale: u64, several: bool) -> AnyView {
    let spoken: Vec<String> = bar
        .parts
        .iter()
        .map(|&(part, bytes)| format!("{} {}", part_name(page, part), amount(bytes)))
        .collect();
    let rest = if bar.over > 0 {
        phrase::over_by(page.language, bar.over)
    } else {
        format!("{} {}", page.text.left, amount(bar.left))
    };
    let label = format!("{}: {}, {rest}", bar.name, spoken.join(", "));
    let segments = bar
        .parts
        .iter()
        .map(|&(part, bytes)| {
            let width = percent(share(bytes, scale));
            view! { <span class=format!("part {}", part.name()) style:width=width></span> }
        })
        .collect_view();
    let end = percent(share(bar.end, scale));
    view! {
        <figure class="bar" class:over=bar.over != 0>
            <div class="track" role="img" aria-label=label>
                {segments}
                {(bar.over > 0)
                    .then(|| view! { <span class="past" style:left=end.clone()></span> })}
                <span class="end" style:width=end></span>
            </div>
            <figcaption>
                {several.then(|| view! { <span class="device">{bar.name.clone()}</span> })}
                <span>{amount(bar.end)}</span>
                <span class="rest">{rest}</span>
            </figcaption>
        </figure>
    }
    .into_any()
}
