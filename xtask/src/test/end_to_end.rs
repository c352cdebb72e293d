//! The published page and the real probe, used in a real browser as a person would.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::PathBuf;

use super::tally::Tally;
use crate::failure::Failure;
use crate::page::Finish;
use crate::process::Task;
use crate::workspace::Workspace;
use crate::{install, programs};

pub(super) fn run(workspace: &Workspace, tally: &mut Tally) -> Result<(), Failure> {
    let folder = workspace.root().join("e2e");
    let browser = install::browser::browser()?;
    install::node::packages(&folder)?;
    let probe = programs::probe(workspace, Finish::Quick)?;
    Task::cargo()
        .words("build --package fake-nvml")
        .folder(workspace.root())
        .run()?;
    let library = workspace
        .target()
        .join(format!("debug/{DLL_PREFIX}fake_nvml{DLL_SUFFIX}"));

    Task::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args(specifications(&folder)?)
        .folder(&folder)
        .env("CHROMIUM", &browser.chromium)
        .env("CHROMIUM_FLAGS", install::browser::FLAGS.join(" "))
        .env("PROBE", &probe)
        .env("LLM_LANDER_NVML_LIBRARY", &library)
        .cure("the failing tests are named above; pictures of the page are in e2e/pictures")
        .run_listening(|line| tally.hear(line))?;
    if tally.is_empty() {
        return Err(Failure::new(
            "no end-to-end test ran",
            "look for *.test.mjs in e2e/",
        ));
    }
    Ok(())
}

/// The files with tests, in the order of their names. They are named one by one, because
/// versions of Node differ in what they make of a folder.
fn specifications(folder: &std::path::Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::file("read", folder, &error))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    Ok(files)
}
