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

/// Writes the pages that compare the original program's answers with today's.
pub(crate) fn results(workspace: &Workspace) -> Result<(), Failure> {
    Task::cargo()
        .words("run --package llm-lander --example benchmark-results")
        .folder(workspace.root())
        .run()
}

/// Writes what the calculation is off by, measured on the engine, into the same pages.
pub(crate) fn accuracy(workspace: &Workspace) -> Result<(), Failure> {
    Task::cargo()
        .words("run --package llm-lander-shared --example accuracy")
        .folder(workspace.root())
        .run()
}
