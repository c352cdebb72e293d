//! Where models are known from. Every reader takes bytes and gives a
//! [`Model`](crate::model::Model); none does I/O or knows an engine.

pub mod gguf;
pub mod hf;
pub mod manual;
