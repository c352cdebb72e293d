//! The pages of benchmark results are those that the command writes.

#[path = "../../examples/benchmark-results/render.rs"]
mod render;

use std::path::Path;

use shared::text::Language;

#[test]
fn the_pages_are_up_to_date() {
    for language in [Language::Ja, Language::En] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../docs")
            .join(render::file_name(language));
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let page = render::page(language).unwrap();
        if written == page {
            continue;
        }
        assert!(
            std::env::var_os("UPDATE_GOLDEN").is_some(),
            "{} is out of date: cargo xtask bench-results",
            path.display()
        );
        std::fs::write(&path, page).unwrap();
    }
}
