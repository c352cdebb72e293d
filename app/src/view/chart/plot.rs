//! The drawing. Lines are SVG stretched over the plot; marks and labels are text beside them, so
//! that they keep their size on every screen.

use std::sync::Arc;

use crate::reactive::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, KeyboardEvent, PointerEvent};

use crate::curve::{Chart, Line, Reading, marks};
use crate::number::{memory, short};
use crate::outcome::Later;
use crate::state::Focus;
use crate::text::phrase;
use crate::view::Page;
use crate::view::answer::focus_label;
use crate::view::dom::{Piece, Tag, element_of, tag, tag_of};
use crate::view::memory_bar::placed;

use super::labels::{Label, arranged};

/// Hundredths of a percent: the drawing's own unit.
pub(super) const FULL: u64 = 10_000;

/// The plot, and the context read off it.
#[derive(Clone, Copy)]
pub(super) struct Plot {
    page: Page,
    /// Where a person points; the answer looked at until then.
    pointed: RwSignal<Option<u64>>,
    cursor: Memo<Arc<Cursor>>,
}

/// What is read off at the cursor.
#[derive(Default)]
struct Cursor {
    context: u64,
    readings: Vec<Reading>,
}

impl Plot {
    pub(super) fn new(page: Page) -> Self {
        let pointed = RwSignal::new(None);
        let cursor = Memo::new_with_compare(
            move |_| Arc::new(cursor(page, pointed.get())),
            |_: Option<&Arc<Cursor>>, _| true,
        );
        Self {
            page,
            pointed,
            cursor,
        }
    }

    pub(super) fn pieces(self) -> [Piece; 4] {
        let text = self.page.text;
        let axis = [text.chart_context, " (", text.tokens, ")"].concat();
        [
            self.readout().into(),
            self.area().into(),
            tag_of("p", "axis").with(axis).into(),
            tag_of("p", "hint").with(text.chart_help).into(),
        ]
    }

    fn readout(self) -> Tag {
        let page = self.page;
        tag_of("div", "readout")
            .set("aria-hidden", "true")
            .slot(move || {
                let cursor = self.cursor.get();
                let context = phrase::tokens(page.language, cursor.context);
                let mut pieces = vec![tag_of("span", "context").with(context).into()];
                for reading in &cursor.readings {
                    let key = tag_of("span", &["key ", reading.focus.name()].concat())
                        .with(tag("i"))
                        .with(focus_label(page, reading.focus))
                        .with(" ")
                        .with(tag("b").with(amount(reading)));
                    pieces.push(key.into());
                }
                pieces
            })
    }

    fn area(self) -> Tag {
        let page = self.page;
        let text = page.text;
        let number = |number: u64| number.to_string();
        tag_of("div", "plot")
            .set("role", "slider")
            .set("tabindex", "0")
            .hook("chart")
            .set(
                "aria-label",
                &[text.chart, ". ", text.chart_context].concat(),
            )
            .set("aria-valuemin", "0")
            .attribute("aria-valuemax", move || {
                number(read(page, |_, chart| chart.longest))
            })
            .attribute("aria-valuenow", move || number(self.cursor.get().context))
            .attribute("aria-valuetext", move || self.spoken())
            .on("keydown", move |event| self.keyed(event.unchecked_ref()))
            .on("pointermove", move |event| self.moved(&event))
            .on("pointerdown", move |event| self.moved(&event))
            .slot(move || read(page, |later, chart| draw(page, chart, later.focus)))
            .slot(move || self.cross())
    }

    fn spoken(self) -> String {
        let page = self.page;
        let cursor = self.cursor.get();
        let mut spoken = phrase::tokens(page.language, cursor.context);
        let mut between = ": ";
        for reading in &cursor.readings {
            let label = focus_label(page, reading.focus);
            spoken.push_str(&[between, label, " ", &amount(reading)].concat());
            between = ", ";
        }
        spoken
    }

    fn cross(self) -> Vec<Piece> {
        let cursor = self.cursor.get();
        read(self.page, |_, chart| {
            let across = chart.across(cursor.context);
            let mut pieces = vec![placed("cross", "left", across).into()];
            for reading in &cursor.readings {
                let up = reading.bytes.map(|bytes| chart.up(bytes));
                if let Some(up) = up.filter(|&up| up <= FULL) {
                    let class = ["dot ", reading.focus.name()].concat();
                    pieces.push(at(&class, across, up).into());
                }
            }
            pieces
        })
    }

    fn keyed(self, event: &KeyboardEvent) {
        let (longest, step) = untrack(|| read(self.page, |_, chart| (chart.longest, chart.step)));
        let now = self.cursor.get_untracked().context;
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
                self.pointed.set(None);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        self.pointed.set(Some(next));
    }

