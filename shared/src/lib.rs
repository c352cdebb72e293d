//! The calculation behind LLM-Lander: how long a context fits in the VRAM that is free.
//!
//! Data flows one way: [`source`] reads what is known of a model, [`model`] holds it,
//! [`engine`] plans the bytes that an inference engine allocates for it, and [`fit`] inverts
//! that plan. Nothing here does I/O, knows a clock or a browser, or uses floating point where
//! an integer is exact. All sizes are `u64` bytes.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod catalogue;
pub mod engine;
pub mod fit;
pub mod gpu;
pub mod model;
pub mod quant;
pub mod source;
pub mod text;
