//! A GGUF header at once and in pieces, and what follows from it: the model and a plan.

#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::engine::Engine;
use shared::engine::llama_cpp::LlamaCpp;
use shared::fit::{Budget, max_context};
use shared::gpu::Device;
use shared::source::gguf::{HeaderReader, Progress, read_header, read_model};

fuzz_target!(|input: &[u8]| {
    // The first byte says how large the pieces are.
    let Some((&size, bytes)) = input.split_first() else {
        return;
    };
    let at_once = read_header(bytes);
    let mut reader = HeaderReader::new();
    let mut in_pieces = None;
    for piece in bytes.chunks(usize::from(size).max(1)) {
        match reader.feed(piece) {
            Ok(Progress::Complete) => break,
            Ok(Progress::NeedMore { at_least }) => assert!(at_least > 0),
            Err(error) => {
                in_pieces = Some(error);
                break;
            }
        }
    }
    let in_pieces = in_pieces.map_or_else(|| reader.finish(), Err);
    assert!(
        at_once == in_pieces || holds_not_a_number(&at_once),
        "pieces of {size}"
    );

    let Ok(header) = at_once else { return };
    let Ok(model) = read_model(&header, "fuzzed") else {
        return;
    };
    let devices = [Device::with_free("GPU".into(), 24 << 30)];
    if let Ok(planner) = LlamaCpp::default().prepare(&model, &devices) {
        let trained = model.trained_context_length;
        let _ = max_context(&*planner, &devices, &Budget::default(), trained);
    }
});

/// A value that does not equal itself makes equal headers differ.
fn holds_not_a_number<E>(header: &Result<shared::source::gguf::Header, E>) -> bool {
    header
        .as_ref()
        .is_ok_and(|header| header != &header.clone())
}
