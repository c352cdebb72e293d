//! The command line that starts the engine so.

use super::Page;
use super::copy_button::{Words, copy_button};
use super::dom::{Piece, Tag, tag, tag_of};

/// A command word by word: no word of it is broken in two where there is room for it.
pub(super) fn words_of(command: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for word in command.split_inclusive([' ', '\n']) {
        pieces.push(tag("span").with(word.trim_end()).into());
        pieces.push(word.get(word.trim_end().len()..).unwrap_or_default().into());
    }
    pieces
}

pub(super) fn command(page: Page) -> Tag {
    let store = page.store;
    let line = move || {
        store
            .detail()
            .map(|detail| detail.command.clone())
            .unwrap_or_default()
    };
    let at_trained = move || {
        let detail = store.detail();
        if detail.is_some_and(|detail| detail.command_context < detail.plan.context_length) {
            page.text.command_trained
        } else {
            ""
        }
    };
    let fails = move || {
        let outcome = store.outcome();
        let answers = outcome.answers.as_ref();
        answers.is_none_or(|answers| answers.fails(outcome.focus))
    };
    let words = Words {
        label: page.text.copy,
        help: "",
        done: page.text.copied,
    };
    tag_of("section", "command")
        // What does not fit is not worth starting.
        .flag("hidden", fails)
        .class("previous", move || store.is_previous())
        .with(tag("h2").with(page.text.command))
        .with(
            tag("pre").set("tabindex", "0").with(
                tag("code")
                    .hook("launch-command")
                    .slot(move || words_of(&line())),
            ),
        )
        .with(
            tag_of("div", "under")
                .with(copy_button(page, "copy-command", words, line))
                .with(tag_of("p", "hint").words(at_trained)),
        )
}
