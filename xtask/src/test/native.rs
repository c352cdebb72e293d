//! The crates that run on this machine.

use super::tally::Tally;
use crate::check;
use crate::failure::Failure;
use crate::process::Task;
use crate::workspace::Workspace;

/// Unit, property, truth, golden and integration tests, and the examples in the documentation.
pub(super) fn run(workspace: &Workspace, tally: &mut Tally) -> Result<(), Failure> {
    Task::cargo()
        .words("test --no-fail-fast")
        .args(check::native(workspace))
        .folder(workspace.root())
        .cure("the failing tests are named above; each runs alone with `cargo test NAME`")
        .run_listening(|line| tally.hear(line))
}
