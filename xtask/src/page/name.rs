//! File names that change with the content, so that browsers may keep files for ever.

use std::path::Path;

/// `main.css` with its content becomes `main-0123456789abcdef.css`.
pub(super) fn by_content(file: &Path, content: &[u8]) -> String {
    let part = |part: Option<&std::ffi::OsStr>| {
        part.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
    };
    let (stem, extension) = (part(file.file_stem()), part(file.extension()));
    format!("{stem}-{:016x}.{extension}", digest(content))
}

/// FNV-1a: stable over machines and compilers, and enough to tell versions of a file apart.
pub(super) fn digest(content: &[u8]) -> u64 {
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_published_one() {
        assert_eq!(digest(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(digest(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn names_keep_stem_and_extension() {
        assert_eq!(
            by_content(Path::new("style/main.css"), b""),
            "main-cbf29ce484222325.css"
        );
    }
}
