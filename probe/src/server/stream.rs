//! Server-sent events: the readings as they change.
//!
//! `gpus` carries a report, `problem` why there is none; the connection outlasts a driver that
//! goes and comes back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::App;
use super::reader::{Reader, Reading};

/// No listener gets more than one event in this time.
const PERIOD: Duration = Duration::from_secs(1);

/// A comment after this time without an event, so that a listener who left is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a listener should wait before it connects again.
const RETRY: Duration = Duration::from_secs(2);

struct Listener {
    reader: Reader,
    stopping: watch::Receiver<bool>,
    ticks: Interval,
    last: Option<Arc<Reading>>,
}

pub(super) async fn stream(State(app): State<App>) -> Response {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener = Listener {
        reader: app.reader,
        stopping: app.stopping,
        ticks,
        last: None,
    };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Listener {
    /// The next event, or the end where the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                _ = self.ticks.tick() => {}
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            }
            let reading = self.reader.read().await;
            if self
                .last
                .as_ref()
                .is_none_or(|last| last.json != reading.json)
            {
                let event = event(&reading, self.last.is_none());
                self.last = Some(reading);
                return Some(event);
            }
        }
    }
}

fn event(reading: &Reading, is_first: bool) -> Event {
    let name = if reading.is_report { "gpus" } else { "problem" };
    let json = str::from_utf8(&reading.json).unwrap_or_default();
    let event = Event::default().event(name).data(json);
    if is_first { event.retry(RETRY) } else { event }
}
