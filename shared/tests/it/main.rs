//! Tests of the calculation against what the engines themselves allocate.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    unreachable_pub,
    reason = "a test says what it expects by failing"
)]

mod accuracy;
mod autofit_cases;
mod config_facts;
mod config_tensors;
mod data;
mod gguf_bytes;
mod gguf_geometry;
mod gguf_reader;
mod inversion;
mod llama_cpp_architectures;
mod llama_cpp_autofit;
mod llama_cpp_cases;
mod llama_cpp_logs;
mod llama_cpp_prediction;
mod llama_cpp_random;
mod llama_cpp_runtime;
mod llama_cpp_truth;
mod parameters;
mod quantize;
mod quantized_checkpoints;
mod vllm_truth;
