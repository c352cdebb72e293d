//! Memory against context, to read with the pointer, the keyboard or as a table.

mod labels;
mod plot;
mod table;

use self::plot::Plot;
use super::Page;
use super::dom::{Piece, Tag, tag, tag_of};
use crate::outcome::Later;

pub(super) fn chart(page: Page) -> Tag {
    let store = page.store;
    let plot = Plot::new(page);
    // Of several GPUs the chart shows the one that is full first.
    let device = move || {
        let later = store.later();
        later
            .and_then(|later| device_of(&later))
            .unwrap_or_default()
    };
    let is_there = move || u64::from(store.later().is_some_and(|later| later.chart.is_some()));
    tag_of("section", "chart")
        .class("previous", move || store.is_previous())
        .with(tag("h2").with(page.text.chart))
        .with(tag_of("p", "at").words(device))
        .keyed(is_there, move |is_there| {
            if is_there == 0 {
                return Vec::new();
            }
            let mut pieces: Vec<Piece> = plot.pieces().into();
            pieces.push(table::table(page).into());
            pieces
        })
}

fn device_of(later: &Later) -> Option<String> {
    let place = later.chart.as_ref()?.place;
    let devices = &later.answers.question.devices;
    let device = devices.get(place).filter(|_| devices.len() > 1)?;
    Some(format!("#{} {}", place + 1, device.name))
}
