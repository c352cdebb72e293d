//! The incremental reader: bytes in as they come, a header out.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::GgufError;
use super::header::{Header, TensorInfo};
use super::value::Value;
use super::wire::{WireType, u32_at, u64_at};
use crate::model::Tensor;
use crate::quant::TensorType;

/// Longest key; `gguf.cpp` writes at most this.
const MAX_KEY_LENGTH: u64 = 65_535;
/// Names must be shorter than ggml's `GGML_MAX_NAME`.
const MAX_NAME_LENGTH: u64 = 63;
/// Metadata pairs and tensors: a hundred times what the largest models have.
const MAX_COUNT: u64 = 1_000_000;
/// Texts and arrays longer than this are not believed; `gguf.cpp` has the same limit.
const MAX_LENGTH: u64 = 1 << 30;
/// Longer texts are skipped; the longest that geometry needs is a name.
const MAX_KEPT_TEXT: u64 = 4_096;
/// Longer arrays are skipped: the longest that geometry needs has one entry a layer.
const MAX_KEPT_ARRAY: u64 = 16_384;
/// `general.alignment` where the file does not say.
const DEFAULT_ALIGNMENT: u64 = 32;
/// Largest alignment that is believed.
const MAX_ALIGNMENT: u64 = 1 << 30;

/// How far the header has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed, from [`HeaderReader::position`] on.
    NeedMore {
        /// At least this many until something new can be read.
        at_least: u64,
    },
    /// The header is complete; further bytes are ignored.
    Complete,
}

/// Reads a GGUF header from pieces of any size. Keeps the metadata that geometry needs and the
/// tensor list, and never more than one unfinished item of the input.
#[derive(Debug)]
pub struct HeaderReader {
    state: State,
    /// Bytes of an item that is not complete yet.
    pending: Vec<u8>,
    /// Bytes that the item lacks at least, while some of it is pending.
    missing: u64,
    /// Bytes to pass over before the next item.
    skip: u64,
    /// Bytes of the file that have been dealt with, skipped ones ahead included.
    position: u64,
    version: u32,
    tensors_left: u64,
    pairs_left: u64,
    metadata: BTreeMap<String, Value>,
    names: BTreeSet<String>,
    tensors: Vec<TensorInfo>,
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Preamble,
    Pair,
    /// Inside the array of the key: elements still to come.
    Array {
        key: String,
        kind: WireType,
        left: u64,
        kept: Option<Vec<i64>>,
        length: u64,
    },
    Tensor,
    Complete,
}

/// What one step made of the bytes before it.
enum Step {
    Consumed(usize),
    Need(u64),
}

impl Default for HeaderReader {
    fn default() -> Self {
        Self::new()
    }
}

