//! Metadata values as far as they are kept.

use alloc::string::String;
use alloc::vec::Vec;

/// A metadata value. Vocabularies and other long or textual arrays are counted, not kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An integer that is not negative, of whatever width.
    Unsigned(u64),
    /// A negative integer.
    Negative(i64),
    /// A floating-point number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// A text too long to keep, or one that only a tokenizer needs: its bytes were skipped.
    SkippedText,
    /// An array of integers or truth values (as 0 and 1).
    Integers(Vec<i64>),
    /// An array of which only the length is known.
    SkippedArray {
        /// Number of elements.
        length: u64,
    },
}

impl Value {
    /// The value as an integer that is not negative. Floats and texts are none.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            Self::Bool(truth) => Some(u64::from(*truth)),
            _ => None,
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Elements of an array; `None` for a scalar.
    #[must_use]
    pub fn array_length(&self) -> Option<u64> {
        match self {
            Self::Integers(values) => u64::try_from(values.len()).ok(),
            Self::SkippedArray { length } => Some(*length),
            _ => None,
        }
    }
}
