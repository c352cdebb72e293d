//! A button that copies a text and says that it did.

use std::time::Duration;

use crate::reactive::*;

use super::Page;
use super::dom::{Tag, tag, tag_of};
use crate::browser::clipboard;

/// How long the button says that it copied.
const SAID: Duration = Duration::from_secs(2);

/// What a button says, before and after.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) label: &'static str,
    pub(super) help: &'static str,
    pub(super) done: &'static str,
}

pub(super) fn copy_button(
    page: Page,
    hook: &str,
    words: Words,
    content: impl Fn() -> String + 'static,
) -> Tag {
    let Words { label, help, done } = words;
    let said = RwSignal::new(label);
    let mut button = tag_of("button", "quiet").set("type", "button").hook(hook);
    if !help.is_empty() {
        button = button.set("title", help);
    }
    button
        .on("click", move |_| {
            let content = untrack(&content);
            spawn_local(async move {
                let copied = clipboard::copy(&content).await;
                said.set(if copied { done } else { page.text.copy_failed });
                set_timeout(
                    move || {
                        // The button may be gone by then.
                        let _ = said.try_set(label);
                    },
                    SAID,
                );
            });
        })
        .with(
            tag("span")
                .set("aria-live", "polite")
                .words(move || said.get()),
        )
}
