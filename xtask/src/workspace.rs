//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The triple of the page.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// The folders of this checkout.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Reads the places from the program's own: Cargo put it at `<target>/debug/xtask`, whatever
    /// the environment or a configuration file say of the target folder.
    pub(crate) fn locate() -> Result<Self, Failure> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let program = env::current_exe().map_err(|error| lost(&error.to_string()))?;
        let root = manifest
            .parent()
            .ok_or_else(|| lost("no folder above xtask"))?;
        let target = program
            .ancestors()
            .nth(2)
            .ok_or_else(|| lost("no target folder"))?;
        Ok(Self {
            root: root.to_path_buf(),
            target: target.to_path_buf(),
        })
    }

    /// The top of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// The finished page.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// A program that Cargo built for this machine.
    pub(crate) fn program(&self, profile_folder: &str, name: &str) -> PathBuf {
        self.target
            .join(profile_folder)
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }
}

fn lost(reason: &str) -> Failure {
    Failure::new(
        format!("cannot tell where the checkout is: {reason}"),
        "start this program as `cargo xtask …` inside the checkout",
    )
}
