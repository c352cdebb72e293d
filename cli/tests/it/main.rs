//! Tests of the program, as a person or another program calls it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests too"
)]

mod benchmark_results;
mod engine_plans;
mod fixture;
mod gguf_file;
mod golden;
mod gpu;
mod schema;
