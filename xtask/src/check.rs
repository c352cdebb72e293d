//! What can be told without running anything of the project.

use crate::failure::Failure;
use crate::install;
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
    let cure = "the lints above say what to change";
    cargo(
        workspace,
        "clippy --workspace --all-targets --features page,test-runner --exclude",
    )
    .arg(PAGE)
    .words("-- -D warnings")
    .cure(cure)
    .run()?;
    cargo(workspace, "clippy --all-targets --target")
        .args([WASM, "--package", PAGE])
        .words("-- -D warnings")
        .cure(cure)
        .run()
}

pub(crate) fn bare(workspace: &Workspace) -> Result<(), Failure> {
    install::rust::target(BARE)?;
    cargo(workspace, "build --package llm-lander-shared --target")
        .arg(BARE)
        .cure("shared/ may use core and alloc, not std, and no dependency that needs std")
        .run()
}

/// The documentation of the code, without a warning: every link leads somewhere.
pub(crate) fn documentation(workspace: &Workspace) -> Result<(), Failure> {
    install::rust::target(WASM)?;
    let cure = "the warnings above name the place; mostly a link to an item that has moved";
    cargo(
        workspace,
        "doc --no-deps --workspace --features page,test-runner --exclude",
    )
    .arg(PAGE)
    .env("RUSTDOCFLAGS", "-D warnings")
    .cure(cure)
    .run()?;
    cargo(workspace, "doc --no-deps --target")
        .args([WASM, "--package", PAGE])
        .env("RUSTDOCFLAGS", "-D warnings")
        .cure(cure)
        .run()
}

/// The features to look at: all, but the probe cannot carry a page that has not been built.
pub(crate) fn features(workspace: &Workspace) -> &'static str {
    if workspace.dist().join("index.html").is_file() {
        return "page,test-runner";
    }
    note("dist/ is not there: the probe is looked at without the page (`cargo xtask build` helps)");
    "test-runner"
}

fn cargo(workspace: &Workspace, words: &str) -> Task {
    Task::cargo().words(words).folder(workspace.root())
}
