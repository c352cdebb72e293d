//! Which layers of a long model stand for all of them.
//!
//! Layers that repeat leave the allocator as they found it, after one round or after two where
//! results alternate between two places. So, where all is on GPUs, a run of equal rounds needs only
//! its first few, as long as an even number is left out. That this changes no figure is held by the
//! tests against the engine's own. Elsewhere no number is enough: there the allocator goes through
//! the layers that are left out by way of those kept (`repeat.rs`).

use alloc::vec::Vec;
use core::cmp::Reverse;

/// Longest round that is looked for, in layers.
const LONGEST_ROUND: usize = 12;

/// How much is kept of a run of equal rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// All.
    All,
    /// At least this many layers, and an even number of rounds left out.
    Settled(usize),
    /// This many rounds, one more of a single layer each: the first, which may be the first to
    /// copy what all use; some whose neighbours are of the run; and the last.
    Rounds(usize),
}

/// Layers to build the graph of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Positions of the layers among all.
    pub(super) layers: Vec<usize>,
    /// Runs of which rounds are left out that the allocator has to go through.
    pub(super) runs: Vec<Run>,
}

/// A run of equal rounds of which some are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Position of its first layer among those kept.
    pub(super) first: usize,
    /// Layers of a round.
    pub(super) round: usize,
    /// Rounds that are kept.
    pub(super) kept: usize,
    /// Rounds that are left out.
    pub(super) left_out: usize,
}

impl Keep {
    /// Rounds that stand for all of a run.
    fn rounds(self, round: usize, count: usize) -> usize {
        let kept = match self {
            Self::All => count,
            Self::Settled(layers) => {
                let settled = layers.div_ceil(round).max(2);
                settled + (count.saturating_sub(settled)) % 2
            }
            Self::Rounds(rounds) => rounds + usize::from(round == 1),
        };
        kept.min(count)
    }
}

/// Layers that stand for all, by a number for each layer: layers of equal numbers compute alike.
pub(super) fn sample(kinds: &[usize], keep: Keep) -> Sample {
    let mut sample = Sample::default();
    if keep == Keep::All {
        sample.layers.extend(0..kinds.len());
        return sample;
    }
    let mut at = 0;
    while at < kinds.len() {
        let rest = &kinds[at..];
        let best = (1..=LONGEST_ROUND.min(rest.len() / 2))
            .map(|round| (round, rounds(rest, round)))
            .map(|(round, count)| (round, count, keep.rounds(round, count)))
            .max_by_key(|&(round, count, kept)| (round * (count - kept), Reverse(round)));
        match best {
            Some((round, count, kept)) if kept < count => {
                if let Keep::Rounds(_) = keep {
                    sample.runs.push(Run {
                        first: sample.layers.len(),
                        round,
                        kept,
                        left_out: count - kept,
                    });
                }
                sample.layers.extend(at..at + round * kept);
                at += round * count;
            }
            _ => {
                sample.layers.push(at);
                at += 1;
            }
        }
    }
    sample
}

/// How often the first `round` layers come one after the other.
fn rounds(kinds: &[usize], round: usize) -> usize {
    let (first, _) = kinds.split_at(round);
    kinds
        .chunks_exact(round)
        .take_while(|chunk| *chunk == first)
        .count()
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{Keep, Run, sample};

    fn settled(kinds: &[usize]) -> Vec<usize> {
        sample(kinds, Keep::Settled(4)).layers
    }

    #[test]
    fn an_even_number_of_rounds_is_left_out() {
        assert_eq!(settled(&[7; 32]), [0, 1, 2, 3]);
        assert_eq!(settled(&[7; 33]), [0, 1, 2, 3, 4]);
        let mut windows: Vec<usize> = [0, 0, 0, 0, 0, 1].repeat(7);
        windows.extend([0, 0, 0, 0]);
        let kept = settled(&windows);
        assert_eq!(kept.len(), 18 + 4);
        assert_eq!(&kept[..18], (0..18).collect::<Vec<_>>());
        assert_eq!(&kept[18..], [42, 43, 44, 45]);
    }

    #[test]
    fn what_does_not_repeat_is_kept() {
        for keep in [Keep::All, Keep::Settled(4), Keep::Rounds(3)] {
            assert_eq!(sample(&[0, 1, 2, 3], keep).layers, [0, 1, 2, 3]);
            assert_eq!(sample(&[], keep).layers, vec![0; 0]);
        }
    }

    #[test]
    fn what_is_left_out_is_noted() {
        let mut kinds = vec![3; 10];
        kinds.extend([1, 2].repeat(5));
        let sample = sample(&kinds, Keep::Rounds(3));
        assert_eq!(sample.layers, [0, 1, 2, 3, 10, 11, 12, 13, 14, 15]);
        let run = |first, round, kept, left_out| Run {
            first,
            round,
            kept,
            left_out,
        };
        assert_eq!(sample.runs, [run(0, 1, 4, 6), run(4, 2, 3, 2)]);
    }
}
