//! The same as a table.

use crate::reactive::*;

use crate::number::{grouped, memory};
use crate::view::Page;
use crate::view::answer::focus_label;
use crate::view::dom::{Piece, Tag, element_of, tag, tag_of};

pub(super) fn table(page: Page) -> Tag {
    let open = RwSignal::new(false);
    let head = tag("tr")
        .with(column(page.text.chart_context))
        .slot(move || heads(page));
    let table = tag("table")
        .hook("chart-table")
        .with(tag_of("caption", "hidden").with(page.text.chart))
        .with(tag("thead").with(head))
        .with(tag("tbody").slot(move || if open.get() { rows(page) } else { Vec::new() }));
    tag_of("details", "table")
        .on("toggle", move |event| {
            open.set(element_of(&event).is_some_and(|table| table.has_attribute("open")));
        })
        .with(tag("summary").with(page.text.chart_table))
        .with(table)
}

fn column(words: &str) -> Tag {
    tag("th").set("scope", "col").with(words)
}

fn heads(page: Page) -> Vec<Piece> {
    let later = page.store.later();
    let rows = later.iter().flat_map(|later| &later.answers.rows);
    rows.map(|row| column(&["KV ", focus_label(page, row.focus)].concat()).into())
        .collect()
}

fn rows(page: Page) -> Vec<Piece> {
    let Some(later) = page.store.later() else {
        return Vec::new();
    };
    let Some(chart) = &later.chart else {
        return Vec::new();
    };
    let contexts = chart.table_contexts().into_iter();
    contexts
        .map(|context| {
            let head = tag("th").set("scope", "row").with(grouped(context));
            let readings = later.answers.at_context(context, chart.place).into_iter();
            tag("tr")
                .with(head)
                .with_all(readings.map(|reading| cell(page, reading.bytes, chart.free)))
                .into()
        })
        .collect()
}

fn cell(page: Page, bytes: Option<u64>, free: u64) -> Piece {
    let exceeds = bytes.is_some_and(|bytes| bytes > free);
    let amount = bytes.map_or_else(|| "—".to_owned(), memory);
    if exceeds {
        let said = [" (", page.text.does_not_fit, ")"].concat();
        tag_of("td", "exceeds")
            .with(amount)
            .with(tag_of("span", "hidden").with(said))
            .into()
    } else {
        tag("td").with(amount).into()
    }
}