impl HeaderReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Preamble,
            pending: Vec::new(),
            missing: 0,
            skip: 0,
            position: 0,
            version: 0,
            tensors_left: 0,
            pairs_left: 0,
            metadata: BTreeMap::new(),
            names: BTreeSet::new(),
            tensors: Vec::new(),
        }
    }

    /// Offset in the file of the next byte that the reader needs: a reader of ranges may start
    /// the next piece there if it calls [`skip_to_position`](Self::skip_to_position) first.
    #[must_use]
    pub fn position(&self) -> u64 {
        let pending = u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.position
            .saturating_add(pending)
            .saturating_add(self.skip)
    }

    /// Declares that the next piece starts at [`position`](Self::position), the bytes that the
    /// reader would pass over left out.
    pub fn skip_to_position(&mut self) {
        self.position = self.position.saturating_add(self.skip);
        self.skip = 0;
    }

    /// Takes the next piece of the file.
    ///
    /// # Errors
    /// As soon as the bytes cannot be a GGUF header.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Progress, GgufError> {
        let mut piece = piece;
        // An unfinished item is completed first, with no more bytes than it lacks.
        while !self.pending.is_empty() {
            let taken = usize::try_from(self.missing)
                .unwrap_or(usize::MAX)
                .min(piece.len());
            let (completing, rest) = piece.split_at(taken);
            piece = rest;
            self.pending.extend_from_slice(completing);
            self.missing -= u64::try_from(taken).unwrap_or(self.missing);
            if self.missing > 0 {
                let at_least = self.missing;
                return Ok(Progress::NeedMore { at_least });
            }
            let mut item = core::mem::take(&mut self.pending);
            let (consumed, progress) = self.consume(&item)?;
            if progress == Progress::Complete {
                return Ok(progress);
            }
            item.drain(..consumed);
            self.pending = item;
        }
        let (consumed, progress) = self.consume(piece)?;
        if progress != Progress::Complete {
            self.pending
                .extend_from_slice(piece.get(consumed..).unwrap_or_default());
        }
        Ok(progress)
    }

    /// The header.
    ///
    /// # Errors
    /// Where the bytes ended before it did.
    pub fn finish(self) -> Result<Header, GgufError> {
        if self.state != State::Complete {
            // What is passed over ahead has not been there.
            let length = self.position().saturating_sub(self.skip);
            return Err(GgufError::Truncated { length });
        }
        let alignment = alignment(&self.metadata)?;
        let data_offset = self
            .position
            .checked_next_multiple_of(alignment)
            .unwrap_or(u64::MAX);
        Ok(Header {
            version: self.version,
            metadata: self.metadata,
            tensors: self.tensors,
            data_offset,
        })
    }

    fn pass(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.skip = self.skip.saturating_sub(bytes);
        self.position = self.position.saturating_add(bytes);
    }

    /// Reads items until the bytes run out: how many were dealt with, and what is missing.
    fn consume(&mut self, bytes: &[u8]) -> Result<(usize, Progress), GgufError> {
        let mut at = 0;
        loop {
            if self.skip > 0 {
                let passed = usize::try_from(self.skip)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len() - at);
                self.pass(passed);
                at += passed;
                if self.skip > 0 {
                    let at_least = self.skip;
                    return Ok((at, Progress::NeedMore { at_least }));
                }
            }
            if self.state == State::Complete {
                return Ok((at, Progress::Complete));
            }
            match self.step(bytes.get(at..).unwrap_or_default())? {
                Step::Consumed(count) => {
                    at += count;
                    self.position = self
                        .position
                        .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                }
                Step::Need(total) => {
                    let there = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX);
                    let at_least = total.saturating_sub(there).max(1);
                    self.missing = at_least;
                    return Ok((at, Progress::NeedMore { at_least }));
                }
            }
        }
    }

    fn step(&mut self, bytes: &[u8]) -> Result<Step, GgufError> {
        match &self.state {
            State::Preamble => self.preamble(bytes),
            State::Pair if self.pairs_left == 0 => {
                self.state = State::Tensor;
                Ok(Step::Consumed(0))
            }
            State::Pair => self.pair(bytes),
            State::Array { .. } => self.array(bytes),
            State::Tensor if self.tensors_left == 0 => {
                alignment(&self.metadata)?;
                self.names = BTreeSet::new();
                self.state = State::Complete;
                Ok(Step::Consumed(0))
            }
            State::Tensor => self.tensor(bytes),
            State::Complete => Ok(Step::Consumed(0)),
        }
    }

    fn preamble(&mut self, bytes: &[u8]) -> Result<Step, GgufError> {
        if let Some(magic) = bytes.first_chunk::<4>()
            && magic != b"GGUF"
        {
            return Err(GgufError::NotGguf { magic: *magic });
        }
        let Some(version) = u32_at(bytes, 4) else {
            return Ok(Step::Need(if bytes.len() < 4 { 4 } else { 8 }));
        };
        if version != 0 && version & 0xffff == 0 {
            return Err(GgufError::BigEndian);
        }
        if !(2..=3).contains(&version) {
            return Err(GgufError::UnsupportedVersion { version });
        }
        let (Some(tensors), Some(pairs)) = (u64_at(bytes, 8), u64_at(bytes, 16)) else {
            return Ok(Step::Need(24));
        };
        self.version = version;
        self.tensors_left = within("tensors", tensors, MAX_COUNT)?;
        self.pairs_left = within("metadata pairs", pairs, MAX_COUNT)?;
        self.state = State::Pair;
        Ok(Step::Consumed(24))
    }

    /// A key, its type and its value, or the head of an array.
    fn pair(&mut self, bytes: &[u8]) -> Result<Step, GgufError> {
        let (key, at) = match self.text(bytes, 0, "key length", MAX_KEY_LENGTH)? {
            Text::Whole(key, end) => (key, end),
            Text::Need(total) => return Ok(Step::Need(total)),
        };
        let Some(id) = u32_at(bytes, at) else {
            return Ok(Step::Need(after(at, 4)));
        };
        let at = at + 4;
        let Some(kind) = WireType::from_id(id) else {
            return Err(GgufError::UnknownValueType {
                key: key.to_string(),
                id,
            });
        };
        if self.metadata.contains_key(key) {
            return Err(GgufError::DuplicateKey {
                key: key.to_string(),
            });
        }
        let tokenizer = key.starts_with("tokenizer.");
        match (kind.width(), kind) {
            (Some(width), _) => {
                let Some(value) = bytes.get(at..at + width).and_then(|raw| kind.decode(raw)) else {
                    return Ok(Step::Need(after(at, width)));
                };
                let key = key.to_string();
                self.insert(key, value);
                Ok(Step::Consumed(at + width))
            }
            (None, WireType::Text) => {
                let Some(length) = u64_at(bytes, at) else {
                    return Ok(Step::Need(after(at, 8)));
                };
                if tokenizer && key != "tokenizer.ggml.model" || length > MAX_KEPT_TEXT {
                    let key = key.to_string();
                    self.skip = within("text length", length, MAX_LENGTH)?;
                    self.insert(key, Value::SkippedText);
                    return Ok(Step::Consumed(at + 8));
                }
                match self.text(bytes, at, "text length", MAX_KEPT_TEXT)? {
                    Text::Whole(text, end) => {
                        let (key, text) = (key.to_string(), text.to_string());
                        self.insert(key, Value::Text(text));
                        Ok(Step::Consumed(end))
                    }
                    Text::Need(total) => Ok(Step::Need(total)),
                }
            }
            (None, _) => {
                let (Some(id), Some(length)) = (u32_at(bytes, at), u64_at(bytes, at + 4)) else {
                    return Ok(Step::Need(after(at, 12)));
                };
                let kind = match WireType::from_id(id) {
                    None => {
                        return Err(GgufError::UnknownValueType {
                            key: key.to_string(),
                            id,
                        });
                    }
                    Some(WireType::Array) => {
                        return Err(GgufError::NestedArray {
                            key: key.to_string(),
                        });
                    }
                    Some(kind) => kind,
                };
                within("array length", length, MAX_LENGTH)?;
                let keep = !tokenizer && kind.is_integral() && length <= MAX_KEPT_ARRAY;
                self.state = State::Array {
                    key: key.to_string(),
                    kind,
                    left: length,
                    kept: keep.then(Vec::new),
                    length,
                };
                Ok(Step::Consumed(at + 12))
            }
        }
    }

    fn insert(&mut self, key: String, value: Value) {
        self.metadata.insert(key, value);
        self.pairs_left -= 1;
        self.state = State::Pair;
    }

    /// As many elements of the current array as the bytes hold.
    fn array(&mut self, bytes: &[u8]) -> Result<Step, GgufError> {
        let State::Array {
            key,
            kind,
            left,
            kept,
            length,
        } = &mut self.state
        else {
            return Ok(Step::Consumed(0));
        };
        let mut at = 0;
        if let Some(width) = kind.width() {
            if let Some(values) = kept {
                while *left > 0
                    && let Some(raw) = bytes.get(at..at + width)
                {
                    values.push(match kind.decode(raw) {
                        Some(Value::Bool(truth)) => i64::from(truth),
                        Some(Value::Unsigned(number)) => i64::try_from(number).unwrap_or(i64::MAX),
                        Some(Value::Negative(number)) => number,
                        _ => 0,
                    });
                    at += width;
                    *left -= 1;
                }
            } else {
                let width = u64::try_from(width).unwrap_or(u64::MAX);
                self.skip = left.saturating_mul(width);
                *left = 0;
            }
            if *left > 0 {
                return Ok(if at > 0 {
                    Step::Consumed(at)
                } else {
                    Step::Need(after(0, width))
                });
            }
        } else {
            while *left > 0 {
                let Some(text_length) = u64_at(bytes, at) else {
                    return Ok(if at > 0 {
                        Step::Consumed(at)
                    } else {
                        Step::Need(8)
                    });
                };
                at += 8;
                *left -= 1;
                match usize::try_from(text_length)
                    .ok()
                    .and_then(|length| at.checked_add(length))
                {
                    Some(end) if end <= bytes.len() => at = end,
                    _ => {
                        self.skip = within("text length", text_length, MAX_LENGTH)?;
                        break;
                    }
                }
            }
            if *left > 0 {
                return Ok(Step::Consumed(at));
            }
        }
        let key = core::mem::take(key);
        let value = match kept.take() {
            Some(values) => Value::Integers(values),
            None => Value::SkippedArray { length: *length },
        };
        self.insert(key, value);
        Ok(Step::Consumed(at))
    }

    fn tensor(&mut self, bytes: &[u8]) -> Result<Step, GgufError> {
        let (name, at) = match self.text(bytes, 0, "tensor name length", MAX_NAME_LENGTH)? {
            Text::Whole(name, end) => (name, end),
            Text::Need(total) => return Ok(Step::Need(total)),
        };
        let Some(rank) = u32_at(bytes, at) else {
            return Ok(Step::Need(after(at, 4)));
        };
        let at = at + 4;
        let invalid = |reason| GgufError::InvalidShape {
            name: name.to_string(),
            reason,
        };
        if rank > 4 {
            return Err(invalid("more than four dimensions"));
        }
        let rank = usize::try_from(rank).unwrap_or(4);
        let mut dimensions = [1; 4];
        let extents = dimensions.iter_mut().take(rank);
        let mut end = at;
        for extent in extents {
            let Some(value) = u64_at(bytes, end) else {
                return Ok(Step::Need(after(at, 8 * rank + 12)));
            };
            *extent = value;
            end += 8;
        }
        let (Some(id), Some(offset)) = (u32_at(bytes, end), u64_at(bytes, end + 4)) else {
            return Ok(Step::Need(after(end, 12)));
        };
        if dimensions.contains(&0) {
            return Err(invalid("a dimension of 0"));
        }
        let Some(tensor_type) = TensorType::from_id(id) else {
            return Err(GgufError::UnknownTensorType {
                name: name.to_string(),
                id,
            });
        };
        if !dimensions[0].is_multiple_of(tensor_type.block_elements()) {
            return Err(invalid("a row that is not a whole number of blocks"));
        }
        let Some(tensor) = Tensor::new(name.to_string(), dimensions, tensor_type)
            .filter(|tensor| offset.checked_add(tensor.bytes()).is_some())
        else {
            return Err(invalid("a size beyond 2^64 bytes"));
        };
        if !self.names.insert(tensor.name.clone()) {
            return Err(GgufError::DuplicateTensor { name: tensor.name });
        }
        self.tensors.push(TensorInfo { tensor, offset });
        self.tensors_left -= 1;
        Ok(Step::Consumed(end + 12))
    }

    /// The length-prefixed text at `at`, and where it ends.
    fn text<'a>(
        &self,
        bytes: &'a [u8],
        at: usize,
        what: &'static str,
        limit: u64,
    ) -> Result<Text<'a>, GgufError> {
        let Some(length) = u64_at(bytes, at) else {
            return Ok(Text::Need(after(at, 8)));
        };
        let length = within(what, length, limit)?;
        // `limit` is small: the sum cannot overflow.
        let end = at + 8 + usize::try_from(length).unwrap_or(usize::MAX / 2);
        let Some(raw) = bytes.get(at + 8..end) else {
            return Ok(Text::Need(after(end, 0)));
        };
        let position = self
            .position
            .saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
        let text = core::str::from_utf8(raw).map_err(|_| GgufError::NotUtf8 { position })?;
        Ok(Text::Whole(text, end))
    }
}

enum Text<'a> {
    Whole(&'a str, usize),
    Need(u64),
}

fn after(at: usize, more: usize) -> u64 {
    u64::try_from(at.saturating_add(more)).unwrap_or(u64::MAX)
}

fn within(what: &'static str, value: u64, limit: u64) -> Result<u64, GgufError> {
    if value > limit {
        Err(GgufError::Absurd { what, value, limit })
    } else {
        Ok(value)
    }
}

/// `general.alignment`, a power of two.
fn alignment(metadata: &BTreeMap<String, Value>) -> Result<u64, GgufError> {
    let alignment = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(value) => value.as_u64().unwrap_or(0),
    };
    if alignment.is_power_of_two() && alignment <= MAX_ALIGNMENT {
        Ok(alignment)
    } else {
        Err(GgufError::InvalidAlignment { alignment })
    }
}

/// Reads the header of a file that is in memory from its start on.
///
/// # Errors
/// Where the bytes are no GGUF header, or end before it does.
pub fn read_header(bytes: &[u8]) -> Result<Header, GgufError> {
    let mut reader = HeaderReader::new();
    reader.feed(bytes)?;
    reader.finish()
}
