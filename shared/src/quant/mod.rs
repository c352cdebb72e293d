//! How weights are stored, and the exact bytes of each format.

mod tensor_type;

pub use tensor_type::TensorType;
