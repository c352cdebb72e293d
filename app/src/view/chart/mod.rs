//! Memory against context, to read with the pointer, the keyboard or as a table.

mod plot;
mod table;

use leptos::prelude::*;

use super::Page;
use crate::curve::Chart;

pub(super) fn chart(page: Page) -> impl IntoView {
    let store = page.store;
    let focus = store.part(|state| state.focus);
    let answers = store.later();
    let chart: Memo<Option<Chart>> =
        Memo::new(move |_| answers.with(|answers| answers.as_ref()?.chart(focus.get())));
    // The context read off the chart; the answer looked at until a person points elsewhere.
    let pointed: RwSignal<Option<u64>> = RwSignal::new(None);
    let cursor = Memo::new(move |_| {
        chart.with(|chart| {
            let chart = chart.as_ref()?;
            let looked_at = chart.lines.iter().find(|line| line.focus == focus.get());
            let context = pointed
                .get()
                .or_else(|| looked_at.map(|line| line.longest))
                .unwrap_or(0);
            Some(chart.nearest(context))
        })
    });
    // Of several GPUs the chart shows the one that is full first.
    let device = move || {
        chart.with(|chart| {
            let place = chart.as_ref()?.place;
            answers.with(|answers| {
                let devices = &answers.as_ref()?.question.devices;
                (devices.len() > 1).then(|| format!("#{} {}", place + 1, devices[place].name))
            })
        })
    };
    let is_there = Memo::new(move |_| chart.with(Option::is_some));
    view! {
        <section class="chart" class:previous=move || store.shown.with(|shown| shown.is_previous)>
            <h2>{page.text.chart}</h2>
            <p class="at">{device}</p>
            {move || {
                is_there
                    .get()
                    .then(|| {
                        view! {
                            {plot::plot(page, answers, chart, cursor, pointed)}
                            {table::table(page, answers, chart)}
                        }
                    })
            }}
        </section>
    }
}
