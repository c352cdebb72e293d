//! The page's components, run as WebAssembly in a headless browser.

use std::fs;
use std::path::{Path, PathBuf};

use super::tally::Tally;
use crate::failure::Failure;
use crate::install;
use crate::install::browser::{Browser, FLAGS};
use crate::page;
use crate::process::Task;
use crate::workspace::{WASM, Workspace};

pub(super) fn run(workspace: &Workspace, tally: &mut Tally) -> Result<(), Failure> {
    install::rust::target(WASM)?;
    let browser = install::browser::browser()?;
    let runner = page::test_runner(workspace)?;
    Task::cargo()
        .words("test --no-fail-fast --package llm-lander-app --target")
        .arg(WASM)
        .folder(workspace.root())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner)
        .env("WASM_BINDGEN_TEST_ONLY_WEB", "1")
        .env(
            "WASM_BINDGEN_TEST_WEBDRIVER_JSON",
            capabilities(workspace, &browser)?,
        )
        .env("CHROMEDRIVER", &browser.driver)
        .cure("the failing tests are named above, with what the browser's console said")
        .run_listening(|line| tally.hear(line))?;
    if tally.is_empty() {
        return Err(Failure::new(
            "no browser test ran",
            "look for #[wasm_bindgen_test] in app/",
        ));
    }
    Ok(())
}

/// Writes down for the driver which browser to start, and how.
fn capabilities(workspace: &Workspace, browser: &Browser) -> Result<PathBuf, Failure> {
    let path = workspace.target().join("webdriver.json");
    let flags: Vec<String> = FLAGS.iter().map(|flag| quoted(flag)).collect();
    let text = format!(
        "{{\"goog:chromeOptions\": {{\"binary\": {}, \"args\": [{}]}}}}\n",
        quoted_path(&browser.chromium),
        flags.join(", ")
    );
    fs::write(&path, text).map_err(|error| Failure::file("write", &path, &error))?;
    Ok(path)
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A JSON string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn windows_paths_survive_json() {
        assert_eq!(quoted(r"C:\a b\c.exe"), r#""C:\\a b\\c.exe""#);
    }
}
