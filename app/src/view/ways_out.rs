//! What to change where nothing fits, each a button that does it.

use crate::reactive::*;

use super::Page;
use super::answer::focus_label;
use super::dom::{Piece, Tag, maybe, tag, tag_of};
use crate::text::phrase;
use crate::ways_out::{Change, WayOut};

pub(super) fn ways_out(page: Page) -> Vec<Piece> {
    let later = page.store.later();
    let ways = later.as_ref().and_then(|later| later.ways_out.as_ref());
    maybe(ways.map(|ways| section(page, ways)))
}

fn section(page: Page, ways: &[WayOut]) -> Tag {
    let mut section = tag_of("section", "ways-out")
        .hook("ways-out")
        .with(tag("h2").with(page.text.ways_out));
    if ways.is_empty() {
        section = section.with(tag("p").with(page.text.nothing_helps));
    }
    section.with(tag("ul").with_all(ways.iter().map(|way| button(page, way))))
}

/// A change in words.
pub(super) fn change_label(page: Page, change: &Change) -> String {
    let language = page.language;
    match change {
        Change::Focus(focus) => {
            phrase::change_to(language, page.text.kv_cache, focus_label(page, *focus))
        }
        Change::Quant(format) => phrase::change_to(language, page.text.quant, format.name()),
        Change::Setting(setting, value) => {
            let label = language.pick(setting.label.0, setting.label.1);
            phrase::change_to(language, label, value)
        }
    }
}

fn button(page: Page, way: &WayOut) -> Piece {
    let label = change_label(page, &way.change);
    let result = phrase::leads_to(page.language, way.context);
    let change = way.change.clone();
    let button = tag("button")
        .set("type", "button")
        .on("click", move |_| {
            page.store.state.update(|state| change.apply(state));
        })
        .with(tag("span").with(label))
        .with(" ")
        .with(tag_of("span", "result").with(result));
    tag("li").with(button).into()
}
