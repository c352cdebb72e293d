//! The forms of answers.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::reader::Reading;

pub(super) const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// An answer that is true at this moment alone.
pub(super) fn of_the_moment(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A reading, or why there is none.
pub(super) fn reading(reading: &Reading) -> Response {
    if reading.is_report {
        of_the_moment(StatusCode::OK, JSON, reading.json.clone())
    } else {
        of_the_moment(
            StatusCode::SERVICE_UNAVAILABLE,
            PROBLEM,
            reading.json.clone(),
        )
    }
}

pub(super) fn not_found(hint: &str) -> Response {
    refusal(StatusCode::NOT_FOUND, "not_found", hint)
}

pub(super) fn method_not_allowed() -> Response {
    let mut response = refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "the probe only answers, use GET",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

pub(super) fn misdirected() -> Response {
    refusal(
        StatusCode::MISDIRECTED_REQUEST,
        "wrong_host",
        "address the probe as 127.0.0.1 or localhost, with its port",
    )
}

/// A problem document. None of its parts needs escaping.
fn refusal(status: StatusCode, code: &str, hint: &str) -> Response {
    let title = status.canonical_reason().unwrap_or_default();
    let number = status.as_u16();
    let json = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{number},"code":"{code}","hint":"{hint}"}}"#
    );
    of_the_moment(status, PROBLEM, json.into())
}
