//! Tests of the calculation against what the engines themselves allocate.

mod data;
mod llama_cpp_cases;
mod llama_cpp_truth;
