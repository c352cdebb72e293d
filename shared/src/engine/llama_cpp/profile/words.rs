//! Words of a command line.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub(super) use crate::engine::shell::quote;

/// A command line as it grows.
pub(super) struct Words(Vec<String>);

impl Words {
    /// The program alone.
    pub(super) fn new(program: &str) -> Self {
        Self(Vec::from([program.to_string()]))
    }

    /// Adds a word.
    pub(super) fn word(&mut self, word: &str) {
        self.0.push(quote(word));
    }

    /// Adds an option with its value.
    pub(super) fn option(&mut self, name: &str, value: &str) {
        self.word(name);
        self.word(value);
    }

    /// Adds an option with a number.
    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.option(name, &value.to_string());
    }

    /// The words, as a POSIX shell reads them back.
    pub(super) fn line(self) -> String {
        self.0.join(" ")
    }
}

/// The text as a Python string.
pub(super) fn python(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Whether what the user calls the model is a path.
pub(super) fn is_path(model: &str) -> bool {
    model.ends_with(".gguf") || model.starts_with(['/', '.']) || model.contains('\\')
}

/// The file that a model of this name would be in.
pub(super) fn file(model: &str) -> String {
    if is_path(model) {
        model.to_string()
    } else {
        let name = model.rsplit('/').next().unwrap_or(model);
        format!("{}.gguf", name.replace(':', "-"))
    }
}

/// A share with three decimals at most. The library's own way to write floats would be a thirtieth
/// of the page's program.
pub(in crate::engine::llama_cpp) fn decimal(share: f32) -> String {
    // Beyond the integers it saturates, and stays the absurd share that it was.
    #[allow(clippy::cast_possible_truncation)]
    let thousandths = (share * 1000.0 + share.signum() * 0.5) as i64;
    let sign = if thousandths < 0 { "-" } else { "" };
    let (whole, fraction) = (
        thousandths.unsigned_abs() / 1000,
        thousandths.unsigned_abs() % 1000,
    );
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{fraction:03}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// Shares of the devices, with this between them.
pub(super) fn shares(shares: &[f32], separator: &str) -> String {
    let shares: Vec<String> = shares.iter().map(|&share| decimal(share)).collect();
    shares.join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_as_people_give_them() {
        for (share, text) in [
            (3.0, "3"),
            (0.75, "0.75"),
            (1.5, "1.5"),
            (0.001, "0.001"),
            (2.9996, "3"),
            (0.0, "0"),
            (-1.0, "-1"),
            (-0.25, "-0.25"),
        ] {
            assert_eq!(decimal(share), text);
        }
    }
}
