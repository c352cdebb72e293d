//! Writes what our plans are off by into the pages of benchmark results, with their plots.
//!
//! `cargo xtask bench-accuracy` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    reason = "it stops where its own data is broken"
)]

#[allow(dead_code)]
#[path = "../../tests/it/autofit_cases.rs"]
mod autofit_cases;
#[path = "../../tests/it/data.rs"]
mod data;
#[allow(dead_code)]
#[path = "../../tests/it/llama_cpp_cases.rs"]
mod llama_cpp_cases;
mod report;

fn main() -> std::io::Result<()> {
    for (path, text) in report::files() {
        std::fs::write(&path, text)?;
        println!("{}", path.display());
    }
    Ok(())
}
