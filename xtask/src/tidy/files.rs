//! The project's own text files: short enough to be read, and clean at the ends of their lines.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::process::Task;
use crate::progress::note;
use crate::workspace::Workspace;

/// Source files longer than this are split.
const LINES: usize = 800;
const CODE: [&str; 4] = ["rs", "mjs", "js", "css"];
const TEXT: [&str; 7] = ["md", "toml", "html", "yml", "yaml", "svg", "txt"];

pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let list = Task::new("git")
        .words("ls-files --cached --others --exclude-standard -z")
        .folder(workspace.root())
        .cure("this check lists the files with git: run it in a git checkout")
        .read()?;
    let mut faults = Vec::new();
    let mut count = 0_usize;
    for name in list.split('\0').map(Path::new).filter(|name| is_ours(name)) {
        // A file that git knows may have been deleted or moved a moment ago.
        let Ok(text) = fs::read_to_string(workspace.root().join(name)) else {
            continue;
        };
        count += 1;
        faults.extend(fault(name, &text));
    }
    if faults.is_empty() {
        note(&format!("{count} files are in order"));
        return Ok(());
    }
    Err(Failure::new(
        faults.join("; "),
        "split long files by reasons to change; trim line ends",
    ))
}

fn is_ours(name: &Path) -> bool {
    let ending = name
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    let is_data = name
        .iter()
        .any(|part| part == "data" || part == "golden" || part == "truth");
    (CODE.contains(&ending) || TEXT.contains(&ending)) && !is_data
}

fn fault(name: &Path, text: &str) -> Option<String> {
    let shown = name.display();
    let code = name
        .extension()
        .is_some_and(|ending| CODE.iter().any(|code| ending == *code));
    let lines = text.lines().count();
    if code && lines > LINES {
        return Some(format!("{shown} has {lines} lines, {LINES} are the most"));
    }
    if text.contains('\r') {
        return Some(format!("{shown} has carriage returns"));
    }
    // Two spaces at the end of a line are a line break in Markdown.
    let trailing = |line: &&str| line.ends_with([' ', '\t']) && !line.ends_with("  ");
    if let Some(line) = text.lines().position(|line| trailing(&line)) {
        return Some(format!("{shown}:{} ends in white space", line + 1));
    }
    (!text.is_empty() && !text.ends_with('\n')).then(|| format!("{shown} lacks a last line end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_with_their_place() {
        let fault = |name: &str, text: &str| fault(Path::new(name), text);
        assert_eq!(fault("a.rs", "fine\n"), None);
        assert_eq!(
            fault("a.rs", "x\ny \n").unwrap(),
            "a.rs:2 ends in white space"
        );
        assert_eq!(fault("a.rs", "x").unwrap(), "a.rs lacks a last line end");
        assert!(
            fault("a.rs", &"\n".repeat(801))
                .unwrap()
                .contains("801 lines")
        );
        assert_eq!(fault("a.md", &"\n".repeat(801)), None);
        assert!(fault("a.md", "x\r\n").unwrap().contains("carriage"));
    }

    #[test]
    fn data_is_left_alone() {
        assert!(!is_ours(Path::new("shared/tests/data/a.toml")));
        assert!(!is_ours(Path::new("logo.png")));
        assert!(is_ours(Path::new("shared/src/lib.rs")));
    }
}
