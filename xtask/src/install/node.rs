//! Node and the packages of a `package-lock.json`.

use std::fs;
use std::path::{Path, PathBuf};

use super::system;
use crate::failure::Failure;
use crate::process::{self, Task};

const OLDEST: u32 = 18;
const ELSEWHERE: &str = "install Node 20 or later (https://nodejs.org), which brings npm";

/// Node and npm of a version that is recent enough.
pub(crate) fn programs() -> Result<(), Failure> {
    if process::find("node").is_none() || process::find("npm").is_none() {
        system::packages(&[&["nodejs"], &["npm"]], ELSEWHERE)?;
    }
    let version = Task::new("node").arg("--version").cure(ELSEWHERE).read()?;
    match major(&version) {
        Some(major) if major >= OLDEST => Ok(()),
        _ => Err(Failure::new(
            format!(
                "Node {} is too old: {OLDEST} is the oldest that works",
                version.trim()
            ),
            ELSEWHERE,
        )),
    }
}

fn major(version: &str) -> Option<u32> {
    version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// The locked packages of a folder; nothing is done while they are as the lock says.
pub(crate) fn packages(folder: &Path) -> Result<(), Failure> {
    programs()?;
    let lock = folder.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).map_err(|error| Failure::file("read", &lock, &error))?;
    let stamp = folder.join("node_modules/.lock-installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let npm = process::find("npm").unwrap_or_else(|| PathBuf::from("npm"));
    Task::new(npm)
        .words("ci --no-audit --no-fund --loglevel=error")
        .folder(folder)
        .cure("check the network; `npm ci` in that folder shows more")
        .run()?;
    fs::write(&stamp, wanted).map_err(|error| Failure::file("write", &stamp, &error))
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.1"), Some(8));
        assert_eq!(major("none"), None);
    }
}
