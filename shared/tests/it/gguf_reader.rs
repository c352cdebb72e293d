//! The GGUF header reader against pieces, cuts and hostile bytes.

use proptest::prelude::*;
use shared::source::gguf::{
    GgufError, Header, HeaderReader, Progress, Value, read_header, read_model,
};

use crate::data;
use crate::gguf_bytes::{ARRAY, Bytes, F32, TEXT, U32, U64, with_vocabulary};

const HEADERS: &[(&str, &str)] = &[
    ("tinyllama-1.1b", "Q8_0"),
    ("gemma-3-270m", "Q4_K_M"),
    ("falcon-h1-7b", "Q8_0"),
    ("gpt-oss-20b", "MXFP4_MOE"),
];

fn real(index: usize) -> Vec<u8> {
    let (model, file_type) = HEADERS[index % HEADERS.len()];
    data::header(model, file_type).unwrap()
}

/// Feeds the bytes in pieces of these sizes, again from the first when they run out.
fn in_pieces(bytes: &[u8], sizes: &[usize]) -> Result<Header, GgufError> {
    let mut reader = HeaderReader::new();
    let mut rest = bytes;
    let mut needed = 0;
    for &size in sizes.iter().cycle() {
        let (piece, following) = rest.split_at(size.clamp(1, rest.len().max(1)).min(rest.len()));
        rest = following;
        match reader.feed(piece)? {
            Progress::Complete => {
                assert!(needed <= piece.len() as u64, "complete before it was due");
                break;
            }
            Progress::NeedMore { at_least } => {
                assert!(at_least > 0);
                needed = at_least;
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    reader.finish()
}

#[test]
fn every_truncation_is_noticed() {
    for bytes in [real(0), real(1), with_vocabulary(20)] {
        let whole = read_header(&bytes).unwrap();
        // A file cut right after its header is read: padding and data may be missing.
        let mut needed = bytes.len();
        while read_header(&bytes[..needed - 1]).is_ok() {
            needed -= 1;
        }
        assert_eq!(read_header(&bytes[..needed]).as_ref(), Ok(&whole));
        for length in 0..needed {
            assert_eq!(
                read_header(&bytes[..length]),
                Err(GgufError::Truncated {
                    length: length as u64
                })
            );
        }
    }
}

#[test]
fn pieces_of_any_size_give_the_same_header() {
    for bytes in [real(0), real(1), with_vocabulary(300)] {
        let whole = read_header(&bytes);
        for size in 1..=64 {
            assert_eq!(in_pieces(&bytes, &[size]), whole, "pieces of {size}");
        }
    }
}

/// A reader of ranges fetches only what the reader asks for.
#[test]
fn what_is_passed_over_need_not_be_fetched() {
    let bytes = with_vocabulary(10_000);
    for piece in [1, 100, 4_096] {
        let mut reader = HeaderReader::new();
        let mut fetched = 0;
        loop {
            reader.skip_to_position();
            let start = usize::try_from(reader.position()).unwrap();
            let end = (start + piece).min(bytes.len());
            fetched += end - start;
            if reader.feed(&bytes[start..end]).unwrap() == Progress::Complete {
                break;
            }
        }
        assert_eq!(reader.finish(), read_header(&bytes));
        assert!(fetched < bytes.len(), "{fetched} of {}", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_pieces_give_the_same_header(
        which in 0..HEADERS.len(),
        sizes in proptest::collection::vec(1_usize..5_000, 1..20),
    ) {
        let bytes = real(which);
        prop_assert_eq!(in_pieces(&bytes, &sizes), read_header(&bytes));
    }

    /// Whatever the bytes become, reading ends, and in pieces as it does at once.
    #[test]
    fn broken_headers_are_read_or_refused(
        which in 0..HEADERS.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        sizes in proptest::collection::vec(1_usize..900, 1..6),
    ) {
        let mut bytes = real(which);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let whole = read_header(&bytes);
        prop_assert_eq!(&in_pieces(&bytes, &sizes), &whole);
        if let Ok(header) = whole {
            let _ = read_model(&header, "broken");
            let _ = header.file_length();
        }
    }

    /// Numbers in a header are eight bytes: whole ones replaced reach further.
    #[test]
    fn absurd_numbers_are_read_or_refused(
        which in 0..HEADERS.len(),
        place in any::<prop::sample::Index>(),
        number in prop_oneof![
            Just(0), Just(u64::MAX), Just(1 << 63), Just(1 << 32), Just(u64::MAX / 2), any::<u64>(),
        ],
    ) {
        let mut bytes = real(which);
        let place = place.index(bytes.len() - 8);
        bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
        if let Ok(header) = read_header(&bytes) {
            let _ = read_model(&header, "broken");
        }
    }

    #[test]
    fn noise_after_the_magic_is_read_or_refused(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_header(&Bytes::new(2, 2).raw(&noise).0);
        let _ = read_header(&noise);
    }
}

/// The error of a header, whether it comes at once or by single bytes.
fn error(bytes: &Bytes) -> GgufError {
    let at_once = read_header(&bytes.0).unwrap_err();
    assert_eq!(in_pieces(&bytes.0, &[1]), Err(at_once.clone()));
    at_once
}

fn shape_error(dimensions: &[u64], kind: u32) -> &'static str {
    match error(&Bytes::new(1, 0).tensor("t", dimensions, kind, 0)) {
        GgufError::InvalidShape { name, reason } if name == "t" => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_gguf_file_is_named() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    for (bytes, magic) in [
        (&lfs[..], b"vers"),
        (b"<!DOCTYPE html><html></html>", b"<!DO"),
        (b"{\"error\":\"not found\"}", b"{\"er"),
        (b"ggml\x01\0\0\0", b"ggml"),
        (b"PK\x03\x04....................", b"PK\x03\x04"),
    ] {
        let bytes = Bytes(bytes.to_vec());
        assert_eq!(error(&bytes), GgufError::NotGguf { magic: *magic });
    }
}

#[test]
fn other_versions_are_refused() {
    for version in [0, 1, 4, 99] {
        assert_eq!(
            error(&Bytes::of_version(version, 0, 0)),
            GgufError::UnsupportedVersion { version }
        );
    }
    for version in [2_u32, 3] {
        assert!(read_header(&Bytes::of_version(version, 0, 0).0).is_ok());
        assert_eq!(
            error(&Bytes::of_version(version.swap_bytes(), 0, 0)),
            GgufError::BigEndian
        );
    }
}

#[test]
fn counts_that_would_take_terabytes_are_absurd() {
    for count in [1 << 40, 1 << 63, u64::MAX] {
        for (bytes, expected) in [
            (Bytes::new(count, 0), "tensors"),
            (Bytes::new(0, count), "metadata pairs"),
            (Bytes::new(0, 1).array("a", U32, count), "array length"),
            (Bytes::new(0, 1).array("a", U64, count), "array length"),
            (Bytes::new(0, 1).array("a", TEXT, count), "array length"),
            (Bytes::new(0, 1).u64(count), "key length"),
            (Bytes::new(0, 1).key("a", TEXT).u64(count), "text length"),
            (
                Bytes::new(0, 1)
                    .key("tokenizer.chat_template", TEXT)
                    .u64(count),
                "text length",
            ),
            (
                Bytes::new(0, 1)
                    .array("tokenizer.ggml.tokens", TEXT, 2)
                    .text("a")
                    .u64(count),
                "text length",
            ),
            (Bytes::new(1, 0).u64(count), "tensor name length"),
        ] {
            match error(&bytes) {
                GgufError::Absurd { what, value, .. } => {
                    assert_eq!((what, value), (expected, count));
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
    // Not absurd by itself, but nothing of it is there.
    let bytes = Bytes::new(1_000_000, 1_000_000);
    assert_eq!(error(&bytes), GgufError::Truncated { length: 24 });
}

#[test]
fn wrong_metadata_is_named() {
    let key = || String::from("some.key");
    let pair = |kind| Bytes::new(0, 2).key("some.key", kind);
    for id in [13, 99, u32::MAX] {
        let expected = GgufError::UnknownValueType { key: key(), id };
        assert_eq!(error(&pair(id)), expected);
        assert_eq!(error(&pair(ARRAY).u32(id).u64(1)), expected);
    }
    assert_eq!(
        error(&pair(ARRAY).u32(ARRAY).u64(1).u32(U32).u64(1).u32(1)),
        GgufError::NestedArray { key: key() }
    );
    for second in [
        pair(U32).u32(1).pair_u32("some.key", 2),
        pair(ARRAY).u32(U32).u64(0).pair_text("some.key", "x"),
    ] {
        assert_eq!(error(&second), GgufError::DuplicateKey { key: key() });
    }
    assert_eq!(
        error(&Bytes::new(0, 1).u64(2).raw(&[0xff, 0xfe]).u32(U32).u32(1)),
        GgufError::NotUtf8 { position: 24 }
    );
    assert!(matches!(
        error(&pair(TEXT).u64(1).raw(&[0xc3])),
        GgufError::NotUtf8 { .. }
    ));
    assert!(matches!(
        error(&Bytes::new(1, 0).u64(1).raw(&[0x80]).u32(0).u32(0).u64(0)),
        GgufError::NotUtf8 { .. }
    ));
}

#[test]
fn wrong_alignments_are_named() {
    for alignment in [0, 3, 33, u32::MAX] {
        let bytes = Bytes::new(0, 1).pair_u32("general.alignment", alignment);
        let alignment = u64::from(alignment);
        assert_eq!(error(&bytes), GgufError::InvalidAlignment { alignment });
    }
    let text = Bytes::new(0, 1).pair_text("general.alignment", "32");
    assert_eq!(error(&text), GgufError::InvalidAlignment { alignment: 0 });
    let right = Bytes::new(0, 1).pair_u32("general.alignment", 4096);
    assert_eq!(read_header(&right.0).unwrap().data_offset, 4096);
}

#[test]
fn wrong_tensors_are_named() {
    let (f32, q8_0) = (0, 8);
    assert_eq!(shape_error(&[0], f32), "a dimension of 0");
    assert_eq!(shape_error(&[32, 0, 1], f32), "a dimension of 0");
    assert_eq!(shape_error(&[1; 5], f32), "more than four dimensions");
    let blocks = "a row that is not a whole number of blocks";
    assert_eq!(shape_error(&[33, 2], q8_0), blocks);
    for dimensions in [
        &[1 << 62][..],
        &[u64::MAX, u64::MAX],
        &[1 << 32, 1 << 32],
        &[1 << 16, 1 << 16, 1 << 16, 1 << 16],
        &[1, u64::MAX, 2],
    ] {
        assert_eq!(shape_error(dimensions, f32), "a size beyond 2^64 bytes");
    }
    let end = Bytes::new(1, 0).tensor("t", &[32], f32, u64::MAX);
    assert!(matches!(error(&end), GgufError::InvalidShape { .. }));
    // A rank whose dimensions cannot be there is refused before they are waited for.
    let rank = Bytes::new(1, 0).text("t").u32(u32::MAX);
    assert!(matches!(error(&rank), GgufError::InvalidShape { .. }));
    for id in [4, 5, 31, 36, 1_000, u32::MAX] {
        let bytes = Bytes::new(1, 0).tensor("t", &[32], id, 0);
        let name = "t".into();
        assert_eq!(error(&bytes), GgufError::UnknownTensorType { name, id });
    }
    let twice = Bytes::new(2, 0)
        .tensor("t", &[32], f32, 0)
        .tensor("t", &[32], f32, 128);
    let name = "t".into();
    assert_eq!(error(&twice), GgufError::DuplicateTensor { name });
    let long = Bytes::new(1, 0).text(&"n".repeat(64));
    assert!(matches!(error(&long), GgufError::Absurd { .. }));
}

#[test]
fn long_values_are_counted_and_not_kept() {
    let bytes = Bytes::new(0, 5)
        .pair_text("general.license", &"x".repeat(5_000))
        .pair_text("tokenizer.chat_template", "{{ messages }}")
        .array("tokenizer.ggml.tokens", TEXT, 3)
        .text("a")
        .text("")
        .text("c")
        .array("some.floats", F32, 2)
        .u64(0)
        .array("some.integers", U32, 2)
        .u32(7)
        .u32(8);
    let header = read_header(&bytes.0).unwrap();
    let value = |key: &str| header.metadata[key].clone();
    assert_eq!(value("general.license"), Value::SkippedText);
    assert_eq!(value("tokenizer.chat_template"), Value::SkippedText);
    let tokens = Value::SkippedArray { length: 3 };
    assert_eq!(value("tokenizer.ggml.tokens"), tokens);
    assert_eq!(value("some.floats"), Value::SkippedArray { length: 2 });
    assert_eq!(value("some.integers"), Value::Integers(vec![7, 8]));
}

/// A part of a model in `count` files, with one tensor of its own.
fn part(index: u32, count: u32, tensor: &str) -> Header {
    let bytes = Bytes::new(1, 4)
        .pair_text("general.architecture", "llama")
        .pair_u32("split.no", index)
        .pair_u32("split.count", count)
        .pair_u32("split.tensors.count", count)
        .tensor(tensor, &[32], 0, 0);
    read_header(&bytes.0).unwrap()
}

#[test]
fn parts_of_a_model_are_joined_in_order() {
    let joined = part(0, 3, "a").join_splits(vec![part(1, 3, "b"), part(2, 3, "c")]);
    let joined = joined.unwrap();
    let names: Vec<&str> = joined
        .tensors
        .iter()
        .map(|info| info.tensor.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);

    let incomplete = |given| GgufError::SplitIncomplete { expected: 3, given };
    let join = |first: Header, rest| first.join_splits(rest).unwrap_err();
    // Missing, out of order, twice, not the first, of another model.
    assert_eq!(join(part(0, 3, "a"), vec![]), incomplete(1));
    assert_eq!(join(part(0, 3, "a"), vec![part(1, 3, "b")]), incomplete(2));
    let wrong_order = vec![part(2, 3, "c"), part(1, 3, "b")];
    assert_eq!(join(part(0, 3, "a"), wrong_order), incomplete(3));
    let twice = vec![part(1, 3, "b"), part(1, 3, "b")];
    assert_eq!(join(part(0, 3, "a"), twice), incomplete(3));
    let rest = vec![part(0, 3, "a"), part(2, 3, "c")];
    assert_eq!(join(part(1, 3, "b"), rest), incomplete(3));
    let foreign = vec![part(1, 3, "b"), part(2, 4, "c")];
    assert_eq!(join(part(0, 3, "a"), foreign), incomplete(3));
    assert_eq!(
        join(part(0, 3, "a"), vec![part(1, 3, "b"), part(2, 3, "a")]),
        GgufError::DuplicateTensor { name: "a".into() }
    );
}

#[test]
fn a_part_with_too_few_tensors_is_noticed() {
    let mut second = part(1, 2, "b");
    second.tensors.clear();
    assert_eq!(
        part(0, 2, "a").join_splits(vec![second]),
        Err(GgufError::SplitIncomplete {
            expected: 2,
            given: 2
        })
    );
}
