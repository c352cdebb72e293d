//! Where the memory goes: a bar for each GPU, to the scale of the memory there is.

use super::dom::{Piece, Tag, tag, tag_of};
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

pub(super) fn memory(page: Page) -> Tag {
    let store = page.store;
    let drawing = move || {
        let outcome = store.outcome();
        match (&outcome.answers, &outcome.detail) {
            (Some(answers), Some(detail)) => draw(page, answers, detail),
            _ => Vec::new(),
        }
    };
    tag_of("section", "memory")
        .class("previous", move || store.is_previous())
        .with(tag("h2").with(page.text.memory))
        .slot(drawing)
        .with(breakdown::breakdown(page))
}

fn draw(page: Page, answers: &Answers, detail: &Detail) -> Vec<Piece> {
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
    let mut pieces = vec![tag_of("p", "at").with(heading).into()];
    for bar in &bars {
        pieces.push(draw_bar(page, bar, scale, bars.len() > 1).into());
    }
    pieces
}

fn draw_bar(page: Page, bar: &Bar, scale: u64, several: bool) -> Tag {
    let rest = if bar.over > 0 {
        phrase::over_by(page.language, bar.over)
    } else {
        [page.text.left, " ", &amount(bar.left)].concat()
    };
    let mut label = [&bar.name, ": "].concat();
    let mut track = tag_of("div", "track").set("role", "img");
    for &(part, bytes) in &bar.parts {
        label.push_str(&[part_name(page, part), " ", &amount(bytes), ", "].concat());
        let class = ["part ", part.name()].concat();
        track = track.with(placed(&class, "width", share(bytes, scale)));
    }
    label.push_str(&rest);
    let end = share(bar.end, scale);
    if bar.over > 0 {
        track = track.with(placed("past", "left", end));
    }
    track = track
        .set("aria-label", &label)
        .with(placed("end", "width", end));
    let mut caption = tag("figcaption");
    if several {
        caption = caption.with(tag_of("span", "device").with(bar.name.as_str()));
    }
    let class = if bar.over > 0 { "bar over" } else { "bar" };
    tag_of("figure", class).with(track).with(
        caption
            .with(tag("span").with(amount(bar.end)))
            .with(tag_of("span", "rest").with(rest)),
    )
}

/// A mark at or along a share of the whole, in hundredths of a percent.
pub(super) fn placed(class: &str, side: &str, share: u64) -> Tag {
    tag_of("span", class).style(side, &percent(share))
}
