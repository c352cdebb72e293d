//! A file being read, opened once: what comes through a pipe cannot be opened again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Bytes by which kinds of files are told apart.
const START: usize = 4;

/// A file being read from its start.
pub(super) struct Input {
    path: PathBuf,
    file: File,
    /// The first bytes, or all of a shorter file.
    start: Vec<u8>,
    /// Bytes handed out so far, skipped ones included.
    position: u64,
}

impl Input {
    /// Opens the file.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let start = |mut file: File| {
            let mut start = Vec::new();
            file.by_ref().take(START as u64).read_to_end(&mut start)?;
            Ok((file, start))
        };
        let (file, start) = File::open(path)
            .and_then(start)
            .map_err(|error| unreadable(path, error))?;
        Ok(Self {
            path: path.into(),
            file,
            start,
            position: 0,
        })
    }

    /// The path that was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The first four bytes, or fewer where the file is shorter.
    pub(super) fn start(&self) -> &[u8] {
        &self.start
    }

    /// Bytes of the whole file; `None` for pipes and the like.
    pub(super) fn length(&self) -> Option<u64> {
        let metadata = self.file.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Reads the next bytes, none at the end.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(super) fn read(&mut self, piece: &mut [u8]) -> Result<usize, Failure> {
        let handed_out = usize::try_from(self.position).unwrap_or(usize::MAX);
        let read = match self.start.get(handed_out..) {
            Some(mut start) if !start.is_empty() => start.read(piece),
            _ => self.file.read(piece),
        };
        let length = read.map_err(|error| unreadable(&self.path, error))?;
        self.position += length as u64;
        Ok(length)
    }

    /// Reads everything up to `longest` bytes.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn read_all(mut self, longest: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = std::mem::take(&mut self.start);
        self.file
            .take(longest)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&self.path, error))?;
        Ok(bytes)
    }

    /// Passes over what lies before `position`, by reading where the file cannot jump.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn skip_to(&mut self, position: u64) -> Result<(), Failure> {
        let ahead = position.saturating_sub(self.position);
        let skipped = match self.file.seek(SeekFrom::Start(position)) {
            Ok(_) => Ok(ahead),
            Err(_) => io::copy(&mut self.file.by_ref().take(ahead), &mut io::sink()),
        };
        self.position += skipped.map_err(|error| unreadable(&self.path, error))?;
        Ok(())
    }
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::File {
        path: path.into(),
        error,
    }
}
