//! What can be told without running anything of the project.

use crate::failure::Failure;
use crate::install;
use crate::page;
use crate::process::Task;
use crate::progress::note;
use crate::workspace::{WASM, Workspace};

const PAGE: &str = "llm-lander-app";
/// A machine without an operating system and with 32-bit addresses.
const BARE: &str = "thumbv7em-none-eabi";

pub(crate) fn format(workspace: &Workspace) -> Result<(), Failure> {
    install::rust::component("rustfmt", "cargo-fmt")?;
    cargo(workspace, "fmt --all -- --check")
        .cure("run `cargo fmt --all`")
        .run()
}

/// Clippy over all crates: the page for the browser, the others for this machine.
pub(crate) fn lint(workspace: &Workspace) -> Result<(), Failure> {
    install::rust::component("clippy", "cargo-clippy")?;
    install::rust::target(WASM)?;
    for_all(workspace, |selection| {
        cargo(workspace, "clippy --all-targets")
            .args(selection)
            .words("-- -D warnings")
            .cure("the lints above say what to change")
    })
}

pub(crate) fn bare(workspace: &Workspace) -> Result<(), Failure> {
    install::rust::target(BARE)?;
    cargo(workspace, "build --package llm-lander-shared --target")
        .arg(BARE)
        .cure("shared/ may use core and alloc, not std, and no dependency that needs std")
        .run()
}

/// The documentation of the code for those who work on it, private items included, without a
/// warning: every link leads somewhere.
pub(crate) fn documentation(workspace: &Workspace) -> Result<(), Failure> {
    install::rust::target(WASM)?;
    for_all(workspace, |selection| {
        cargo(workspace, "doc --no-deps --document-private-items")
            .args(selection)
            .env(
                "RUSTDOCFLAGS",
                "-D warnings -A rustdoc::private-intra-doc-links",
            )
            .cure("the warnings above name the place; mostly a link to an item that has moved")
    })
}

/// The crates of this machine: their own tests run here. Apart from them stands the tool of the
/// page, because Cargo would build many dependencies a second time to suit both at once.
pub(crate) fn native(workspace: &Workspace) -> Vec<&'static str> {
    let mut selection = vec!["--workspace", "--exclude", PAGE, "--exclude", page::TOOL];
    if workspace.dist().join("index.html").is_file() {
        selection.extend(["--features", "page"]);
    } else {
        note("dist/ is not there: the probe is taken without the page (`cargo xtask build` helps)");
    }
    selection
}

/// Does the same for all crates, by what they are built for, and fails after the last if any did.
fn for_all(workspace: &Workspace, task: impl Fn(Vec<&'static str>) -> Task) -> Result<(), Failure> {
    let selections = [
        native(workspace),
        vec!["--package", page::TOOL, "--all-features"],
        vec!["--package", PAGE, "--target", WASM],
    ];
    let results = selections.map(|selection| task(selection).run());
    results.into_iter().collect()
}

fn cargo(workspace: &Workspace, words: &str) -> Task {
    Task::cargo().words(words).folder(workspace.root())
}
