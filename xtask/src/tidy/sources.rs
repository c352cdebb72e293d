//! Every dependency comes from crates.io or from this repository.

use std::fs;

use crate::failure::Failure;
use crate::workspace::Workspace;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let path = workspace.root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
    match foreign(&lock) {
        None => Ok(()),
        Some(source) => Err(Failure::new(
            format!("Cargo.lock takes a package from {source}"),
            "use a published version of it",
        )),
    }
}

/// The first source that is not the registry.
fn foreign(lock: &str) -> Option<&str> {
    lock.lines()
        .filter_map(|line| line.strip_prefix("source = \"")?.strip_suffix('"'))
        .find(|source| *source != REGISTRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sources_are_found() {
        let good = format!("[[package]]\nname = \"a\"\nsource = \"{REGISTRY}\"\n");
        assert_eq!(foreign(&good), None);
        let bad = format!("{good}source = \"git+https://example.com/b\"\n");
        assert_eq!(foreign(&bad), Some("git+https://example.com/b"));
    }
}
