//! The models known by name, out of their digest.

use shared::catalogue::{Entry, digest};
use shared::model::Model;
use shared::quant::{FileType, QuantizeError};

static DIGEST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue"));

/// The entry's model with its weights in `file_type`, or as in the tag's own file; `None` where
/// the digest does not know it, which the tests rule out.
#[must_use]
pub fn model(entry: &Entry, file_type: Option<FileType>) -> Option<Result<Model, QuantizeError>> {
    let mut unquantized = digest::read(DIGEST, entry.place())?;
    unquantized.name = entry.tag.into();
    Some(entry.stored(&unquantized, file_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_the_digest() {
        for entry in shared::catalogue::entries() {
            let model = model(entry, None).unwrap().unwrap();
            assert_eq!(model.name, entry.tag);
            assert_eq!(model.weights_format, entry.file_type.name());
            assert_eq!(model.trained_context_length, Some(entry.context_length));
        }
    }
}
