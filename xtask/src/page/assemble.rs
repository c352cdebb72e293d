//! The site: `index.html` with its directives followed, and the files that it names.

use std::fs;
use std::path::{Path, PathBuf};

use super::directive::{self, Directive};
use super::folder::{copy, empty, read};
use super::name::by_content;
use super::wasm::Bound;
use crate::failure::Failure;

/// Writes the whole folder anew, from the `index.html` at the root of the checkout.
pub(super) fn assemble(root: &Path, bound: &Bound, folder: &Path) -> Result<(), Failure> {
    let html = String::from_utf8_lossy(&read(&root.join("index.html"))?).into_owned();
    empty(folder)?;
    let site = Site { root, folder };
    let html = directive::replace(&html, |directive| site.follow(directive, bound))?;
    site.write("index.html", html.as_bytes())
}

struct Site<'a> {
    root: &'a Path,
    folder: &'a Path,
}

impl Site<'_> {
    /// Does what a directive says; gives the HTML that takes its place.
    fn follow(&self, directive: &Directive<'_>, bound: &Bound) -> Result<String, Failure> {
        let kind = directive.attribute("rel").unwrap_or_default();
        if kind == "rust" {
            return self.program(bound);
        }
        let Some(href) = directive.attribute("href") else {
            return Err(Failure::new(
                format!("a directive rel=\"{kind}\" in index.html has no href"),
                "name the file in href, or remove the directive",
            ));
        };
        let source = self.root.join(href);
        match kind {
            "css" => Ok(format!(
                "<link rel=\"stylesheet\" href=\"./{}\">",
                self.keep(&source)?
            )),
            "icon" => Ok(format!(
                "<link rel=\"icon\" href=\"./{}\">",
                self.keep(&source)?
            )),
            "inline" => {
                let text = String::from_utf8_lossy(&read(&source)?).into_owned();
                match source.extension().and_then(|ending| ending.to_str()) {
                    Some("css") => Ok(format!("<style>{text}</style>")),
                    Some("js") => Ok(format!("<script>{text}</script>")),
                    Some("mjs") => Ok(format!("<script type=\"module\">{text}</script>")),
                    _ => Ok(text),
                }
            }
            "copy-file" | "copy-dir" => {
                let asked = directive.attribute("data-target-path").unwrap_or_default();
                let name = source.file_name().map(PathBuf::from).unwrap_or_default();
                let place = if kind == "copy-dir" && !asked.is_empty() {
                    PathBuf::from(asked)
                } else {
                    Path::new(asked).join(name)
                };
                copy(&source, &self.folder.join(place))?;
                Ok(String::new())
            }
            _ => Err(Failure::new(
                format!("index.html has a directive rel=\"{kind}\", which xtask does not know"),
                "use rust, css, icon, inline, copy-file or copy-dir, or teach it to \
                 xtask/src/page/assemble.rs",
            )),
        }
    }

    /// The program and its JavaScript. The script starts itself, so that a content security
    /// policy needs no exception for inline scripts.
    fn program(&self, bound: &Bound) -> Result<String, Failure> {
        let snippets = bound.folder.join("snippets");
        if snippets.is_dir() {
            copy(&snippets, &self.folder.join("snippets"))?;
        }
        let program = self.keep(&bound.program)?;
        let mut script = String::from_utf8_lossy(&read(&bound.script)?).into_owned();
        script.push_str(&format!(
            "\n__wbg_init({{ module_or_path: new URL('{program}', import.meta.url) }});\n"
        ));
        let script_name = by_content(&bound.script, script.as_bytes());
        self.write(&script_name, script.as_bytes())?;
        Ok(format!(
            "<link rel=\"preload\" href=\"./{program}\" as=\"fetch\" type=\"application/wasm\" \
             crossorigin>\n    <script type=\"module\" src=\"./{script_name}\"></script>"
        ))
    }

    /// Copies a file under a name by its content; gives the name.
    fn keep(&self, source: &Path) -> Result<String, Failure> {
        let content = read(source)?;
        let name = by_content(source, &content);
        self.write(&name, &content)?;
        Ok(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(name);
        fs::write(&path, content).map_err(|error| Failure::file("write", &path, &error))
    }
}
