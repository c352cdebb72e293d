//! The page, from Rust to a folder of static files.
//!
//! The published page has two programs: a small one that it opens with, and the whole one, which
//! is fetched when it is needed. Each goes
//! compile (Cargo) → bind (wasm-bindgen) → shrink (wasm-opt; published page only) → follow the
//! directives of `index.html`, naming files by their content → write down what the page opens
//! with, compress (published page only) → `dist/`.

mod assemble;
mod bindgen;
mod directive;
mod folder;
mod name;
mod wasm;
pub(crate) mod weight;

use std::path::Path;

pub(crate) use bindgen::{TOOL, test_runner};

use self::wasm::{Bound, Program};
use crate::failure::Failure;
use crate::install;
use crate::process::Task;
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

/// Builds the page into `dist/`, which is left untouched where nothing has changed: the probe is
/// then not built again either.
pub(crate) fn build(workspace: &Workspace, finish: Finish) -> Result<(), Failure> {
    let whole = program(workspace, Program::Whole, finish)?;
    let first = match finish {
        Finish::Quick => None,
        Finish::Full => Some(program(workspace, Program::First, finish)?),
    };
    step("Put the page together in dist/", || {
        let site = workspace.target().join("page-site");
        assemble::assemble(workspace.root(), &whole, first.as_ref(), &site)?;
        if finish == Finish::Full {
            prerender(workspace, &site)?;
            compress(workspace, &site)?;
        }
        folder::update(&site, &workspace.dist())
    })
}

/// One program, compiled, bound and, for the published page, shrunk.
fn program(workspace: &Workspace, program: Program, finish: Finish) -> Result<Bound, Failure> {
    let what = match program {
        Program::First => "what the page opens with",
        Program::Whole => "the page",
    };
    let compiled = step(&format!("Compile {what} to WebAssembly"), || {
        wasm::compile(workspace, program, finish)
    })?;
    let bound = step("Bind it to JavaScript", || {
        wasm::bind(workspace, program, &compiled, finish)
    })?;
    if finish == Finish::Full {
        step("Shrink it", || wasm::shrink(workspace, &bound))?;
    }
    Ok(bound)
}

/// Lets the page's own program write what it opens with into the HTML.
fn prerender(workspace: &Workspace, site: &Path) -> Result<(), Failure> {
    let tools = workspace.root().join("app/prerender");
    install::node::packages(&tools)?;
    Task::new("node")
        .arg(tools.join("prerender.mjs"))
        .arg(site)
        .cure("the message above says what the page's program did not find; see app/prerender")
        .run()
}

/// Lays compressed files beside the plain ones.
fn compress(workspace: &Workspace, site: &Path) -> Result<(), Failure> {
    install::node::programs()?;
    Task::new("node")
        .arg(workspace.root().join("xtask/page-tools/compress.mjs"))
        .arg(site)
        .run()
}
