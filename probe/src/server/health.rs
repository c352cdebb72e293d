//! Whether the probe is there, without reading anything.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;

use super::answer;

const HEALTHY: &str = concat!(
    r#"{"status":"ok","program":"llm-lander-probe","version":""#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);

/// How long to wait for whoever has the port.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) async fn health() -> Response {
    answer::of_the_moment(
        StatusCode::OK,
        answer::JSON,
        Bytes::from_static(HEALTHY.as_bytes()),
    )
}

/// Whether what answers at this port of the loopback interface is a probe, of any version.
#[must_use]
pub fn is_probe_at(port: u16) -> bool {
    ask(port).is_ok_and(|answer| answer.contains(r#""program":"llm-lander-probe""#))
}

fn ask(port: u16) -> std::io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request =
        format!("GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
