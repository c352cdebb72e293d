//! The scalar types of GGUF metadata on the wire: little-endian.

use super::value::Value;

/// Type numbers of metadata values (`gguf_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    Array,
    U64,
    I64,
    F64,
}

impl WireType {
    pub(super) fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            8 => Self::Text,
            9 => Self::Array,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one value; `None` for texts and arrays.
    pub(super) fn width(self) -> Option<usize> {
        Some(match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::Text | Self::Array => return None,
        })
    }

    /// Whether arrays of the type hold integers or truth values.
    pub(super) fn is_integral(self) -> bool {
        !matches!(self, Self::F32 | Self::F64 | Self::Text | Self::Array)
    }

    /// The value of these bytes, which must be [`width`](Self::width) long.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Value> {
        Some(match self {
            Self::U8 => Value::Unsigned(u64::from(*bytes.first()?)),
            Self::Bool => Value::Bool(*bytes.first()? != 0),
            Self::I8 => integer(i64::from(i8::from_le_bytes(array(bytes)?))),
            Self::U16 => Value::Unsigned(u64::from(u16::from_le_bytes(array(bytes)?))),
            Self::I16 => integer(i64::from(i16::from_le_bytes(array(bytes)?))),
            Self::U32 => Value::Unsigned(u64::from(u32::from_le_bytes(array(bytes)?))),
            Self::I32 => integer(i64::from(i32::from_le_bytes(array(bytes)?))),
            Self::U64 => Value::Unsigned(u64::from_le_bytes(array(bytes)?)),
            Self::I64 => integer(i64::from_le_bytes(array(bytes)?)),
            Self::F32 => Value::Float(f64::from(f32::from_le_bytes(array(bytes)?))),
            Self::F64 => Value::Float(f64::from_le_bytes(array(bytes)?)),
            Self::Text | Self::Array => return None,
        })
    }
}

fn integer(number: i64) -> Value {
    u64::try_from(number).map_or(Value::Negative(number), Value::Unsigned)
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.get(..N)?.try_into().ok()
}

/// The `u32` at `offset`.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(array(bytes.get(offset..)?)?))
}

/// The `u64` at `offset`.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(array(bytes.get(offset..)?)?))
}
