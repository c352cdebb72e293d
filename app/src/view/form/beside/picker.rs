//! Files of what runs beside the model: choosing them, and taking them away.

use crate::reactive::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::beside::Slot;
use crate::browser::files;
use crate::store::Reading;
use crate::view::Page;
use crate::view::dom::{Piece, Tag, element_of, tag, tag_of};
use crate::view::form::problem::told;

/// A button that chooses a file for `slot`, and how reading it went.
pub(super) fn picker(page: Page, slot: Slot, hook: &str, help: &str) -> Tag {
    let store = page.store;
    let text = page.text;
    let status = move || {
        store.outside.with(|outside| match &outside.beside_reading {
            Some((of, Reading::Busy)) if *of == slot => vec![text.reading_file.into()],
            Some((of, Reading::Failed { error, .. })) if *of == slot => {
                told("wrong", error.as_ref(), page.language)
            }
            _ => Vec::new(),
        })
    };
    let mut input = tag_of("input", "hidden")
        .set("type", "file")
        .set("accept", ".gguf,.json")
        .set("aria-describedby", help)
        .hook(hook)
        .on("change", move |event| {
            let Some(element) = element_of(&event) else {
                return;
            };
            let input: HtmlInputElement = element.unchecked_into();
            if let Some(list) = input.files() {
                files::open_beside(store, slot, &list);
            }
            // The same file can be chosen again.
            input.set_value("");
        });
    if slot != Slot::Projector {
        input = input.set("multiple", "");
    }
    tag_of("span", "file")
        .with(tag_of("label", "quiet").with(input).with(text.choose_file))
        .with(
            tag_of("span", "problem")
                .set("role", "status")
                .hook(&[hook, "-status"].concat())
                .slot(status),
        )
}

/// A file that was chosen, with a button that takes it away.
pub(super) fn kept(page: Page, name: &str, remove: impl Fn() + 'static) -> Piece {
    let label = [page.language.pick("外す: ", "Remove "), name].concat();
    tag_of("span", "kept")
        .with(tag("code").with(name))
        .with(
            tag_of("button", "quiet")
                .set("type", "button")
                .set("aria-label", &label)
                .on("click", move |_| remove())
                .with("×"),
        )
        .into()
}
