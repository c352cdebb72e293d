//! The page, from Rust to a folder of static files.
//!
//! compile (Cargo) → bind (wasm-bindgen) → shrink (wasm-opt, finished page only) → name by
//! content → follow the directives of `index.html` → `dist/`.

mod assemble;
mod directive;
mod name;
mod wasm;

use crate::failure::Failure;
use crate::progress::step;
use crate::workspace::Workspace;

/// How much is done for the page's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Built in seconds, for developing; shares Cargo's work with the tests.
    Quick,
    /// As it is published.
    Full,
}

/// Builds the page into `dist/`.
pub(crate) fn build(workspace: &Workspace, finish: Finish) -> Result<(), Failure> {
    let compiled = step("Compile the page to WebAssembly", || {
        wasm::compile(workspace, finish)
    })?;
    let bound = step("Bind it to JavaScript", || {
        wasm::bind(workspace, &compiled, finish)
    })?;
    if finish == Finish::Full {
        step("Shrink it", || wasm::shrink(workspace, &bound))?;
    }
    step("Put the page together in dist/", || {
        assemble::assemble(workspace, &bound)
    })
}
