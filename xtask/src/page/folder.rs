//! Folders as wholes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::file("read", path, &error))
}

/// An empty folder at this path.
pub(super) fn empty(folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| Failure::file("remove", folder, &error))?;
    }
    fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))
}

/// Copies a file or a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    if from.is_dir() {
        fs::create_dir_all(to).map_err(|error| Failure::file("create", to, &error))?;
        let entries = fs::read_dir(from).map_err(|error| Failure::file("read", from, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Failure::file("read", from, &error))?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
    }
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| Failure::file("copy", from, &error))
}

/// Makes a folder equal to another; does nothing where it is.
pub(super) fn update(from: &Path, to: &Path) -> Result<(), Failure> {
    if to.is_dir() && contents(from)? == contents(to)? {
        return Ok(());
    }
    empty(to)?;
    copy(from, to)
}

/// Every file below the folder with its content, in the order of the names.
fn contents(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(place) = open.pop() {
        let entries =
            fs::read_dir(&place).map_err(|error| Failure::file("read", &place, &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
                found.push((name, read(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_follows_another() {
        let place = std::env::temp_dir().join(format!("xtask-folder-{}", std::process::id()));
        let (from, to) = (place.join("from"), place.join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("deep/a"), "1").unwrap();
        fs::write(to.join("old"), "2").unwrap();
        update(&from, &to).unwrap();
        assert_eq!(
            contents(&to).unwrap(),
            [(PathBuf::from("deep/a"), b"1".to_vec())]
        );
        let written = fs::metadata(to.join("deep/a")).unwrap().modified().unwrap();
        update(&from, &to).unwrap();
        assert_eq!(
            fs::metadata(to.join("deep/a")).unwrap().modified().unwrap(),
            written
        );
        fs::remove_dir_all(&place).unwrap();
    }
}
