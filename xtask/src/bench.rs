//! The benchmarks.

use crate::failure::Failure;
use crate::process::Task;
use crate::workspace::Workspace;

/// Runs the benchmarks of all native crates.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    Task::cargo()
        .words("bench --workspace --exclude llm-lander-app --exclude page-bindgen --benches")
        .args(arguments)
        .folder(workspace.root())
        .run()
}
