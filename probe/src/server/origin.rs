//! Origins: whose pages may read the answers.

use std::fmt;
use std::str::FromStr;

/// An origin as browsers write it: scheme, host, and the port where it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is no origin that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginError {
    /// `*` and `null` stand for anybody.
    Anybody,
    /// Not `http://` or `https://`.
    Scheme,
    /// More than scheme, host and port.
    Path,
    /// No host, or one with characters that a host name does not have.
    Host,
    /// Not a port number.
    Port,
}

impl Origin {
    /// The origins of pages that the server itself serves.
    #[must_use]
    pub fn of_server(port: u16) -> Vec<Self> {
        ["127.0.0.1", "localhost"]
            .iter()
            .filter_map(|host| format!("http://{host}:{port}").parse().ok())
            .collect()
    }

    /// The origin as in a request's `Origin`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Reads an origin, or the address of a site's root.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let text = text.trim().to_ascii_lowercase();
        if text == "*" || text == "null" {
            return Err(OriginError::Anybody);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::Scheme)?;
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(OriginError::Scheme),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) {
            return Err(OriginError::Path);
        }
        let (host, port) = split_port(rest)?;
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_known) {
            return Err(OriginError::Host);
        }
        Ok(Self(match port {
            Some(port) if port != own_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }))
    }
}

/// Host and port; the colons of an IPv6 address stand in brackets.
fn split_port(text: &str) -> Result<(&str, Option<u16>), OriginError> {
    let after_host = text.rfind(']').map_or(0, |bracket| bracket + 1);
    match text[after_host..].find(':') {
        None => Ok((text, None)),
        Some(colon) => {
            let (host, port) = text.split_at(after_host + colon);
            let port = port[1..].parse().map_err(|_| OriginError::Port)?;
            Ok((host, Some(port)))
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Anybody => "it would allow every site",
            Self::Scheme => "it does not begin with http:// or https://",
            Self::Path => "it has more than scheme, host and port",
            Self::Host => "its host is missing or not in ASCII",
            Self::Port => "its port is not a number",
        })
    }
}

impl std::error::Error for OriginError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_written_as_browsers_write_them() {
        for (text, origin) in [
            ("https://example.org", "https://example.org"),
            ("https://Example.ORG/", "https://example.org"),
            ("https://example.org:443", "https://example.org"),
            ("http://example.org:80", "http://example.org"),
            ("http://example.org:443", "http://example.org:443"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin);
        }
    }

    #[test]
    fn nothing_wider_is_taken() {
        for (text, error) in [
            ("*", OriginError::Anybody),
            ("null", OriginError::Anybody),
            ("example.org", OriginError::Scheme),
            ("file:///tmp/x.html", OriginError::Scheme),
            ("https://example.org/page", OriginError::Path),
            ("https://user@example.org", OriginError::Path),
            ("https://", OriginError::Host),
            ("https://*.example.org", OriginError::Host),
            ("https://例え.jp", OriginError::Host),
            ("https://example.org:port", OriginError::Port),
            ("https://example.org:99999", OriginError::Port),
        ] {
            assert_eq!(text.parse::<Origin>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_server_is_its_own_origin_by_two_names() {
        let origins = Origin::of_server(7650);
        let names: Vec<_> = origins.iter().map(Origin::as_str).collect();
        assert_eq!(names, ["http://127.0.0.1:7650", "http://localhost:7650"]);
    }
}
