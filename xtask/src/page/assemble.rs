//! The site: `index.html` with its directives followed, and the files that it names.

use std::fs;
use std::path::{Path, PathBuf};

use super::directive::{self, Directive};
use super::folder::{copy, empty, read};
use super::name::by_content;
use super::wasm::Bound;
use crate::failure::Failure;

/// Writes the whole folder anew, from the `index.html` at the root of the checkout.
/// The page opens with the program `first` where there is one, and with the whole one elsewhere.
pub(super) fn assemble(
    root: &Path,
    whole: &Bound,
    first: Option<&Bound>,
    folder: &Path,
) -> Result<(), Failure> {
    let html = String::from_utf8_lossy(&read(&root.join("index.html"))?).into_owned();
    empty(folder)?;
    let site = Site { root, folder };
    let html = directive::replace(&html, |directive| site.follow(directive, whole, first))?;
    site.write("index.html", html.as_bytes())
}

struct Site<'a> {
    root: &'a Path,
    folder: &'a Path,
}

impl Site<'_> {
    /// Does what a directive says; gives the HTML that takes its place.
    fn follow(
        &self,
        directive: &Directive<'_>,
        whole: &Bound,
        first: Option<&Bound>,
    ) -> Result<String, Failure> {
        let kind = directive.attribute("rel").unwrap_or_default();
        if kind == "rust" {
            return self.programs(whole, first);
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

    /// The script that starts the page. Programs are named for the service worker, and not
    /// preloaded: they would be in the way of the answer that stands in the HTML.
    fn programs(&self, whole: &Bound, first: Option<&Bound>) -> Result<String, Failure> {
        let (script, program) = self.program(first.unwrap_or(whole))?;
        let mut tag =
            format!("<script type=\"module\" src=\"./{script}\" data-program=\"./{program}\"");
        if first.is_some() {
            let (script, program) = self.program(whole)?;
            tag.push_str(&format!(
                " data-whole=\"./{script}\" data-whole-program=\"./{program}\""
            ));
        }
        tag.push_str("></script>");
        Ok(tag)
    }

    /// A program and its JavaScript, by their names. The script starts itself, so that a content
    /// security policy needs no exception for inline scripts.
    fn program(&self, bound: &Bound) -> Result<(String, String), Failure> {
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
        Ok((script_name, program))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkout with this `index.html` and a few files, and what becomes of it.
    fn assembled(name: &str, html: &str) -> (Result<(), Failure>, PathBuf) {
        let place = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        let (root, bound) = (place.join("root"), place.join("bound"));
        fs::create_dir_all(root.join("static/icons")).unwrap();
        fs::create_dir_all(bound.join("snippets/a")).unwrap();
        fs::write(root.join("index.html"), html).unwrap();
        fs::write(root.join("style.css"), "p{}").unwrap();
        fs::write(root.join("static/icons/a.svg"), "<svg/>").unwrap();
        fs::write(bound.join("app.js"), "async function __wbg_init() {}").unwrap();
        fs::write(bound.join("app_bg.wasm"), "\0asm").unwrap();
        fs::write(bound.join("snippets/a/b.js"), "").unwrap();
        let bound = Bound {
            script: bound.join("app.js"),
            program: bound.join("app_bg.wasm"),
            folder: bound,
        };
        (assemble(&root, &bound, None, &place.join("site")), place)
    }

    #[test]
    fn every_directive_is_followed() {
        let html = "<link data-trunk rel=\"rust\" href=\"app/Cargo.toml\">\n\
            <link data-trunk rel=\"css\" href=\"style.css\">\n\
            <link data-trunk rel=\"inline\" href=\"style.css\">\n\
            <link data-trunk rel=\"copy-dir\" href=\"static/icons\">\n\
            <link data-trunk rel=\"copy-file\" href=\"style.css\" data-target-path=\"deep/er\">\n";
        let (result, place) = assembled("directives", html);
        result.unwrap();
        let site = place.join("site");
        let index = fs::read_to_string(site.join("index.html")).unwrap();
        assert!(!index.contains("data-trunk"), "{index}");
        assert!(index.contains("<style>p{}</style>"), "{index}");
        for path in ["icons/a.svg", "deep/er/style.css", "snippets/a/b.js"] {
            assert!(site.join(path).is_file(), "{path}");
        }
        let named: Vec<&str> = index
            .split('"')
            .filter_map(|text| text.strip_prefix("./"))
            .collect();
        assert_eq!(named.len(), 3, "{index}");
        for name in &named {
            assert!(site.join(name).is_file(), "{name}");
        }
        let script = named.iter().find(|name| name.ends_with(".js")).unwrap();
        let program = named.iter().find(|name| name.ends_with(".wasm")).unwrap();
        let script = fs::read_to_string(site.join(script)).unwrap();
        assert!(script.contains(&format!(
            "__wbg_init({{ module_or_path: new URL('{program}'"
        )));
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn an_unknown_directive_is_refused_by_name() {
        let (result, place) = assembled("unknown", "<link data-trunk rel=\"sass\" href=\"a\">");
        assert!(result.unwrap_err().to_string().contains("rel=\"sass\""));
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let (result, place) = assembled("missing", "<link data-trunk rel=\"css\" href=\"no.css\">");
        assert!(result.unwrap_err().to_string().contains("no.css"));
        fs::remove_dir_all(place).unwrap();
    }
}
