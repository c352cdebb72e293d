//! A GGUF header that has been read.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::error::GgufError;
use super::value::Value;
use crate::model::Tensor;

/// Metadata and tensor list of a GGUF file, or of all files of a split model.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Version of the format: 2 or 3.
    pub version: u32,
    /// Metadata by key.
    pub metadata: BTreeMap<String, Value>,
    /// Tensors in file order.
    pub tensors: Vec<TensorInfo>,
    /// Bytes from the start of the file to the tensor data.
    pub data_offset: u64,
}

/// A tensor and where its data lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Name, shape and type.
    pub tensor: Tensor,
    /// Bytes from the start of the tensor data.
    pub offset: u64,
}

/// The place of a file in a split model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Index of this file, from 0.
    pub index: u64,
    /// Files of the model.
    pub count: u64,
    /// Tensors of all files together, where the header says.
    pub tensors: Option<u64>,
}

impl Header {
    /// `general.architecture`.
    ///
    /// # Errors
    /// Where the key is missing or not a text.
    pub fn architecture(&self) -> Result<&str, GgufError> {
        self.metadata
            .get("general.architecture")
            .and_then(Value::as_str)
            .ok_or_else(|| GgufError::MissingKey {
                key: "general.architecture".into(),
            })
    }

    /// The place of the file in a split model; `None` for a model in one file.
    #[must_use]
    pub fn split(&self) -> Option<Split> {
        let number = |key| self.metadata.get(key).and_then(Value::as_u64);
        let count = number("split.count")?;
        (count > 1).then(|| Split {
            index: number("split.no").unwrap_or(0),
            count,
            tensors: number("split.tensors.count"),
        })
    }

    /// Length that the whole file must have; saturating.
    #[must_use]
    pub fn file_length(&self) -> u64 {
        let data = self
            .tensors
            .iter()
            .map(|info| info.offset.saturating_add(info.tensor.bytes()))
            .max()
            .unwrap_or(0);
        self.data_offset.saturating_add(data)
    }

    /// Adds the tensors of the other files of a split model to those of the first, whose
    /// metadata describes the model.
    ///
    /// # Errors
    /// Where files are missing, out of order, or name the same tensor twice.
    pub fn join_splits(mut self, rest: Vec<Self>) -> Result<Self, GgufError> {
        let Some(split) = self.split() else {
            return Ok(self);
        };
        let given = u64::try_from(rest.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        if split.index != 0 || split.count != given {
            return Err(GgufError::SplitIncomplete {
                expected: split.count,
                given,
            });
        }
        let mut names: BTreeSet<String> = self
            .tensors
            .iter()
            .map(|info| info.tensor.name.clone())
            .collect();
        for (position, part) in (1..).zip(rest) {
            match part.split() {
                Some(other) if other.index == position && other.count == split.count => {}
                _ => {
                    return Err(GgufError::SplitIncomplete {
                        expected: split.count,
                        given,
                    });
                }
            }
            for info in part.tensors {
                if !names.insert(info.tensor.name.clone()) {
                    return Err(GgufError::DuplicateTensor {
                        name: info.tensor.name,
                    });
                }
                self.tensors.push(info);
            }
        }
        match split.tensors {
            Some(expected) if Ok(expected) != u64::try_from(self.tensors.len()) => {
                Err(GgufError::SplitIncomplete {
                    expected: split.count,
                    given,
                })
            }
            _ => Ok(self),
        }
    }
}
