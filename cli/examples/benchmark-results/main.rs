//! Writes `docs/benchmark_results.md` and `docs/benchmark_results_en.md`: what the original
//! program answered, what this one does, and what the engine itself finds.
//!
//! `cargo xtask bench-results`

mod render;

use std::path::Path;
use std::process::ExitCode;

use shared::text::Language;

fn main() -> ExitCode {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for language in [Language::Ja, Language::En] {
        let path = docs.join(render::file_name(language));
        let written = render::page(language)
            .and_then(|page| std::fs::write(&path, page).map_err(|error| error.to_string()));
        match written {
            Ok(()) => println!("{}", path.display()),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
