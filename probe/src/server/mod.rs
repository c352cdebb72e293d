//! The localhost server: readings over HTTP, for the page and for programs.
//!
//! It listens on the loopback interface alone, changes nothing, and answers only requests that
//! are addressed to it by its own names and come from origins on its list.

mod answer;
mod gate;
mod health;
mod origin;
#[cfg(feature = "page")]
mod page;
mod reader;
mod stream;

pub use health::is_probe_at;
pub use origin::{Origin, OriginError};

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{GpuSource, HOSTED_SITE};
use gate::Gate;
use reader::Reader;

/// The port where the page looks for the probe.
pub const DEFAULT_PORT: u16 = 7650;

/// How long open streams may take to end when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// The server, bound to its port.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    origins: Vec<Origin>,
}

#[derive(Clone)]
struct App {
    reader: Reader,
    stopping: watch::Receiver<bool>,
}

impl Server {
    /// Takes the port on the loopback interface, port 0 for any that is free. Pages of `origins`
    /// may read the answers, besides those of the hosted site and of the server itself.
    ///
    /// # Errors
    /// The system's, where the port is taken or not allowed.
    pub async fn bind(port: u16, origins: &[Origin]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let mut allowed = Origin::of_server(address.port());
        allowed.extend(HOSTED_SITE.parse::<Origin>());
        allowed.extend_from_slice(origins);
        Ok(Self {
            listener,
            address,
            origins: allowed,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves readings of `source` until `stop` completes.
    ///
    /// # Errors
    /// The system's, where the listener fails.
    pub async fn run<S, F>(self, source: S, stop: F) -> io::Result<()>
    where
        S: GpuSource + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (stopping, stopped) = watch::channel(false);
        let app = App {
            reader: Reader::start(source)?,
            stopping: stopped.clone(),
        };
        let gate = Gate::new(self.address.port(), self.origins);
        let listener = self.listener.tap_io(|stream| {
            // Answers are single small writes: nothing is gained by holding them back.
            let _ = stream.set_nodelay(true);
        });
        let serving = axum::serve(listener, router(app, gate)).with_graceful_shutdown(async move {
            stop.await;
            let _ = stopping.send(true);
        });
        tokio::select! {
            outcome = serving => outcome,
            () = farewell(stopped) => Ok(()),
        }
    }
}

/// Completes when the server has had its time to stop.
async fn farewell(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
    tokio::time::sleep(FAREWELL).await;
}

fn router(app: App, gate: Gate) -> Router {
    Router::new()
        .route("/v1/gpus", get(gpus))
        .route("/v1/gpus/stream", get(stream::stream))
        .route("/v1/health", get(health::health))
        .fallback(other)
        .method_not_allowed_fallback(async || answer::method_not_allowed())
        .layer(axum::middleware::from_fn_with_state(gate, gate::guard))
        .with_state(app)
}

async fn gpus(State(app): State<App>) -> Response {
    answer::reading(&*app.reader.read().await)
}

#[cfg(feature = "page")]
async fn other(
    method: axum::http::Method,
    uri: axum::http::Uri,
    headers: axum::http::HeaderMap,
) -> Response {
    match page::find(uri.path(), &headers) {
        Some(file) if method == "GET" || method == "HEAD" => file,
        Some(_) => answer::method_not_allowed(),
        None => answer::not_found("the page has no such file; the readings are at /v1/gpus"),
    }
}

#[cfg(not(feature = "page"))]
async fn other(uri: axum::http::Uri) -> Response {
    answer::not_found(if uri.path() == "/" {
        "this build has no page in it (cargo feature `page`); the readings are at /v1/gpus"
    } else {
        "the readings are at /v1/gpus and /v1/gpus/stream, and /v1/health says that this runs"
    })
}
