//! The address: its query is the state.

use crate::reactive::*;
use wasm_bindgen::JsValue;

use crate::state::to_query;
use crate::store::Store;

/// The query of the address.
pub(super) fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// The address that carries the whole state, language included.
pub fn shared(store: Store) -> String {
    let location = window().location();
    let place = format!(
        "{}{}",
        location.origin().unwrap_or_default(),
        location.pathname().unwrap_or_default()
    );
    let query = store.state.with_untracked(to_query);
    format!(
        "{place}?{query}&lang={}",
        store.language.get_untracked().tag()
    )
}

/// Keeps the address at the state from the first change on.
pub(super) fn follow(store: Store) {
    let written = Memo::new(move |_| store.state.with(to_query));
    Effect::new(move |first: Option<()>| {
        let query = written.get();
        if first.is_none() {
            return;
        }
        write(&query);
    });
}

/// Sets the query of the address.
pub(super) fn write(query: &str) {
    if let Ok(history) = window().history() {
        let address = ["?", query].concat();
        // Refused only where the page is a local file: the state is then kept by the page.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}
