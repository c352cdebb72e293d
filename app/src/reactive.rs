//! Leptos's signals and effects, and its helpers around the browser.
//!
//! They are taken from the crates that Leptos is made of: the crate of that name brings along what
//! talks to servers, and exports some of it from every program.

use std::future::Future;

pub use leptos_dom::helpers::{
    document, request_animation_frame, set_timeout, window, window_event_listener_untyped,
};
pub use reactive_graph::computed::Memo;
pub use reactive_graph::effect::{Effect, RenderEffect};
pub use reactive_graph::graph::untrack;
pub use reactive_graph::owner::{Owner, StoredValue, on_cleanup};
pub use reactive_graph::prelude::*;
pub use reactive_graph::signal::RwSignal;

/// Runs a future in this thread, from its next turn on.
pub fn spawn_local(future: impl Future<Output = ()> + 'static) {
    any_spawner::Executor::spawn_local(future);
}
