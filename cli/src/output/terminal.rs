//! Where answers, warnings and errors go.

use std::fmt;
use std::io::{self, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use shared::text::{Language, UserMessage};

use super::json;

/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// A precision.
pub(crate) const PRECISION: Style = AnsiColor::Cyan.on_default().bold();
/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What needs attention.
pub(crate) const ATTENTION: Style = AnsiColor::Yellow.on_default().bold();
/// What may be read later.
pub(crate) const ASIDE: Style = Style::new().dimmed();

/// The terminal: language, form, and the streams, coloured only where that is welcome
/// (a terminal, and neither `NO_COLOR` nor `TERM=dumb`).
pub(crate) struct Terminal {
    /// The language for people.
    pub(crate) language: Language,
    /// Whether answers are JSON.
    pub(crate) json: bool,
    out: AutoStream<StdoutLock<'static>>,
}

impl Terminal {
    /// The terminal of this process.
    pub(crate) fn new(language: Language, json: bool) -> Self {
        Self {
            language,
            json,
            out: anstream::stdout().lock(),
        }
    }

    /// Writes text of the answer.
    ///
    /// # Errors
    /// Where nobody reads it any more.
    pub(crate) fn write(&mut self, text: impl fmt::Display) -> io::Result<()> {
        write!(self.out, "{text}")
    }

    /// Writes an answer as one line of JSON.
    ///
    /// # Errors
    /// Where nobody reads it any more.
    pub(crate) fn write_json(&mut self, answer: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(answer)?;
        writeln!(self.out, "{line}")
    }

    /// Tells of something to know beside the answer.
    pub(crate) fn warn(&mut self, message: &str) {
        let message = one_line(message);
        let label = self.language.pick("注意", "note");
        // Where nobody reads warnings, the answer is still wanted.
        let _ = writeln!(
            anstream::stderr(),
            "{ATTENTION}{label}:{ATTENTION:#} {message}"
        );
    }

    /// Tells of an error: what and why on one line, what to do on the next.
    pub(crate) fn fail(&mut self, error: &dyn UserMessage) {
        let message = one_line(&error.message(self.language));
        let hint = one_line(&error.hint(self.language));
        let (what, cure) = self.language.pick(("エラー", "対処"), ("error", "hint"));
        if self.json {
            let answer = json::Failed::new(error.code(), &message, &hint);
            // The exit status and the lines below tell the same.
            let _ = self.write_json(&answer);
        }
        let _ = writeln!(
            anstream::stderr(),
            "{BAD}{what}:{BAD:#} {message}\n{ATTENTION}{cure}:{ATTENTION:#} {hint}"
        );
    }
}

/// The text with control characters, which names may hold, made visible.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}
