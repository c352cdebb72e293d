//! How weights are stored, and the exact bytes of each format.

mod file_type;
mod mix;
mod tensor_type;

pub use file_type::FileType;
pub use mix::{QuantizeError, quantize};
pub use tensor_type::TensorType;
