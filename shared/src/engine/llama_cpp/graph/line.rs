//! Bytes as functions of the context: each a line, and the stretch of contexts for which every
//! comparison of two of them comes out the same.
//!
//! One run of the allocator over lines tells the buffers' sizes for all contexts of that stretch.

use core::ops::{Add, Sub};

/// More bytes than any machine has, and few enough for sums of thousands in an `i64`.
const MOST_BYTES: u64 = 1 << 50;

/// Bytes at the context at hand, and how many more each further step of the context takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) at: i64,
    pub(super) slope: i64,
}

impl Line {
    /// The same for every context.
    pub(super) const fn constant(at: i64) -> Self {
        Self { at, slope: 0 }
    }

    /// The value so many steps of the context further on.
    pub(super) fn after(self, steps: i64) -> i64 {
        self.at.saturating_add(self.slope.saturating_mul(steps))
    }
}

impl Add for Line {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            at: self.at.saturating_add(other.at),
            slope: self.slope.saturating_add(other.slope),
        }
    }
}

impl Sub for Line {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            at: self.at.saturating_sub(other.at),
            slope: self.slope.saturating_sub(other.slope),
        }
    }
}

/// Steps of the context around the one at hand for which all that was asked has the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Scope {
    /// All contexts.
    pub(super) const ALL: Self = Self {
        first: i64::MIN,
        last: i64::MAX,
    };

    /// The context at hand alone.
    pub(super) fn narrow(&mut self) {
        (self.first, self.last) = (self.first.max(0), self.last.min(0));
    }

    /// A number of bytes that can be calculated with.
    pub(super) fn bytes(&mut self, at: u64, slope: u64) -> Line {
        match (i64::try_from(at), i64::try_from(slope)) {
            (Ok(at_hand), Ok(slope)) if at <= MOST_BYTES && slope <= 1 << 50 => {
                Line { at: at_hand, slope }
            }
            _ => {
                self.narrow();
                Line::constant(1 << 50)
            }
        }
    }

    /// Whether the first is at least the second.
    pub(super) fn at_least(&mut self, one: Line, other: Line) -> bool {
        let Line { at, slope } = one - other;
        if slope != 0 {
            self.cross(at, slope);
        }
        at >= 0
    }

    /// Keeps to the contexts on this side of where `at + slope × steps` becomes negative or
    /// ceases to be.
    fn cross(&mut self, at: i64, slope: i64) {
        // Steps to where it is 0, rounded so that the answer is still the same there.
        let distance = if at >= 0 { -at } else { !at };
        let steps = distance / slope;
        if (at >= 0) == (slope > 0) {
            self.first = self.first.max(steps);
        } else {
            self.last = self.last.min(steps);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_same_within_the_scope_and_another_next_to_it() {
        for at in -20..20 {
            for slope in (-7..8).filter(|&slope| slope != 0) {
                let mut scope = Scope::ALL;
                let line = Line { at, slope };
                let answer = scope.at_least(line, Line::constant(0));
                assert_eq!(answer, at >= 0);
                for steps in -40..40 {
                    let within = (scope.first..=scope.last).contains(&steps);
                    let same = (line.after(steps) >= 0) == answer;
                    assert_eq!(within, same, "{at} + {slope} × {steps}");
                }
            }
        }
    }
}
