//! The tool that stands between WebAssembly and JavaScript: `xtask/bindgen`.

use std::path::{Path, PathBuf};

use super::Finish;
use super::folder::empty;
use crate::failure::Failure;
use crate::process::Task;
use crate::workspace::Workspace;

/// Its package and its first program.
pub(crate) const TOOL: &str = "page-bindgen";
const RUNNER: &str = "page-test-runner";
const RUNNER_FEATURE: &str = "test-runner";

/// Writes `NAME.js` and `NAME_bg.wasm` into a folder; the quick page keeps the names of functions.
pub(super) fn bind(
    workspace: &Workspace,
    compiled: &Path,
    folder: &Path,
    name: &str,
    finish: Finish,
) -> Result<(), Failure> {
    // With the runner come other features of the same dependencies. Where it is there already,
    // they are kept, or Cargo would build a good part of them twice.
    let has_runner = workspace.program("debug", RUNNER).is_file();
    build(workspace, TOOL, has_runner)?;
    let tool = workspace.program("debug", TOOL);
    let quick = finish == Finish::Quick;
    // What was bound for the finished page has been changed in place since.
    if quick && is_newer(&folder.join(format!("{name}_bg.wasm")), &[compiled, &tool]) {
        return Ok(());
    }
    empty(folder)?;
    Task::new(&tool)
        .args([compiled, folder])
        .arg(name)
        .args(quick.then_some("--names"))
        .cure("wasm-bindgen in app/Cargo.toml and in xtask/bindgen/Cargo.toml must be one version")
        .run()
}

/// Whether the output was written after all the inputs.
fn is_newer(output: &Path, inputs: &[&Path]) -> bool {
    let written = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let Some(output) = written(output) else {
        return false;
    };
    inputs
        .iter()
        .all(|input| written(input).is_some_and(|input| input < output))
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

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn an_output_is_kept_while_its_inputs_are_older() {
        let place = std::env::temp_dir().join(format!("xtask-newer-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        let file = |name: &str, seconds: u64| {
            let path = place.join(name);
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            File::create(&path).unwrap().set_modified(time).unwrap();
            path
        };
        let (old, output, new) = (file("old", 1), file("output", 2), file("new", 3));
        assert!(is_newer(&output, &[&old]));
        assert!(!is_newer(&output, &[&old, &new]));
        assert!(!is_newer(&output, &[&old, &output]));
        assert!(!is_newer(&output, &[&place.join("absent")]));
        assert!(!is_newer(&place.join("absent"), &[&old]));
        fs::remove_dir_all(place).unwrap();
    }
}
