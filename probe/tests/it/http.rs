//! Requests written byte by byte, so that their headers are exactly what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// The values of a header, joined as if they were one.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends `target` (`GET /v1/gpus`) with these header lines and nothing else but
/// `Connection: close`.
pub(crate) fn send(port: u16, target: &str, headers: &[String]) -> Response {
    let mut reader = begin(port, target, headers, "close");
    let (status, headers) = head(&mut reader);
    let mut body = String::new();
    reader.read_to_string(&mut body).unwrap();
    Response {
        status,
        headers,
        body,
    }
}

/// Sends `target` with the `Host` that belongs there, and further header lines.
pub(crate) fn ask(port: u16, target: &str, headers: &[&str]) -> Response {
    let mut lines = vec![format!("Host: 127.0.0.1:{port}")];
    lines.extend(headers.iter().map(|line| (*line).to_owned()));
    send(port, target, &lines)
}

pub(crate) fn get(port: u16, path: &str) -> Response {
    ask(port, &format!("GET {path}"), &[])
}

/// Server-sent events as they come.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

impl Events {
    pub(crate) fn of(port: u16) -> Self {
        let host = format!("Host: 127.0.0.1:{port}");
        let mut reader = begin(port, "GET /v1/gpus/stream", &[host], "keep-alive");
        let (status, headers) = head(&mut reader);
        assert_eq!(status, 200);
        let is_stream = |(name, value): &(String, String)| {
            name == "content-type" && value == "text/event-stream"
        };
        assert!(headers.iter().any(is_stream));
        Self { reader }
    }

    /// The next event, `None` where none comes in this time or the stream ends.
    pub(crate) fn next_within(&mut self, time: Duration) -> Option<Event> {
        self.reader.get_ref().set_read_timeout(Some(time)).unwrap();
        let mut name = String::new();
        loop {
            let mut line = String::new();
            // Lines with the sizes of chunks are passed over like any other.
            match self.reader.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            if let Some(text) = line.strip_prefix("event: ") {
                text.trim_end().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data = data.trim_end().to_owned();
                return Some(Event { name, data });
            }
        }
    }

    /// Whether the server ends the stream within this time.
    pub(crate) fn ends_within(&mut self, time: Duration) -> bool {
        self.reader.get_ref().set_read_timeout(Some(time)).unwrap();
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).is_ok()
    }
}

fn begin(port: u16, target: &str, headers: &[String], connection: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut request = format!("{target} HTTP/1.1\r\nConnection: {connection}\r\n");
    for line in headers {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    BufReader::new(stream)
}

fn head(reader: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    (status, headers)
}
