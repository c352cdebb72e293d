//! The tool that stands between WebAssembly and JavaScript: `xtask/bindgen`.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::process::Task;
use crate::workspace::Workspace;

/// Its package and its first program.
pub(crate) const TOOL: &str = "page-bindgen";
const RUNNER: &str = "page-test-runner";
const RUNNER_FEATURE: &str = "test-runner";

/// Writes `app.js` and `app_bg.wasm` into a folder, with the names of functions if asked.
pub(super) fn bind(
    workspace: &Workspace,
    compiled: &Path,
    folder: &Path,
    names: bool,
) -> Result<(), Failure> {
    // With the runner come other features of the same dependencies. Where it is there already,
    // they are kept, or Cargo would build a good part of them twice.
    let has_runner = workspace.program("debug", RUNNER).is_file();
    build(workspace, TOOL, has_runner)?;
    Task::new(workspace.program("debug", TOOL))
        .args([compiled, folder])
        .args(names.then_some("--names"))
        .cure("wasm-bindgen in app/Cargo.toml and in xtask/bindgen/Cargo.toml must be one version")
        .run()
}

/// The program that runs the tests of the page in a browser.
pub(crate) fn test_runner(workspace: &Workspace) -> Result<PathBuf, Failure> {
    build(workspace, RUNNER, true)?;
    Ok(workspace.program("debug", RUNNER))
}

fn build(workspace: &Workspace, program: &str, with_runner: bool) -> Result<(), Failure> {
    Task::cargo()
        .args(["build", "--package", TOOL, "--bin", program])
        .args(with_runner.then_some("--features"))
        .args(with_runner.then_some(RUNNER_FEATURE))
        .folder(workspace.root())
        .run()
}
