//! The bottom of the page: where the numbers come from.

use shared::text::Language;

use super::Page;
use super::dom::{Piece, Tag, tag};

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

pub(super) fn footer(page: Page) -> Tag {
    let text = page.text;
    let results = match page.language {
        Language::Ja => "/blob/main/docs/benchmark_results.md",
        Language::En => "/blob/main/docs/benchmark_results_en.md",
    };
    let error = tag("li").with(text.sources_error).with(" ").with(link(
        &[REPOSITORY, results].concat(),
        text.sources_error_link,
    ));
    let line = |words: &str| Piece::from(tag("li").with(words));
    let sources = tag("ul").with_all([
        line(text.sources_exact),
        line(text.sources_estimated),
        error.into(),
        line(text.sources_left_out),
        line(text.sources_private),
    ]);
    tag("footer")
        .with(tag("h2").with(text.sources))
        .with(sources)
        .with(
            tag("p")
                .with(link(REPOSITORY, text.source_code))
                .with(concat!(" · MIT · ", env!("CARGO_PKG_VERSION"))),
        )
}

fn link(address: &str, words: &str) -> Tag {
    tag("a").set("href", address).with(words)
}
