//! Readings in the fragment of an address: `gpus=` and base64url (RFC 4648 §5, no padding).
//!
//! A fragment never leaves the browser, so that the probe can hand its readings to the hosted
//! page without either of them talking to the other.

use alloc::string::String;
use alloc::vec::Vec;

const KEY: &str = "gpus=";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `gpus=` and the bytes.
pub(super) fn write(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(KEY.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(KEY);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_usize, |group, &byte| group << 8 | usize::from(byte))
            << (8 * (3 - chunk.len()));
        for position in 0..=chunk.len() {
            let digit = group >> (18 - 6 * position) & 63;
            text.push(char::from(ALPHABET[digit]));
        }
    }
    text
}

/// The bytes after `gpus=`: `None` where the fragment has no such part, `Some(None)` where that
/// part is not base64url.
pub(super) fn read(fragment: &str) -> Option<Option<Vec<u8>>> {
    fragment
        .trim_start_matches('#')
        .split('&')
        .find_map(|part| part.strip_prefix(KEY))
        .map(|text| decode(text.trim_end_matches('=').as_bytes()))
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.chunks(4) {
        if chunk.len() == 1 {
            return None;
        }
        let mut group = 0_u32;
        for &byte in chunk {
            group = group << 6 | digit(byte)?;
        }
        group <<= 6 * (4 - chunk.len());
        bytes.extend_from_slice(&group.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_vectors_of_the_rfc() {
        for (bytes, text) in [
            ("", "gpus="),
            ("f", "gpus=Zg"),
            ("fo", "gpus=Zm8"),
            ("foo", "gpus=Zm9v"),
            ("foob", "gpus=Zm9vYg"),
            ("fooba", "gpus=Zm9vYmE"),
            ("foobar", "gpus=Zm9vYmFy"),
        ] {
            assert_eq!(write(bytes.as_bytes()), text);
            assert_eq!(read(text), Some(Some(bytes.as_bytes().to_vec())));
        }
        assert_eq!(write(&[0xfb, 0xff, 0xfe]), "gpus=-__-");
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for length in 0..=all.len() {
            assert_eq!(
                read(&write(&all[..length])),
                Some(Some(all[..length].to_vec()))
            );
        }
    }

    #[test]
    fn what_is_not_base64url_is_refused() {
        assert_eq!(read("gpus=Zg=="), Some(Some(b"f".to_vec())));
        assert_eq!(read("gpus=Z"), Some(None));
        assert_eq!(read("gpus=Zm9+"), Some(None));
        assert_eq!(read("nothing"), None);
    }
}
