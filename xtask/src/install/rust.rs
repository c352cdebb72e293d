//! Parts of the Rust toolchain.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::process::{self, Task};

/// The standard library for a target.
pub(crate) fn target(triple: &str) -> Result<(), Failure> {
    if sysroot()?
        .join("lib/rustlib")
        .join(triple)
        .join("lib")
        .is_dir()
    {
        return Ok(());
    }
    rustup("target", triple)
}

/// A component whose program Cargo finds by the name `cargo-…`.
pub(crate) fn component(name: &str, program: &str) -> Result<(), Failure> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    if sysroot()?.join("bin").join(file).is_file() {
        return Ok(());
    }
    rustup("component", name)
}

fn rustup(kind: &str, name: &str) -> Result<(), Failure> {
    if process::find("rustup").is_none() {
        return Err(Failure::new(
            format!("the Rust {kind} `{name}` is missing, and there is no rustup to add it"),
            format!("install rustup (https://rustup.rs), or the {kind} `{name}` as your Rust came"),
        ));
    }
    Task::new("rustup")
        .words(kind)
        .arg("add")
        .arg(name)
        .cure("check the network, then run this command by hand")
        .run()
}

fn sysroot() -> Result<PathBuf, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = Task::new(rustc).words("--print sysroot").read()?;
    Ok(PathBuf::from(folder.trim()))
}
