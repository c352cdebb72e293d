//! The page: starts in the browser, mounts the view.

use leptos::prelude::*;

fn main() {
    mount_to_body(|| view! { <main><h1>"LLM-Lander"</h1></main> });
}
