//! Copying text.

use wasm_bindgen_futures::JsFuture;

use crate::reactive::window;

/// Copies `text`; whether it worked.
pub async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    // Absent where the page is not served securely.
    if !js_sys::Reflect::has(&navigator, &"clipboard".into()).unwrap_or(false) {
        return false;
    }
    JsFuture::from(navigator.clipboard().write_text(text))
        .await
        .is_ok()
}
