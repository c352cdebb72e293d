//! The page's program: compiled, bound to JavaScript, shrunk.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::read;
use super::name::digest;
use super::{Finish, bindgen};
use crate::failure::Failure;
use crate::install;
use crate::process::Task;
use crate::progress::note;
use crate::workspace::{WASM, Workspace};

const PACKAGE: &str = "llm-lander-app";

/// What wasm-opt is told. The stack lies at the bottom of the memory and grows downwards, so that
/// the memory's first KB stays empty.
const SHRINK: &str = "-Oz --low-memory-unused";

/// A program of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// What the published page opens with.
    First,
    /// Files and all engines.
    Whole,
}

impl Program {
    /// The name of its binary.
    fn binary(self) -> &'static str {
        match self {
            Self::First => "llm-lander-first",
            Self::Whole => PACKAGE,
        }
    }

    /// What its script and its WebAssembly are called.
    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Whole => "app",
        }
    }
}

/// The folder with a program's script and its WebAssembly.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) folder: PathBuf,
    pub(super) script: PathBuf,
    pub(super) program: PathBuf,
}

/// Compiles the application; gives the path of the WebAssembly file.
pub(super) fn compile(
    workspace: &Workspace,
    program: Program,
    finish: Finish,
) -> Result<PathBuf, Failure> {
    install::rust::target(WASM)?;
    let (profile, folder) = match finish {
        Finish::Quick => ("dev", "debug"),
        Finish::Full => ("page", "page"),
    };
    Task::cargo()
        .words("build --package")
        .args([
            PACKAGE,
            "--bin",
            program.binary(),
            "--target",
            WASM,
            "--profile",
            profile,
        ])
        .args((program == Program::First).then_some("--no-default-features"))
        .folder(workspace.root())
        .cure("the compiler's messages above say what is wrong in app/ or shared/")
        .run()?;
    Ok(workspace
        .target()
        .join(WASM)
        .join(folder)
        .join(format!("{}.wasm", program.binary())))
}

/// Writes the JavaScript that loads the program and stands between it and the browser.
pub(super) fn bind(
    workspace: &Workspace,
    program: Program,
    compiled: &Path,
    finish: Finish,
) -> Result<Bound, Failure> {
    let folder = workspace.target().join(match (program, finish) {
        (_, Finish::Quick) => "page-quick",
        (Program::First, Finish::Full) => "page-first",
        (Program::Whole, Finish::Full) => "page-full",
    });
    let name = program.name();
    bindgen::bind(workspace, compiled, &folder, name, finish)?;
    let bound = Bound {
        script: folder.join(format!("{name}.js")),
        program: folder.join(format!("{name}_bg.wasm")),
        folder,
    };
    note(&format!(
        "{}: {} KB",
        bound.program.display(),
        kilobytes(&bound.program)
    ));
    Ok(bound)
}

/// Lets wasm-opt of the locked binaryen package reduce the program in place. An input seen before
/// is taken from the last run.
pub(super) fn shrink(workspace: &Workspace, bound: &Bound) -> Result<(), Failure> {
    let tools = workspace.root().join("xtask/page-tools");
    let lock = tools.join("package-lock.json");
    let mut input = read(&bound.program)?;
    input.extend(read(&lock)?);
    input.extend(SHRINK.bytes());
    let kept = workspace.target().join("page-shrunk");
    let shrunk = kept.join(format!("{:016x}.wasm", digest(&input)));
    if !shrunk.is_file() {
        install::node::packages(&tools)?;
        fs::create_dir_all(&kept).map_err(|error| Failure::file("create", &kept, &error))?;
        let unfinished = kept.join("unfinished.wasm");
        Task::new("node")
            .arg(tools.join("node_modules/binaryen/bin/wasm-opt"))
            .words(SHRINK)
            .arg("--output")
            .args([&unfinished, &bound.program])
            .cure("remove xtask/page-tools/node_modules and try again")
            .run()?;
        fs::rename(&unfinished, &shrunk)
            .map_err(|error| Failure::file("rename", &unfinished, &error))?;
    }
    fs::copy(&shrunk, &bound.program).map_err(|error| Failure::file("copy", &shrunk, &error))?;
    note(&format!(
        "{}: {} KB",
        bound.program.display(),
        kilobytes(&bound.program)
    ));
    Ok(())
}

fn kilobytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |data| data.len().div_ceil(1000))
}
