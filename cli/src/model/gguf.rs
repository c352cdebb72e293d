//! Headers of GGUF files on this machine: read in pieces, tensor data never.

use std::path::{Path, PathBuf};

use shared::source::gguf::{Header, HeaderReader, Progress, read_model};

use super::input::Input;
use super::{Found, ModelError, SourceKind, Warning};
use crate::failure::Failure;

/// The first piece: most headers without their vocabulary are shorter.
const FIRST_PIECE: usize = 64 * 1024;
/// The largest piece.
const LARGEST_PIECE: usize = 1024 * 1024;

/// Whether the file is meant to be a GGUF file, by its start or its name.
pub(super) fn is_gguf(input: &Input) -> bool {
    input.start() == b"GGUF" || has_gguf_name(input.path())
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
    read_from(Input::open(path)?, name)
}

/// The header of a file that is whole.
///
/// # Errors
/// Where it cannot be read or is no GGUF file.
pub(super) fn header(path: &Path) -> Result<Header, Failure> {
    read_header(Input::open(path)?, &mut Vec::new())
}

/// The same of a file that has been opened.
///
/// # Errors
/// As [`read`].
pub(super) fn read_from(input: Input, name: &str) -> Result<Found, Failure> {
    let mut warnings = Vec::new();
    let path = input.path().to_path_buf();
    let header = read_header(input, &mut warnings)?;
    let (path, header) = match header.split() {
        None => (path, header),
        Some(split) => read_shards(&path, split.count, &mut warnings)?,
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
    let header = read_header(Input::open(&first)?, warnings)?;
    let rest = (2..=count)
        .map(|index| read_header(Input::open(&sibling(index))?, warnings))
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

fn read_header(mut input: Input, warnings: &mut Vec<Warning>) -> Result<Header, Failure> {
    let path = input.path().to_path_buf();
    let gguf = |error| Failure::Gguf {
        path: path.clone(),
        error,
    };
    let mut reader = HeaderReader::new();
    let mut piece = vec![0; FIRST_PIECE];
    let mut offset = 0;
    loop {
        let length = input.read(&mut piece)?;
        let bytes = piece.get(..length).unwrap_or_default();
        if length == 0 || reader.feed(bytes).map_err(gguf)? == Progress::Complete {
            break;
        }
        offset += length as u64;
        if reader.position() > offset {
            // What the reader passes over need not be read.
            offset = reader.position();
            reader.skip_to_position();
            input.skip_to(offset)?;
        }
        if piece.len() < LARGEST_PIECE {
            piece.resize(piece.len() * 2, 0);
        }
    }
    let header = reader.finish().map_err(gguf)?;
    let expected = header.file_length();
    if let Some(length) = input.length().filter(|&length| length < expected) {
        warnings.push(Warning::CutShort {
            path,
            length,
            expected,
        });
    }
    Ok(header)
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