    fn moved(self, event: &Event) {
        let Some(element) = element_of(event) else {
            return;
        };
        let pointer: &PointerEvent = event.unchecked_ref();
        let area = element.get_bounding_client_rect();
        let across = (f64::from(pointer.client_x()) - area.left()) / area.width().max(1.0);
        let longest = untrack(|| read(self.page, |_, chart| chart.longest));
        let context = u128::from(longest) * u128::from(hundredths(across)) / u128::from(FULL);
        self.pointed.set(u64::try_from(context).ok());
    }
}

/// Reads something off the chart on show.
fn read<T: Default>(page: Page, read: impl FnOnce(&Later, &Chart) -> T) -> T {
    let later = page.store.later();
    match later.as_deref() {
        Some(later) => later
            .chart
            .as_ref()
            .map(|chart| read(later, chart))
            .unwrap_or_default(),
        None => T::default(),
    }
}

fn cursor(page: Page, pointed: Option<u64>) -> Cursor {
    read(page, |later, chart| {
        let looked_at = chart.lines.iter().find(|line| line.focus == later.focus);
        let context = pointed.or_else(|| looked_at.map(|line| line.longest));
        let context = chart.nearest(context.unwrap_or(0));
        Cursor {
            context,
            readings: later.answers.at_context(context, chart.place),
        }
    })
}

fn amount(reading: &Reading) -> String {
    reading.bytes.map_or_else(|| "—".to_owned(), memory)
}

/// The share of the width, from a fraction that a pointer may put outside of it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn hundredths(fraction: f64) -> u64 {
    (fraction.clamp(0.0, 1.0) * 10_000.0) as u64
}

/// A mark at a place of the drawing.
fn at(class: &str, across: u64, up: u64) -> Tag {
    placed(class, "left", across).style("bottom", &crate::memory::percent(up))
}

fn draw(page: Page, chart: &Chart, focus: Focus) -> Vec<Piece> {
    let text = page.text;
    let free = chart.up(chart.free);
    let above = |class| placed(class, "bottom", free);
    let lines: Vec<String> = chart
        .lines
        .iter()
        .map(|line| trace(chart, line, line.focus == focus))
        .collect();
    let svg = [
        "<svg viewBox=\"0 0 10000 10000\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        &lines.concat(),
        "</svg>",
    ]
    .concat();
    let mut pieces: Vec<Piece> = vec![
        above("beyond").into(),
        tag_of("div", "lines").html(move || svg.clone()).into(),
        above("free").with(tag("em").with(text.chart_free)).into(),
        above("y tick there").with(memory(chart.free)).into(),
    ];
    if let Some(trained) = chart.trained {
        let across = chart.across(trained);
        let class = if across > FULL * 6 / 10 {
            "trained before"
        } else {
            "trained"
        };
        let words = [text.chart_trained, " ", &short(trained, page.language)].concat();
        let mark = placed(class, "left", across).with(tag("em").with(words));
        pieces.push(mark.into());
    }
    let answers = chart.lines.iter().filter(|line| line.longest > 0);
    let answers = answers.map(|line| Label {
        across: chart.across(line.longest),
        words: focus_label(page, line.focus).to_owned(),
        looked_at: line.focus == focus,
        row: 0,
    });
    for label in arranged(answers.collect()) {
        let mut class = String::from("answer");
        if label.is_before() {
            class.push_str(" before");
        }
        if label.looked_at {
            class.push_str(" looked-at");
        }
        let mark = at(&class, label.across, free)
            .style("--row", &label.row.to_string())
            .with(label.words);
        pieces.push(mark.into());
    }
    for context in marks(chart.longest, 1000) {
        let mark = placed("x tick", "left", chart.across(context));
        pieces.push(mark.with(short(context, page.language)).into());
    }
    for bytes in marks(chart.most, 1 << 30) {
        let up = chart.up(bytes);
        // The free memory has a mark of its own.
        if up.abs_diff(free) >= FULL / 16 {
            let words = if bytes == 0 {
                "0".to_owned()
            } else {
                memory(bytes)
            };
            pieces.push(placed("y tick", "bottom", up).with(words).into());
        }
    }
    pieces
}

fn trace(chart: &Chart, line: &Line, looked_at: bool) -> String {
    let mut svg = ["<polyline class=\"line ", line.focus.name()].concat();
    svg.push_str(if looked_at {
        " looked-at\" points=\""
    } else {
        "\" points=\""
    });
    for &(context, bytes) in &line.points {
        // Far above the edge the exact height does not show; it must only stay in range.
        let up = chart.up(bytes).min(FULL * 100);
        let down = i64::try_from(FULL).unwrap_or(0) - i64::try_from(up).unwrap_or(0);
        svg.push_str(
            &[
                &chart.across(context).to_string(),
                ",",
                &down.to_string(),
                " ",
            ]
            .concat(),
        );
    }
    svg.push_str("\"></polyline>");
    svg
}
