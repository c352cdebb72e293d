//! The page, from inside the program.

use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "../dist/"]
struct Files;

/// What the page may load and talk to: itself, the model hub, and probes on this machine. The
/// hashes are of the scripts that stand in its HTML.
const CONTENT_SECURITY_POLICY: &str = concat!(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; ",
    "script-src 'self' 'wasm-unsafe-eval'",
    env!("PAGE_SCRIPT_HASHES"),
    "; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; ",
    "manifest-src 'self'; worker-src 'self'; ",
    "connect-src 'self' http://127.0.0.1:* http://localhost:* ",
    "https://huggingface.co https://*.huggingface.co https://*.hf.co",
);

const CONTENT_SECURITY_POLICY_NAME: HeaderName = HeaderName::from_static("content-security-policy");

/// Ways to compress a file beforehand, the smaller first: name, and ending of the file's name.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The file at this path of the site.
pub(super) fn find(path: &str, asked: &HeaderMap) -> Option<Response> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    let plain = Files::get(name)?;
    let (file, encoding) =
        compressed(name, asked).map_or((plain, None), |(file, encoding)| (file, Some(encoding)));
    let tag = entity_tag(&file);
    let is_known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .any(|tags| tags.to_str().is_ok_and(|tags| tags.contains(&tag)));
    let mut response = if is_known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(bytes(file)))
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(name)),
    );
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if is_named_by_content(name) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(
        CONTENT_SECURITY_POLICY_NAME,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    Some(response)
}

fn compressed(name: &str, asked: &HeaderMap) -> Option<(EmbeddedFile, &'static str)> {
    ENCODINGS
        .into_iter()
        .filter(|(encoding, _)| accepts(asked, encoding))
        .find_map(|(encoding, ending)| Some((Files::get(&format!("{name}{ending}"))?, encoding)))
}

fn accepts(asked: &HeaderMap, encoding: &str) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|token| {
            let (name, weight) = token.split_once(';').unwrap_or((token, ""));
            let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            name.trim().eq_ignore_ascii_case(encoding) && !is_refused
        })
}

fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
        std::borrow::Cow::Owned(data) => Bytes::from(data),
    }
}

/// The beginning of the file's hash, enough to tell any two versions apart.
fn entity_tag(file: &EmbeddedFile) -> String {
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..12] {
        tag.push_str(&format!("{byte:02x}"));
    }
    tag.push('"');
    tag
}

/// Whether a part of the file's name is a hash of its content, as the page's build writes it:
/// sixteen hexadecimal digits.
fn is_named_by_content(name: &str) -> bool {
    name.split(['-', '_', '.', '/'])
        .any(|part| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_page_stands_at_the_root() {
        let page = find("/", &HeaderMap::new()).unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(
            page.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert!(find("/../Cargo.toml", &HeaderMap::new()).is_none());
        assert!(find("//", &HeaderMap::new()).is_none());
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let page = find("/", &HeaderMap::new()).unwrap();
        let tag = page.headers()[header::ETAG].clone();
        let again = find("/", &HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)])).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn encodings_are_taken_as_they_are_offered() {
        assert!(accepts(
            &asked(header::ACCEPT_ENCODING, "gzip, deflate, br"),
            "br"
        ));
        assert!(accepts(&asked(header::ACCEPT_ENCODING, "BR;q=0.5"), "br"));
        assert!(!accepts(
            &asked(header::ACCEPT_ENCODING, "br;q=0, gzip"),
            "br"
        ));
        assert!(!accepts(&asked(header::ACCEPT_ENCODING, "brotli"), "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn what_was_compressed_beforehand_is_sent_so() {
        for compressed in Files::iter().filter(|name| name.ends_with(".br")) {
            let path = format!("/{}", compressed.trim_end_matches(".br"));
            let plain = find(&path, &HeaderMap::new()).unwrap();
            let small = find(&path, &asked(header::ACCEPT_ENCODING, "gzip, br")).unwrap();
            assert_eq!(small.headers()[header::CONTENT_ENCODING], "br");
            assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
            assert_eq!(
                small.headers()[header::CONTENT_TYPE],
                plain.headers()[header::CONTENT_TYPE]
            );
            assert_ne!(small.headers()[header::ETAG], plain.headers()[header::ETAG]);
        }
    }

    #[test]
    fn names_with_a_hash_may_be_kept_for_ever() {
        for name in ["app-0123456789abcdef.js", "app-0123456789abcdef_bg.wasm"] {
            assert!(is_named_by_content(name), "{name}");
        }
        for name in ["index.html", "sw.js", "snippets/app-abc/inline0.js"] {
            assert!(!is_named_by_content(name), "{name}");
        }
    }
}
