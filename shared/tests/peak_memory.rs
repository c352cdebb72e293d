//! How much memory reading a header takes.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

#[path = "it/gguf_bytes.rs"]
#[allow(dead_code)]
mod gguf_bytes;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use gguf_bytes::{Bytes, TEXT, U32};
use shared::source::gguf::{HeaderReader, read_model};

/// The system's allocator, which also counts the bytes in use and the most there ever were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `act` returns, the bytes that it leaves in use, and the most that it had beyond them.
fn measured<T>(act: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = IN_USE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = act();
    let kept = IN_USE.load(Relaxed).saturating_sub(before);
    let peak = PEAK.load(Relaxed).saturating_sub(before);
    (result, kept, peak.saturating_sub(kept))
}

const BUDGET: usize = 2 * 1024 * 1024;

/// One test, so that nothing else allocates meanwhile.
#[test]
fn reading_a_header_takes_little_memory() {
    // A vocabulary as large as the largest published, at once and in pieces.
    let bytes = gguf_bytes::with_vocabulary(262_144);
    for piece in [1_000, 64 * 1024, 4 * 1024 * 1024 + 1, bytes.len()] {
        let (header, kept, beyond) = measured(|| {
            let mut reader = HeaderReader::new();
            for piece in bytes.chunks(piece) {
                reader.feed(piece).unwrap();
            }
            reader.finish().unwrap()
        });
        println!("pieces of {piece}: {kept} bytes kept, {beyond} more at most");
        assert!(kept < 64 * 1024, "{kept} bytes kept");
        assert!(beyond < BUDGET / 16, "{beyond} bytes beyond what is kept");
        let (_, _, beyond) = measured(|| read_model(&header, "vocabulary").unwrap());
        assert!(beyond < BUDGET / 16, "{beyond} bytes for the geometry");
    }

    // As many tensors as the largest models have.
    let tensors = 5_000_u64;
    let mut many = Bytes::new(tensors, 0);
    for tensor in 0..tensors {
        many = many.tensor(&format!("blk.{tensor}.ffn_gate.weight"), &[64, 64], 0, 0);
    }
    let (header, kept, beyond) = measured(|| {
        let mut reader = HeaderReader::new();
        for piece in many.0.chunks(4_000) {
            reader.feed(piece).unwrap();
        }
        reader.finish().unwrap()
    });
    println!("{tensors} tensors: {kept} bytes kept, {beyond} more at most");
    assert!(beyond < BUDGET, "{beyond} bytes beyond what is kept");
    drop(header);

    // Counts and lengths are not believed before the bytes are there.
    for (what, hostile) in [
        ("tensors", Bytes::new(1_000_000, 0)),
        ("pairs", Bytes::new(0, 1_000_000)),
        ("array", Bytes::new(0, 1).array("a", U32, 16_384)),
        ("texts", Bytes::new(0, 1).array("a", TEXT, 1 << 29)),
        ("text", Bytes::new(0, 1).key("a", TEXT).u64(1 << 29)),
        ("key", Bytes::new(0, 1).u64(65_535)),
    ] {
        let (_, _, beyond) = measured(|| {
            let mut reader = HeaderReader::new();
            let _ = reader.feed(&hostile.0);
            drop(reader.finish());
        });
        assert!(beyond < 4_096, "{what}: {beyond} bytes");
    }
}
