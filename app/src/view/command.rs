//! The command line that starts the engine so.

use super::Page;
use super::copy_button::{Words, copy_button};
use super::dom::{Tag, tag, tag_of};

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
            tag("pre")
                .set("tabindex", "0")
                .with(tag("code").hook("launch-command").words(line)),
        )
        .with(
            tag_of("div", "under")
                .with(copy_button(page, "copy-command", words, line))
                .with(tag_of("p", "hint").words(at_trained)),
        )
}
