//! Colours of the terminal, where there is one that wants them.

use std::env;
use std::io::{IsTerminal, stdout};

/// Whether the output goes to a person's terminal that shows colours.
pub(crate) fn coloured() -> bool {
    stdout().is_terminal() && env::var_os("NO_COLOR").is_none()
}

pub(crate) fn bold(text: &str) -> String {
    paint("1", text)
}

pub(crate) fn dim(text: &str) -> String {
    paint("2", text)
}

pub(crate) fn green(text: &str) -> String {
    paint("32", text)
}

pub(crate) fn red(text: &str) -> String {
    paint("1;31", text)
}

fn paint(code: &str, text: &str) -> String {
    if coloured() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// The text without the escape sequences that set colours.
pub(crate) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find("\u{1b}[") {
        text.push_str(&rest[..start]);
        let sequence = &rest[start + 2..];
        let end = sequence.find(|c: char| c.is_ascii_alphabetic());
        rest = end.map_or("", |end| &sequence[end + 1..]);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn colours_are_dropped() {
        assert_eq!(
            plain("\u{1b}[1m\u{1b}[32mok\u{1b}[0m. 3 passed"),
            "ok. 3 passed"
        );
        assert_eq!(plain("nothing"), "nothing");
        assert_eq!(plain("cut \u{1b}[3"), "cut ");
    }
}
