//! The probe: connect to it, and how it is.

use leptos::prelude::*;
use shared::text::UserMessage;

use crate::browser::probe as driver;
use crate::store::Live;
use crate::text::phrase;
use crate::view::Page;

/// How to get and use the probe.
const GUIDE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "#readme");

pub(super) fn probe(page: Page) -> impl IntoView {
    let store = page.store;
    let text = page.text;
    let live = store.live;
    let is_on = move || live.with(|live| matches!(live, Live::On { .. }));
    let toggle = move |_| {
        if live.with_untracked(|live| matches!(live, Live::On { .. })) {
            driver::disconnect(store);
        } else {
            driver::connect(store);
        }
    };
    let label = move || {
        if is_on() {
            text.disconnect
        } else {
            text.connect
        }
    };
    let status = move || match live.get() {
        Live::Off => text.probe_help.into_any(),
        Live::Connecting => text.connecting.into_any(),
        Live::On {
            from_address: true, ..
        } => text.live_from_link.into_any(),
        Live::On { driver, .. } => view! {
            <strong class="on">{text.live}</strong>
            " "
            {phrase::live_gpus(page.language, driver.as_deref())}
        }
        .into_any(),
        Live::Silent => view! {
            <strong class="wrong">{text.no_probe}</strong>
            " "
            {text.no_probe_hint}
            " "
            <a href=GUIDE>{text.get_probe}</a>
        }
        .into_any(),
        Live::Problem(problem) => view! {
            <strong class="wrong">{problem.message(page.language)}</strong>
            " "
            {problem.hint(page.language)}
        }
        .into_any(),
    };
    view! {
        <div class="probe">
            <button
                type="button"
                class="primary"
                data-testid="probe-connect"
                aria-pressed=move || if is_on() { "true" } else { "false" }
                on:click=toggle
            >
                {label}
            </button>
            <p class="status help" role="status" data-testid="probe-status">{status}</p>
        </div>
    }
}
