//! What our plans are off by, measured and written down.

mod inversion;
mod measure;
mod page;
mod plot;
mod rules;
mod spread;

use std::fs;
use std::path::{Path, PathBuf};

use shared::text::Language;

/// Names the command in the line that the part written here begins with.
const MARK: &str = "bench-accuracy";

/// The pages and pictures as they should be, by their paths.
pub fn files() -> Vec<(PathBuf, String)> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let samples = measure::samples();
    let inversions = inversion::inversions();
    let mut files = Vec::new();
    for language in [Language::Ja, Language::En] {
        let suffix = language.pick("", "_en");
        let name = docs.join(format!("benchmark_results{suffix}.md"));
        let page = fs::read_to_string(&name).unwrap();
        let mark = page.find(MARK).and_then(|mark| page[..mark].rfind("<!--"));
        let kept = mark.map_or(page.as_str(), |start| &page[..start]);
        let own = page::section(&samples, &inversions, language);
        files.push((name, format!("{}\n\n{own}", kept.trim_end())));
        let picture = |name: &str| docs.join(format!("images/{name}{suffix}.svg"));
        files.push((picture("accuracy_within"), plot::within(&samples, language)));
        files.push((
            picture("accuracy_longest"),
            plot::longest(&inversions, language),
        ));
    }
    files
}
