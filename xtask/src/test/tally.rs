//! How many tests ran, as their own runners said.

use std::fmt;
use std::iter::Sum;

/// Numbers of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Takes in a line of a runner's output, if it is one that counts: `test result: ok. 3 passed;
    /// 0 failed; 1 ignored; …` of Rust's runners, `# pass 3` of Node's.
    pub(super) fn hear(&mut self, line: &str) {
        if let Some((_, counts)) = line.split_once("test result: ") {
            for count in counts.split(['.', ';']) {
                let mut words = count.split_whitespace();
                if let (Some(Ok(number)), Some(kind)) = (words.next().map(str::parse), words.next())
                {
                    self.add(kind, number);
                }
            }
            return;
        }
        let mut words = line.split_whitespace();
        if let (Some("#" | "ℹ"), Some(kind), Some(Ok(number)), None) = (
            words.next(),
            words.next(),
            words.next().map(str::parse),
            words.next(),
        ) {
            self.add(kind, number);
        }
    }

    fn add(&mut self, kind: &str, number: u64) {
        match kind {
            "passed" | "pass" => self.passed += number,
            "failed" | "fail" => self.failed += number,
            "ignored" | "skipped" | "todo" => self.ignored += number,
            _ => {}
        }
    }

    /// Whether any test ran at all.
    pub(super) fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return Ok(());
        }
        let Self {
            passed,
            failed,
            ignored,
        } = self;
        write!(
            formatter,
            "{passed} passed, {failed} failed, {ignored} ignored"
        )
    }
}

impl<'a> Sum<&'a Self> for Tally {
    fn sum<I: Iterator<Item = &'a Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| Self {
            passed: sum.passed + tally.passed,
            failed: sum.failed + tally.failed,
            ignored: sum.ignored + tally.ignored,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.hear(line));
        tally
    }

    #[test]
    fn rust_counts_add_up() {
        let tally = heard(&[
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
            "test a_test ... ok",
        ]);
        assert_eq!(
            tally,
            Tally {
                passed: 14,
                failed: 1,
                ignored: 1
            }
        );
    }

    #[test]
    fn node_counts_add_up() {
        let tally = heard(&[
            "# tests 5",
            "# pass 4",
            "ℹ fail 1",
            "ℹ skipped 2",
            "# pass the salt 3",
        ]);
        assert_eq!(
            tally,
            Tally {
                passed: 4,
                failed: 1,
                ignored: 2
            }
        );
    }
}
