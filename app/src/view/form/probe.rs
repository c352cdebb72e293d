//! The probe: connect to it, and how it is.

use crate::reactive::*;

use super::problem::told;
use crate::browser::probe as driver;
use crate::store::{Live, Store};
use crate::text::phrase;
use crate::view::Page;
use crate::view::combobox::said;
use crate::view::dom::{Piece, Tag, tag, tag_of};

/// How to get and use the probe.
const GUIDE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "#readme");

pub(super) fn probe(page: Page) -> Tag {
    let store = page.store;
    let text = page.text;
    let label = move || {
        if is_on(store) {
            text.disconnect
        } else {
            text.connect
        }
    };
    let button = tag_of("button", "primary")
        .set("type", "button")
        .hook("probe-connect")
        .attribute("aria-pressed", move || said(is_on(store)))
        .on("click", move |_| {
            if untrack(|| is_on(store)) {
                driver::disconnect(store);
            } else {
                driver::connect(store);
            }
        })
        .words(label);
    let status = tag_of("p", "status help")
        .set("role", "status")
        .hook("probe-status")
        .slot(move || store.outside.with(|outside| status(page, &outside.live)));
    tag_of("div", "probe").with(button).with(status)
}

fn is_on(store: Store) -> bool {
    store
        .outside
        .with(|outside| matches!(outside.live, Live::On { .. }))
}

fn status(page: Page, live: &Live) -> Vec<Piece> {
    let text = page.text;
    let strong = |class, words: &str| Piece::from(tag_of("strong", class).with(words));
    match live {
        Live::Off => vec![text.probe_help.into()],
        Live::Connecting => vec![text.connecting.into()],
        Live::On {
            from_address: true, ..
        } => vec![text.live_from_link.into()],
        Live::On { driver, .. } => vec![
            strong("on", text.live),
            " ".into(),
            phrase::live_gpus(page.language, driver.as_deref()).into(),
        ],
        Live::Silent => vec![
            strong("wrong", text.no_probe),
            " ".into(),
            text.no_probe_hint.into(),
            " ".into(),
            tag("a").set("href", GUIDE).with(text.get_probe).into(),
        ],
        Live::Problem(problem) => told("wrong", problem, page.language),
    }
}
