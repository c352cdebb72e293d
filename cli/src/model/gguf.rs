//! Headers of GGUF files on this machine: read in pieces, tensor data never.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use shared::source::gguf::{Header, HeaderReader, Progress, read_model};

use super::{Found, ModelError, SourceKind, Warning};
use crate::failure::Failure;

/// The first piece: most headers without their vocabulary are shorter.
const FIRST_PIECE: usize = 64 * 1024;
/// The largest piece.
const LARGEST_PIECE: usize = 1024 * 1024;

/// Whether the file starts as a GGUF file does.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn is_gguf(path: &Path) -> Result<bool, Failure> {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    match read {
        Ok(()) => Ok(&magic == b"GGUF"),
        // Too short to be told apart by its first bytes.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(has_gguf_name(path)),
        Err(error) => Err(unreadable(path, error)),
    }
    .map(|starts| starts || has_gguf_name(path))
}

/// Whether the name ends in `.gguf`.
pub(super) fn has_gguf_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// The name shown for a file: without its extension and its place in a split model.
pub(super) fn name(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    match shard(&stem) {
        Some(shard) => shard.prefix.into(),
        None => stem,
    }
}

/// The model in a file, the other files of a split model included.
///
/// # Errors
/// Where a file cannot be read, is no GGUF file, or describes no language model.
pub(super) fn read(path: &Path, name: &str) -> Result<Found, Failure> {
    let mut warnings = Vec::new();
    let header = read_one(path, &mut warnings)?;
    let (path, header) = match header.split() {
        None => (path.to_path_buf(), header),
        Some(split) => read_shards(path, split.count, &mut warnings)?,
    };
    let model = read_model(&header, name).map_err(|error| Failure::Gguf {
        path: path.clone(),
        error,
    })?;
    let location = path.to_string_lossy().into_owned();
    let mut found = Found::new(model, location.clone(), SourceKind::Gguf, location);
    found.warnings.extend(warnings);
    Ok(found)
}

/// All files of a split model, whichever of them was named: the path of the first, and the
/// header of all together.
fn read_shards(
    path: &Path,
    count: u64,
    warnings: &mut Vec<Warning>,
) -> Result<(PathBuf, Header), Failure> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let shard = shard(&stem)
        .filter(|shard| shard.count.parse() == Ok(count))
        .ok_or_else(|| ModelError::ShardName {
            path: path.into(),
            count,
        })?;
    let sibling = |index: u64| {
        let width = shard.count.len();
        path.with_file_name(format!(
            "{}-{index:0width$}-of-{}.gguf",
            shard.prefix, shard.count
        ))
    };
    // Each file that was named has warned already.
    warnings.clear();
    let first = sibling(1);
    let header = read_one(&first, warnings)?;
    let rest = (2..=count)
        .map(|index| read_one(&sibling(index), warnings))
        .collect::<Result<Vec<_>, _>>()?;
    let header = header.join_splits(rest).map_err(|error| Failure::Gguf {
        path: first.clone(),
        error,
    })?;
    Ok((first, header))
}

/// A file name as `gguf-split` makes it: `NAME-00001-of-00003`.
struct Shard<'a> {
    prefix: &'a str,
    count: &'a str,
}

fn shard(stem: &str) -> Option<Shard<'_>> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (prefix, index) = rest.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(count) && index.len() == count.len() && digits(index))
        .then_some(Shard { prefix, count })
}

fn read_one(path: &Path, warnings: &mut Vec<Warning>) -> Result<Header, Failure> {
    let gguf = |error| Failure::Gguf {
        path: path.into(),
        error,
    };
    let mut file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut reader = HeaderReader::new();
    let mut piece = vec![0; FIRST_PIECE];
    let mut offset = 0;
    loop {
        let length = file
            .read(&mut piece)
            .map_err(|error| unreadable(path, error))?;
        let bytes = piece.get(..length).unwrap_or_default();
        if length == 0 {
            break;
        }
        if reader.feed(bytes).map_err(gguf)? == Progress::Complete {
            break;
        }
        offset += length as u64;
        if reader.position() > offset {
            // What the reader passes over need not be read.
            offset = reader.position();
            reader.skip_to_position();
            file.seek(SeekFrom::Start(offset))
                .map_err(|error| unreadable(path, error))?;
        }
        if piece.len() < LARGEST_PIECE {
            piece.resize(piece.len() * 2, 0);
        }
    }
    let header = reader.finish().map_err(gguf)?;
    let length = file
        .metadata()
        .map_err(|error| unreadable(path, error))?
        .len();
    let expected = header.file_length();
    if length < expected {
        warnings.push(Warning::CutShort {
            path: path.into(),
            length,
            expected,
        });
    }
    Ok(header)
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    Failure::File {
        path: path.into(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_known_by_their_names() {
        let shard = shard("Qwen3-235B-Q4_K_M-00002-of-00003").unwrap();
        assert_eq!((shard.prefix, shard.count), ("Qwen3-235B-Q4_K_M", "00003"));
        assert_eq!(name(Path::new("/m/A-00001-of-00002.gguf")), "A");
        assert_eq!(name(Path::new("/m/A-1-of-00002.gguf")), "A-1-of-00002");
        assert_eq!(name(Path::new("/m/Qwen3-8B.Q8_0.gguf")), "Qwen3-8B.Q8_0");
    }
}
