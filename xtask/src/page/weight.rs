//! How much a reader's browser fetches for the first answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::progress::note;

/// The budget for all that the first answer needs, compressed with brotli: bytes, and requests.
const BUDGET: u64 = 120_000;
const REQUESTS: usize = 5;
/// What the page may weigh while it is above the budget. It is only ever lowered: to what the page
/// weighs, and a few percent more.
const CEILING: u64 = 232_000;

/// Says what the finished page weighs, and fails where that is more than it may be.
pub(crate) fn check(dist: &Path) -> Result<(), Failure> {
    let files = files(dist)?;
    let fetched = fetched(&files);
    let total: u64 = fetched.values().sum();
    for (name, bytes) in &fetched {
        note(&format!("{bytes:>9} bytes  {name}"));
    }
    let requests = fetched.len();
    note(&format!(
        "{total:>9} bytes in {requests} requests; the budget is {BUDGET} in {REQUESTS}"
    ));
    if total > BUDGET {
        note(&format!(
            "{:>9} bytes too many; {CEILING} are tolerated for now",
            total - BUDGET
        ));
    }
    if total <= CEILING && requests <= REQUESTS {
        return Ok(());
    }
    Err(Failure::new(
        format!("the page takes {total} bytes in {requests} requests"),
        format!(
            "it may take {CEILING} bytes in {REQUESTS} requests: load later what the first answer \
             does not need"
        ),
    ))
}

/// A file of the page: its content, and what it weighs on the wire.
struct File {
    content: Vec<u8>,
    wire: u64,
}

fn files(dist: &Path) -> Result<BTreeMap<String, File>, Failure> {
    let entries = fs::read_dir(dist).map_err(|error| Failure::file("read", dist, &error))?;
    let mut files = BTreeMap::new();
    for path in entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let content = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        let compressed = dist.join(format!("{name}.br"));
        let wire = compressed
            .metadata()
            .or_else(|_| path.metadata())
            .map_or(0, |data| data.len());
        files.insert(name, File { content, wire });
    }
    Ok(files)
}

/// `index.html` and every file that it names, and those that these name, with their weight.
fn fetched(files: &BTreeMap<String, File>) -> BTreeMap<&str, u64> {
    let mut fetched = BTreeMap::new();
    let mut open = vec!["index.html"];
    while let Some(name) = open.pop() {
        let Some((name, file)) = files.get_key_value(name) else {
            continue;
        };
        if fetched.insert(name.as_str(), file.wire).is_some() || name.ends_with(".wasm") {
            continue;
        }
        let text = String::from_utf8_lossy(&file.content);
        let text = without_later(&text);
        open.extend(
            files
                .keys()
                .map(String::as_str)
                .filter(|other| text.contains(*other)),
        );
    }
    fetched
}

/// The text without the names of what is only fetched when it is needed.
fn without_later(text: &str) -> String {
    let mut parts = text.split(" data-whole");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // `="NAME"` or `-program="NAME"`, and what follows.
        kept.push_str(part.splitn(3, '"').nth(2).unwrap_or_default());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fetched_later_does_not_count() {
        let text = "<script src=\"a.js\" data-whole=\"b.js\" data-whole-program=\"b.wasm\">c";
        assert_eq!(without_later(text), "<script src=\"a.js\">c");
    }

    #[test]
    fn what_is_named_counts_once() {
        let file = |content: &str, wire| File {
            content: content.as_bytes().to_vec(),
            wire,
        };
        let files = BTreeMap::from([
            ("index.html".to_owned(), file("src=./app.js index.html", 10)),
            (
                "app.js".to_owned(),
                file("new URL('app_bg.wasm') './app.js'", 20),
            ),
            ("app_bg.wasm".to_owned(), file("later.json", 40)),
            ("later.json".to_owned(), file("{}", 80)),
        ]);
        let fetched = fetched(&files);
        assert_eq!(fetched.len(), 3);
        assert_eq!(fetched.values().sum::<u64>(), 70);
    }
}
