//! The crates that run on this machine.

use super::tally::Tally;
use crate::check::features;
use crate::failure::Failure;
use crate::process::Task;
use crate::workspace::Workspace;

/// Unit, property, truth, golden and integration tests, and the examples in the documentation.
pub(super) fn run(workspace: &Workspace) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    Task::cargo()
        .words("test --workspace --no-fail-fast --exclude llm-lander-app --features")
        .arg(features(workspace))
        .folder(workspace.root())
        .cure("the failing tests are named above; each runs alone with `cargo test NAME`")
        .run_listening(|line| tally.hear(line))?;
    Ok(tally)
}
