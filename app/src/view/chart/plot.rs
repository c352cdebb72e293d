//! The drawing. Lines are SVG stretched over the plot; marks and labels are text beside them, so
//! that they keep their size on every screen.

use std::sync::Arc;

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::answer::Answers;
use crate::curve::{Chart, Line, Reading, marks};
use crate::memory::percent;
use crate::number::{memory, short};
use crate::state::Focus;
use crate::text::phrase;
use crate::view::Page;
use crate::view::answer::focus_label;

/// Hundredths of a percent: the drawing's own unit.
const FULL: u64 = 10_000;

pub(super) fn plot(
    page: Page,
    answers: RwSignal<Option<Arc<Answers>>>,
    chart: Memo<Option<Chart>>,
    cursor: Memo<Option<u64>>,
    pointed: RwSignal<Option<u64>>,
) -> AnyView {
    let store = page.store;
    let text = page.text;
    let focus = store.part(|state| state.focus);
    let readings = Memo::new(move |_| {
        let context = cursor.get()?;
        let place = chart.with(|chart| chart.as_ref().map(|chart| chart.place))?;
        answers.with(|answers| Some(answers.as_ref()?.at_context(context, place)))
    });
    let spoken = move || {
        let context = cursor.get().unwrap_or(0);
        let parts: Vec<String> = readings
            .get()
            .unwrap_or_default()
            .iter()
            .map(|reading| format!("{} {}", focus_label(page, reading.focus), amount(reading)))
            .collect();
        format!(
            "{}: {}",
            phrase::tokens(page.language, context),
            parts.join(", ")
        )
    };
    let drawing =
        move || chart.with(|chart| chart.as_ref().map(|chart| draw(page, chart, focus.get())));
    let cross = move || {
        chart.with(|chart| {
            let chart = chart.as_ref()?;
            let across = percent(chart.across(cursor.get()?));
            let dots = readings.get()?;
            Some(view! {
                <span class="cross" style:left=across.clone()></span>
                {dots
                    .iter()
                    .filter_map(|reading| Some((reading.focus, reading.bytes?)))
                    .filter(|&(_, bytes)| chart.up(bytes) <= FULL)
                    .map(|(focus, bytes)| {
                        view! {
                            <span
                                class=format!("dot {}", focus.name())
                                style:left=across.clone()
                                style:bottom=percent(chart.up(bytes))
                            ></span>
                        }
                    })
                    .collect_view()}
            })
        })
    };
    let keyed = move |event: KeyboardEvent| {
        let Some((longest, step)) =
            chart.with_untracked(|chart| chart.as_ref().map(|chart| (chart.longest, chart.step)))
        else {
            return;
        };
        let now = cursor.get_untracked().unwrap_or(0);
        let little = (longest / 100).max(step);
        let much = (longest / 10).max(step);
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowUp" => now.saturating_add(little),
            "ArrowLeft" | "ArrowDown" => now.saturating_sub(little),
            "PageUp" => now.saturating_add(much),
            "PageDown" => now.saturating_sub(much),
            "Home" => 0,
            "End" => longest,
            "Escape" => {
                pointed.set(None);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        pointed.set(Some(next));
    };
    let moved = move |event: PointerEvent| {
        let Some(element) = event
            .current_target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        else {
            return;
        };
        let area = element.get_bounding_client_rect();
        let across = (f64::from(event.client_x()) - area.left()) / area.width().max(1.0);
        let share = hundredths(across);
        chart.with_untracked(|chart| {
            if let Some(chart) = chart {
                let context = u128::from(chart.longest) * u128::from(share) / u128::from(FULL);
                pointed.set(u64::try_from(context).ok());
            }
        });
    };
    let longest = move || chart.with(|chart| chart.as_ref().map(|chart| chart.longest));
    let unit = text.tokens;
    view! {
        <div class="readout" aria-hidden="true">
            <span class="context">
                {move || cursor.get().map(|context| phrase::tokens(page.language, context))}
            </span>
            {move || {
                readings
                    .get()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|reading| {
                        view! {
                            <span class=format!("key {}", reading.focus.name())>
                                <i></i>
                                {focus_label(page, reading.focus)}
                                " "
                                <b>{amount(&reading)}</b>
                            </span>
                        }
                    })
                    .collect_view()
            }}
        </div>
        <div
            class="plot"
            role="slider"
            tabindex="0"
            data-testid="chart"
            aria-label=format!("{}. {}", text.chart, text.chart_context)
            aria-valuemin="0"
            aria-valuemax=move || longest().map(|longest| longest.to_string())
            aria-valuenow=move || cursor.get().map(|context| context.to_string())
            aria-valuetext=spoken
            on:keydown=keyed
            on:pointermove=moved
            on:pointerdown=moved
        >
            {drawing}
            {cross}
        </div>
        <p class="axis">{text.chart_context} " (" {unit} ")"</p>
        <p class="hint">{text.chart_help}</p>
    }
    .into_any()
}

