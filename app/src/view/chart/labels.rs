//! The names of the answers along the line of free memory, so that none covers another.

use super::plot::FULL;

/// The name of an answer, or of several that are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// Where it stands, in hundredths of a percent of the width.
    pub(super) across: u64,
    pub(super) words: String,
    pub(super) looked_at: bool,
    /// How many labels it stands above.
    pub(super) row: u64,
}

/// Labels closer than this are one.
const SAME: u64 = FULL / 100;
/// The width of a letter on a phone, with what stands around it.
const LETTER: u64 = FULL * 3 / 100;

impl Label {
    /// Whether it stands before its place: after it there is no room.
    pub(super) fn is_before(&self) -> bool {
        self.across > FULL * 85 / 100 || self.across.saturating_add(self.width()) > FULL
    }

    fn width(&self) -> u64 {
        let letters = self
            .words
            .chars()
            .map(|letter| if letter.is_ascii() { 1 } else { 2 });
        letters.sum::<u64>() * LETTER
    }

    /// Where it begins and ends.
    fn extent(&self) -> (u64, u64) {
        if self.is_before() {
            (self.across.saturating_sub(self.width()), self.across)
        } else {
            (self.across, self.across.saturating_add(self.width()))
        }
    }
}

/// The labels of equal answers put together, and those that would cover others above them.
pub(super) fn arranged(labels: Vec<Label>) -> Vec<Label> {
    let mut arranged: Vec<Label> = Vec::new();
    for label in labels {
        let same = arranged
            .iter_mut()
            .find(|other| other.across.abs_diff(label.across) < SAME);
        match same {
            Some(same) => {
                same.words.push_str(", ");
                same.words.push_str(&label.words);
                same.looked_at |= label.looked_at;
            }
            None => arranged.push(label),
        }
    }
    for place in 1..arranged.len() {
        let (placed, rest) = arranged.split_at_mut(place);
        let Some(label) = rest.first_mut() else {
            continue;
        };
        let (start, end) = label.extent();
        let covers = |other: &Label, row: u64| {
            let (from, to) = other.extent();
            other.row == row && start < to && from < end
        };
        while placed.iter().any(|other| covers(other, label.row)) {
            label.row += 1;
        }
    }
    arranged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(across: u64, words: &str) -> Label {
        Label {
            across,
            words: words.into(),
            looked_at: words == "INT8",
            row: 0,
        }
    }

    #[test]
    fn equal_answers_share_a_label() {
        let all = arranged(vec![
            label(4000, "FP16"),
            label(4000, "INT8"),
            label(4050, "INT4"),
        ]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].words, "FP16, INT8, INT4");
        assert!(all[0].looked_at);
    }

    #[test]
    fn close_answers_stand_above_one_another() {
        let rows = |labels| -> Vec<u64> {
            let arranged: Vec<Label> = arranged(labels);
            arranged.iter().map(|label| label.row).collect()
        };
        let close = vec![
            label(1000, "FP16"),
            label(1500, "INT8"),
            label(2000, "INT4"),
        ];
        assert_eq!(rows(close), [0, 1, 2]);
        let wide = vec![
            label(1000, "FP16"),
            label(3000, "INT8"),
            label(5000, "INT4"),
        ];
        assert_eq!(rows(wide), [0, 0, 0]);
        // The last one stands before its place.
        let end = vec![label(8000, "FP16"), label(9000, "INT8")];
        assert_eq!(rows(end), [0, 1]);
    }
}
