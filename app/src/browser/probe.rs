//! The probe on this machine: asked once, then listened to.

use std::cell::RefCell;

use crate::reactive::*;
use js_sys::{Object, Reflect};
use shared::gpu::GpuReport;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{EventSource, MessageEvent, RequestInit, Response};

use super::report;
use crate::store::{Live, Store};

/// Where the probe listens unless it was told otherwise.
const PORT: u16 = 7650;

type Listener = Closure<dyn FnMut(MessageEvent)>;

/// The connection that stays open, with what listens to it.
struct Stream {
    source: EventSource,
    /// The probe serves the page, and is listened to without being asked for.
    is_own: bool,
    _listeners: [Listener; 3],
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

thread_local! {
    static STREAM: RefCell<Option<Stream>> = const { RefCell::new(None) };
}

/// Where to find the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    origin: String,
    /// The probe serves this page too.
    is_own: bool,
}

fn place(store: Store) -> Place {
    let port = store
        .state
        .with_untracked(|state| state.probe.trim().parse().unwrap_or(PORT));
    let origin = format!("http://127.0.0.1:{port}");
    Place {
        is_own: window().location().origin().is_ok_and(|own| own == origin),
        origin,
    }
}

/// Asks the probe and listens to it from then on.
pub fn connect(store: Store) {
    let place = place(store);
    store.set_live(Live::Connecting);
    spawn_local(async move {
        match ask(&place).await {
            Ok(report) => {
                store.take_reading(&report, false);
                listen(store, &place);
            }
            Err(failure) => {
                store.set_live(failure);
            }
        }
    });
}

/// Lets go of the probe. What it read last stays as if it had been entered.
pub fn disconnect(store: Store) {
    release();
    store.outside.update(|outside| {
        outside.devices.clear();
        outside.live = Live::Off;
    });
}

/// A person goes on by hand where the probe could not read: what it said is done with, and so is
/// the probe.
pub fn leave_trouble(store: Store) {
    let is_troubled = store.outside.with_untracked(|outside| {
        let is_troubled = matches!(outside.live, Live::Problem(_) | Live::Silent);
        is_troubled && outside.devices.is_empty()
    });
    if is_troubled {
        disconnect(store);
    }
}

/// Whether a probe is being listened to that a person asked for.
pub(super) fn was_asked_for() -> bool {
    STREAM.with_borrow(|stream| stream.as_ref().is_some_and(|stream| !stream.is_own))
}

/// Lets go of the probe, and of nothing that it read.
pub(super) fn release() {
    STREAM.with_borrow_mut(Option::take);
}

/// Takes the readings that came with the address, and connects where the probe itself serves the
/// page.
pub(super) fn start(store: Store) {
    let location = window().location();
    let hash = location.hash().unwrap_or_default();
    match GpuReport::in_fragment(&hash) {
        Some(json) => match report::report(&json) {
            Ok(report) => store.take_reading(&report, true),
            Err(problem) => store.set_live(Live::Problem(problem)),
        },
        None => {
            let host = location.hostname().unwrap_or_default();
            if matches!(host.as_str(), "127.0.0.1" | "localhost") {
                let origin = location.origin().unwrap_or_default();
                spawn_local(async move { connect_to_own(store, origin).await });
            }
        }
    }
}

/// Connects to the server of the page where that is a probe.
async fn connect_to_own(store: Store, origin: String) {
    let health = get(&format!("{origin}/v1/health"), false).await;
    if !health.is_ok_and(|response| response.ok()) {
        return;
    }
    // The stream begins with a reading, or with why there is none.
    listen(
        store,
        &Place {
            origin,
            is_own: true,
        },
    );
}

async fn ask(place: &Place) -> Result<GpuReport, Live> {
    let url = format!("{}/v1/gpus", place.origin);
    let response = if place.is_own {
        get(&url, false).await
    } else {
        match get(&url, true).await {
            // A browser that does not know this address space refuses to ask at all.
            Err(_) => get(&url, false).await,
            answer => answer,
        }
    }
    .map_err(|_| Live::Silent)?;
    let body = match response.text() {
        Ok(text) => JsFuture::from(text).await.map_err(|_| Live::Silent)?,
        Err(_) => return Err(Live::Silent),
    };
    let body = body.as_string().unwrap_or_default();
    if response.ok() {
        report::report(&body).map_err(Live::Problem)
    } else {
        Err(report::problem(&body).map_or(Live::Silent, Live::Problem))
    }
}

async fn get(url: &str, loopback: bool) -> Result<Response, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"cache".into(), &"no-store".into())?;
    if loopback {
        // Asks the person's leave instead of failing where pages may not reach into the machine.
        Reflect::set(&options, &"targetAddressSpace".into(), &"loopback".into())?;
    }
    let options: RequestInit = options.unchecked_into();
    let response = JsFuture::from(window().fetch_with_str_and_init(url, &options)).await?;
    response.dyn_into()
}

fn listen(store: Store, place: &Place) {
    let Ok(source) = EventSource::new(&format!("{}/v1/gpus/stream", place.origin)) else {
        return;
    };
    let data = |event: &MessageEvent| event.data().as_string().unwrap_or_default();
    let reading = Listener::new(
        move |event: MessageEvent| match report::report(&data(&event)) {
            Ok(report) => store.take_reading(&report, false),
            Err(problem) => store.set_live(Live::Problem(problem)),
        },
    );
    let problem = Listener::new(move |event: MessageEvent| {
        if let Some(problem) = report::problem(&data(&event)) {
            store.set_live(Live::Problem(problem));
        }
    });
    // The browser tries again by itself; the next reading says that it worked.
    let silent = Listener::new(move |_| store.set_live(Live::Silent));
    let listeners = [
        ("gpus", &reading),
        ("problem", &problem),
        ("error", &silent),
    ];
    for (name, listener) in listeners {
        let function = listener.as_ref().unchecked_ref();
        if source
            .add_event_listener_with_callback(name, function)
            .is_err()
        {
            return;
        }
    }
    STREAM.set(Some(Stream {
        source,
        is_own: place.is_own,
        _listeners: [reading, problem, silent],
    }));
}
