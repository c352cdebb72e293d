//! The programs for this machine.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::page::{self, Finish};
use crate::process::Task;
use crate::progress::{note, step};
use crate::workspace::Workspace;

const PROBE: &str = "llm-lander-probe";
const COMMAND_LINE: &str = "llm-lander";

/// Builds the page and both programs.
pub(crate) fn build(workspace: &Workspace, quick: bool) -> Result<(), Failure> {
    let finish = if quick { Finish::Quick } else { Finish::Full };
    page::build(workspace, finish)?;
    probe(workspace, finish)?;
    let (profile, folder) = if quick {
        ("dev", "debug")
    } else {
        ("release", "release")
    };
    step("Build the command line", || {
        compile(
            workspace,
            &["--package", COMMAND_LINE, "--profile", profile],
        )?;
        note(
            &workspace
                .program(folder, COMMAND_LINE)
                .display()
                .to_string(),
        );
        Ok(())
    })
}

/// Builds the probe with the page in it, which has to be in `dist/` already.
pub(crate) fn probe(workspace: &Workspace, finish: Finish) -> Result<PathBuf, Failure> {
    let (profile, folder) = match finish {
        Finish::Quick => ("dev", "debug"),
        Finish::Full => ("probe", "probe"),
    };
    step("Build the probe with the page in it", || {
        compile(
            workspace,
            &[
                "--package",
                PROBE,
                "--features",
                "page",
                "--profile",
                profile,
            ],
        )?;
        let program = workspace.program(folder, PROBE);
        note(&program.display().to_string());
        Ok(program)
    })
}

fn compile(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    Task::cargo()
        .arg("build")
        .args(arguments)
        .folder(workspace.root())
        .cure("the compiler's messages above say what is wrong")
        .run()
}
