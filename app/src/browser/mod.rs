//! Everything outside of the page's own tree: the address, the storage, the probe, files.

pub mod address;
pub mod clipboard;
pub mod files;
pub mod preferences;
pub mod probe;

use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::state::from_query;
use crate::store::Store;
use crate::view::page;

/// Starts the page in place of what the static page shows.
pub fn start() {
    let state = from_query(&address::query());
    let store = Store::new(state, preferences::language());
    let Some(place) = document().get_element_by_id("page") else {
        return;
    };
    // In one task with the mounting: nothing is painted between the two.
    place.set_text_content(None);
    mount_to(place.unchecked_into(), move || {
        address::follow(store);
        preferences::follow_language(store);
        files::follow_drops(store);
        probe::start(store);
        page(store)
    })
    .forget();
}
