//! Every dependency has a licence that `deny.toml` allows.

use std::collections::BTreeSet;
use std::fs;

use crate::failure::Failure;
use crate::process::Task;
use crate::progress::note;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Result<(), Failure> {
    let path = workspace.root().join("deny.toml");
    let text = fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error))?;
    let allowed = allowed(&text);
    let tree = Task::cargo()
        .words("tree --workspace --all-features --target all --edges normal,build,dev")
        .words("--prefix none --format {p}|{l}")
        .folder(workspace.root())
        .read()?;
    let packages: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)").trim())
        .filter(|line| !line.is_empty())
        .collect();
    let refused: Vec<String> = packages
        .iter()
        .filter_map(|line| line.split_once('|'))
        .filter(|(_, licence)| !permits(licence, &allowed))
        .map(|(package, licence)| format!("{package}: {licence}"))
        .collect();
    if refused.is_empty() {
        note(&format!(
            "licences of {} packages are allowed",
            packages.len()
        ));
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "licences that deny.toml does not allow: {}",
            refused.join("; ")
        ),
        "use another package, or add the licence to deny.toml if it asks no more than MIT does",
    ))
}

/// The names in the `allow` list of the `[licenses]` table.
fn allowed(deny: &str) -> BTreeSet<String> {
    let table = deny.split("[licenses]").nth(1).unwrap_or_default();
    let list = table.split_once("allow = [").map_or("", |(_, list)| list);
    let list = list.split_once(']').map_or("", |(list, _)| list);
    list.lines()
        .flat_map(|line| line.split('#').next().unwrap_or_default().split(','))
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether an SPDX expression can be met with allowed licences only.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let verdict = any(&mut rest, allowed);
    verdict && rest.is_empty()
}

/// `A OR B OR …`
fn any(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut verdict = all(words, allowed);
    while let Some((&"OR", rest)) = words.split_first() {
        *words = rest;
        // Both sides are read, whatever the first one says.
        verdict |= all(words, allowed);
    }
    verdict
}

/// `A AND B AND …`, which binds closer.
fn all(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut verdict = one(words, allowed);
    while let Some((&"AND", rest)) = words.split_first() {
        *words = rest;
        verdict &= one(words, allowed);
    }
    verdict
}

/// A name, a name with an exception, or an expression in parentheses.
fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let Some((&first, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    if first == "(" {
        let verdict = any(words, allowed);
        let Some((&")", rest)) = words.split_first() else {
            return false;
        };
        *words = rest;
        return verdict;
    }
    let mut name = first.to_owned();
    if let ["WITH", exception, rest @ ..] = *words {
        name = format!("{name} WITH {exception}");
        *words = rest;
    }
    allowed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> BTreeSet<String> {
        allowed(
            "[bans]\nallow = [\"x\"]\n[licenses]\nversion = 2\nallow = [\n  \"MIT\", # short\n  \"Zlib\",\n  \"Apache-2.0 WITH LLVM-exception\",\n]\n",
        )
    }

    #[test]
    fn the_list_is_read() {
        assert_eq!(
            list().into_iter().collect::<Vec<_>>(),
            ["Apache-2.0 WITH LLVM-exception", "MIT", "Zlib"]
        );
    }

    #[test]
    fn expressions_are_weighed() {
        for (expression, verdict) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("", false),
            ("MIT OR GPL-3.0", true),
            ("GPL-3.0/MIT", true),
            ("MIT AND GPL-3.0", false),
            ("(MIT OR GPL-3.0) AND Zlib", true),
            ("(MIT OR GPL-3.0) AND ISC", false),
            ("GPL-3.0 OR MIT AND ISC", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("Apache-2.0", false),
            ("(MIT", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(permits(expression, &list()), verdict, "{expression}");
        }
    }
}
