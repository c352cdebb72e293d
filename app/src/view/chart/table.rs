//! The same as a table.

use std::sync::Arc;

use leptos::prelude::*;

use crate::answer::Answers;
use crate::curve::Chart;
use crate::number::{grouped, memory};
use crate::view::Page;
use crate::view::answer::focus_label;

pub(super) fn table(
    page: Page,
    answers: RwSignal<Option<Arc<Answers>>>,
    chart: Memo<Option<Chart>>,
) -> AnyView {
    let open = RwSignal::new(false);
    let rows = move || {
        if !open.get() {
            return None;
        }
        chart.with(|chart| {
            let chart = chart.as_ref()?;
            answers.with(|answers| {
                let answers = answers.as_ref()?;
                let rows = chart
                    .table_contexts()
                    .into_iter()
                    .map(|context| {
                        let cells = answers
                            .at_context(context, chart.place)
                            .into_iter()
                            .map(|reading| cell(page, reading.bytes, chart.free))
                            .collect_view();
                        view! {
                            <tr>
                                <th scope="row">{grouped(context)}</th>
                                {cells}
                            </tr>
                        }
                    })
                    .collect_view();
                Some(rows)
            })
        })
    };
    let heads = move || {
        answers.with(|answers| {
            let heads = answers
                .as_ref()?
                .rows
                .iter()
                .map(|row| view! { <th scope="col">"KV " {focus_label(page, row.focus)}</th> })
                .collect_view();
            Some(heads)
        })
    };
    view! {
        <details
            class="table"
            on:toggle:target=move |event| open.set(event.target().has_attribute("open"))
        >
            <summary>{page.text.chart_table}</summary>
            <table data-testid="chart-table">
                <caption class="hidden">{page.text.chart}</caption>
                <thead>
                    <tr>
                        <th scope="col">{page.text.chart_context}</th>
                        {heads}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
}

fn cell(page: Page, bytes: Option<u64>, free: u64) -> impl IntoView {
    let exceeds = bytes.is_some_and(|bytes| bytes > free);
    let amount = bytes.map_or_else(|| "—".to_owned(), memory);
    view! {
        <td class:exceeds=exceeds>
            {amount}
            {exceeds.then(|| view! { <span class="hidden">" (" {page.text.does_not_fit} ")"</span> })}
        </td>
    }
}
