//! The models known by name: in the whole program out of their configurations, in the one that the
//! page opens with out of their digest.

use shared::catalogue::Entry;
#[cfg(any(test, not(feature = "whole")))]
use shared::catalogue::digest;
use shared::model::Model;
use shared::quant::{FileType, QuantizeError};

#[cfg(any(test, not(feature = "whole")))]
static DIGEST: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalogue"));

/// The entry's model with its weights in `file_type`, or as in the tag's own file; `None` where
/// it is not known, which the tests rule out.
#[must_use]
pub fn model(entry: &Entry, file_type: Option<FileType>) -> Option<Result<Model, QuantizeError>> {
    #[cfg(feature = "whole")]
    let unquantized = entry.unquantized().ok()?;
    #[cfg(not(feature = "whole"))]
    let unquantized = in_digest(entry)?;
    Some(entry.stored(&unquantized, file_type))
}

/// The entry's model as its digest has it: without what looks at images.
#[cfg(any(test, not(feature = "whole")))]
fn in_digest(entry: &Entry) -> Option<Model> {
    let mut unquantized = digest::read(DIGEST, entry.place())?;
    unquantized.name = entry.tag.into();
    Some(unquantized)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_known() {
        for entry in shared::catalogue::entries() {
            let model = model(entry, None).unwrap().unwrap();
            assert_eq!(model.name, entry.tag);
            assert_eq!(model.weights_format, entry.file_type.name());
            assert_eq!(model.trained_context_length, Some(entry.context_length));
        }
    }

    /// Both programs plan the same tensors.
    #[cfg(feature = "whole")]
    #[test]
    fn the_digest_says_what_the_configurations_say() {
        for entry in shared::catalogue::entries() {
            let whole = model(entry, None).unwrap().unwrap();
            let first = entry.stored(&in_digest(entry).unwrap(), None).unwrap();
            assert_eq!(
                first.weights_bytes(),
                whole.weights_bytes(),
                "{}",
                entry.tag
            );
            assert_eq!(first.layers, whole.layers, "{}", entry.tag);
        }
    }
}
