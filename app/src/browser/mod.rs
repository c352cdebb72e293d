//! Everything outside of the page's own tree: the address, the storage, the probe, files.

pub mod address;
pub mod clipboard;
pub mod files;
mod offline;
pub mod preferences;
pub mod probe;

use std::time::Duration;

use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::state::from_query;
use crate::store::Store;
use crate::view::page;

/// Starts the page once the static one has been painted: the answer is in sight before any work
/// is done for the next one.
pub fn start_after_paint() {
    request_animation_frame(|| set_timeout(start, Duration::ZERO));
}

/// Starts the page in place of what the static page shows.
pub fn start() {
    let state = from_query(&address::query());
    let store = Store::new(state, preferences::language());
    let Some(place) = document().get_element_by_id("page") else {
        return;
    };
    let typed = early_input();
    // In one task with the mounting: nothing is painted between the two.
    place.set_text_content(None);
    if let Some(root) = document().document_element() {
        // What the boot script set where another question is asked than the static page answers.
        let _ = root.remove_attribute("data-waiting");
    }
    if let Some(free) = typed {
        store.state.update(|state| {
            if let Some(gpu) = state.gpus.first_mut() {
                gpu.free = free;
            }
        });
    }
    mount_to(place.unchecked_into(), move || {
        address::follow(store);
        preferences::follow_language(store);
        files::follow_drops(store);
        probe::start(store);
        offline::keep();
        page(store)
    })
    .forget();
    if let Some(root) = document().document_element() {
        // For whoever waits for the program, such as tests.
        let _ = root.set_attribute("data-running", "");
    }
}

/// Free memory that was typed into the static page before the program ran.
fn early_input() -> Option<String> {
    let input = document().get_element_by_id("free-0")?;
    let input: HtmlInputElement = input.dyn_into().ok()?;
    let value = input.value();
    (value != input.default_value()).then_some(value)
}
