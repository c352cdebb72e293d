//! Tests of the repository itself.

mod files;
mod licence;
mod sources;

use crate::failure::Failure;
use crate::process;
use crate::process::Task;
use crate::progress::note;
use crate::workspace::Workspace;

/// Checks licences and sources of all dependencies by `deny.toml`, and the project's own files.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    files::check(workspace)?;
    sources::check(workspace)?;
    licence::check(workspace)?;
    // The same rules and more, where it is at hand; compiling it here would take minutes.
    if process::find("cargo-deny").is_some() {
        return Task::new("cargo-deny")
            .words("--offline check licenses bans sources")
            .folder(workspace.root())
            .run();
    }
    note("cargo-deny is not installed: duplicate versions were not looked at");
    Ok(())
}
