//! GGUF: the header of a model file, read as its bytes come.
//!
//! Layout after ggml 0.26.0, `gguf.h` and `gguf.cpp`: magic, version, number of tensors and of
//! metadata pairs, the pairs, the tensor infos, padding, data. Only the header is ever read.

mod architecture;
mod beside;
mod error;
mod geometry;
mod header;
mod reader;
mod value;
mod wire;

pub use beside::{read_adapter, read_projector};
pub use error::GgufError;
pub use geometry::read_model;
pub use header::{Header, Split, TensorInfo};
pub use reader::{HeaderReader, Progress, read_header};
pub use value::Value;
