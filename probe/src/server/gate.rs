//! Who may ask: the rules on `Host` and `Origin`, before anything else looks at a request.
//!
//! Any web page can send requests to localhost. That a request names this server as its host
//! keeps out names that were rebound to the loopback address; that its origin is on the list
//! keeps out other sites' scripts.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::answer;
use super::origin::Origin;

const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Seconds for which a browser may remember that an origin is allowed.
const PREFLIGHT_LIFETIME: &str = "600";

/// The names that the server answers to, and the origins that may read its answers.
#[derive(Clone)]
pub(super) struct Gate {
    hosts: Arc<[String]>,
    origins: Arc<[Origin]>,
}

impl Gate {
    pub(super) fn new(port: u16, origins: Vec<Origin>) -> Self {
        let mut hosts: Vec<_> = ["127.0.0.1", "localhost"]
            .iter()
            .map(|name| format!("{name}:{port}"))
            .collect();
        if port == 80 {
            // Browsers leave out the scheme's own port.
            hosts.extend(["127.0.0.1".into(), "localhost".into()]);
        }
        Self {
            hosts: hosts.into(),
            origins: origins.into(),
        }
    }

    /// Whether the request is addressed to this server, by each of its one or two names.
    fn is_addressed(&self, request: &Request) -> bool {
        let is_own = |name: &str| self.hosts.iter().any(|host| host == name);
        let Ok(Some(host)) = only(request.headers(), &header::HOST) else {
            return false;
        };
        let in_target = request.uri().authority().map(Authority::as_str);
        host.to_str().is_ok_and(is_own) && in_target.is_none_or(is_own)
    }

    fn sender(&self, headers: &HeaderMap) -> Sender {
        match only(headers, &header::ORIGIN) {
            Ok(Some(origin)) if self.is_listed(origin) => Sender::Page(origin.clone()),
            Ok(None) if !is_embedded_by_another_site(headers) => Sender::Local,
            _ => Sender::Stranger,
        }
    }

    fn is_listed(&self, value: &HeaderValue) -> bool {
        self.origins
            .iter()
            .any(|origin| origin.as_str().as_bytes() == value.as_bytes())
    }
}

enum Sender {
    /// A script of a page that is on the list.
    Page(HeaderValue),
    /// No browser, a page of our own, or a person who follows a link.
    Local,
    /// Anybody else.
    Stranger,
}

/// The header's value; `Err` where there are several.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        Err(())
    } else {
        Ok(first)
    }
}

/// Images, scripts and frames of other sites come without an origin, but say where they are.
fn is_embedded_by_another_site(headers: &HeaderMap) -> bool {
    let is_foreign = headers
        .get(FETCH_SITE)
        .is_some_and(|site| site == "cross-site" || site == "same-site");
    is_foreign
        && headers
            .get(FETCH_MODE)
            .is_none_or(|mode| mode != "navigate")
}

/// Lets a request through, or turns it away.
pub(super) async fn guard(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let mut response = if gate.is_addressed(&request) {
        match gate.sender(request.headers()) {
            Sender::Stranger => empty(StatusCode::FORBIDDEN),
            Sender::Local => next.run(request).await,
            Sender::Page(origin) => {
                let mut response = if is_preflight(&request) {
                    preflight(request.headers())
                } else {
                    next.run(request).await
                };
                response
                    .headers_mut()
                    .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                response
            }
        }
    } else {
        answer::misdirected()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Says which requests may follow. Names the private network only where it is asked for:
/// browsers that gate it by a permission do not ask.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = empty(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Accept, Cache-Control, Last-Event-ID"),
    );
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static(PREFLIGHT_LIFETIME),
    );
    if asked
        .get(REQUEST_PRIVATE_NETWORK)
        .is_some_and(|value| value == "true")
    {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
