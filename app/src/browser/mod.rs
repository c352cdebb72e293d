//! Everything outside of the page's own tree: the address, the storage, the probe, files.

pub mod address;
pub mod clipboard;
pub mod files;
pub mod handover;
#[cfg(feature = "whole")]
mod headers;
mod offline;
pub mod preferences;
pub mod probe;
mod report;

use std::time::Duration;

use crate::reactive::*;
use any_spawner::Executor;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::engines;
use crate::state::from_query;
use crate::store::Store;
use crate::view::Draft;

/// Starts the page once the static one has been painted: the answer is in sight before any work
/// is done for the next one.
pub fn start_after_paint() {
    request_animation_frame(|| set_timeout(start, Duration::ZERO));
}

/// Starts the page in place of what the static page, or the program before this one, shows.
pub fn start() {
    // Fails only where there is one already.
    let _ = Executor::init_wasm_bindgen();
    let state = from_query(&address::query());
    if !engines::answers(&state) {
        handover::call();
        return;
    }
    let owner = Owner::new();
    let store = owner.with(|| Store::new(state, preferences::language()));
    let draft = owner.with(|| Draft::new(store));
    later(move || build(draft, store, owner));
}

/// Builds the page part by part, each in a task of its own, and shows it when it is whole.
fn build(mut draft: Draft, store: Store, owner: Owner) {
    if draft.build() {
        later(move || build(draft, store, owner));
    } else {
        owner.with(|| show(draft, store));
        handover::offer(owner);
    }
}

/// Lets the browser do what is more urgent first.
fn later(run: impl FnOnce() + 'static) {
    set_timeout(run, Duration::ZERO);
}

fn show(draft: Draft, store: Store) {
    let Some(place) = document().get_element_by_id("page") else {
        return;
    };
    let typed = early_input();
    let errand = handover::take_over();
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
    address::follow(store);
    preferences::follow_language(store);
    files::follow_drops(store);
    probe::start(store);
    offline::keep();
    draft.mount(place);
    if let Some(errand) = errand {
        errand.run(store);
    }
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