fn amount(reading: &Reading) -> String {
    reading.bytes.map_or_else(|| "—".to_owned(), memory)
}

/// The share of the width, from a fraction that a pointer may put outside of it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn hundredths(fraction: f64) -> u64 {
    (fraction.clamp(0.0, 1.0) * 10_000.0) as u64
}

fn draw(page: Page, chart: &Chart, focus: Focus) -> AnyView {
    let text = page.text;
    let free = percent(chart.up(chart.free));
    let context_marks = marks(chart.longest, 1000)
        .into_iter()
        .map(|context| {
            let left = percent(chart.across(context));
            view! { <span class="x tick" style:left=left>{short(context, page.language)}</span> }
        })
        .collect_view();
    let memory_marks = marks(chart.most, 1 << 30)
        .into_iter()
        .map(|bytes| {
            let bottom = percent(chart.up(bytes));
            // The free memory has a mark of its own.
            let hidden = chart.up(bytes).abs_diff(chart.up(chart.free)) < FULL / 16;
            view! {
                <span class="y tick" style:bottom=bottom hidden=hidden>{if bytes == 0 { "0".to_owned() } else { memory(bytes) }}</span>
            }
        })
        .collect_view();
    let trained = chart.trained.map(|trained| {
        let side = if chart.across(trained) > FULL * 6 / 10 {
            "trained before"
        } else {
            "trained"
        };
        view! {
            <span class=side style:left=percent(chart.across(trained))>
                <em>{text.chart_trained} " " {short(trained, page.language)}</em>
            </span>
        }
    });
    let answers = chart
        .lines
        .iter()
        .filter(|line| line.longest > 0)
        .map(|line| {
            let is_at_edge = chart.across(line.longest) > FULL * 85 / 100;
            view! {
                <span
                    class=format!("answer {}", line.focus.name())
                    class:before=is_at_edge
                    class:looked-at=line.focus == focus
                    style:left=percent(chart.across(line.longest))
                    style:bottom=free.clone()
                >
                    {focus_label(page, line.focus)}
                </span>
            }
        })
        .collect_view();
    view! {
        <span class="beyond" style:bottom=free.clone()></span>
        <svg viewBox="0 0 10000 10000" preserveAspectRatio="none" aria-hidden="true">
            {chart.lines.iter().map(|line| trace(chart, line, line.focus == focus)).collect_view()}
        </svg>
        <span class="free" style:bottom=free.clone()>
            <em>{text.chart_free}</em>
        </span>
        <span class="y tick there" style:bottom=free>{memory(chart.free)}</span>
        {trained}
        {answers}
        {context_marks}
        {memory_marks}
    }
    .into_any()
}

fn trace(chart: &Chart, line: &Line, looked_at: bool) -> impl IntoView + use<> {
    let points: Vec<String> = line
        .points
        .iter()
        .map(|&(context, bytes)| {
            // Far above the edge the exact height does not show; it must only stay in range.
            let up = chart.up(bytes).min(FULL * 100);
            format!(
                "{},{}",
                chart.across(context),
                i128::from(FULL) - i128::from(up)
            )
        })
        .collect();
    view! {
        <polyline
            class=format!("line {}", line.focus.name())
            class:looked-at=looked_at
            points=points.join(" ")
        ></polyline>
    }
}
