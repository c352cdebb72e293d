//! How weights are stored, and the exact bytes of each format.

mod file_type;
mod linear;
mod mix;
mod pack;
mod packing;
mod tensor_type;

pub use file_type::FileType;
pub use linear::Linear;
pub(crate) use linear::stays_in_f32;
pub use mix::{QuantizeError, quantize};
pub use pack::{pack, unpack};
pub use packing::{
    Awq, Exl2, Exl3, Fp8, Gptq, Hqq, Int8, Mxfp4, Mxfp8, Nf4, Nvfp4, PackedIntegers, Packing,
    Parts, ScaleOf, ScaledInt8,
};
pub use tensor_type::TensorType;
