//! The page without a network: a service worker keeps its files.

use std::time::Duration;

use crate::reactive::*;
use js_sys::Reflect;
use wasm_bindgen_futures::JsFuture;

/// When the page has surely loaded.
const LATER: Duration = Duration::from_secs(2);

/// Registers the worker once the page has loaded, so that it takes nothing from the first answer.
pub(super) fn keep() {
    let navigator = window().navigator();
    // Absent where the page is not served securely.
    if !Reflect::has(&navigator, &"serviceWorker".into()).unwrap_or(false) {
        return;
    }
    let register = move || {
        let registered = navigator.service_worker().register("./sw.js");
        spawn_local(async move {
            // Without it the page needs a network, and is otherwise the same.
            let _ = JsFuture::from(registered).await;
        });
    };
    set_timeout(register, LATER);
}
