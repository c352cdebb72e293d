//! Which layers of a long model stand for all of them.
//!
//! Layers that repeat leave the allocator as they found it, after one round or after two where
//! results alternate between two places. So a run of equal rounds needs only its first few, as
//! long as an even number is left out. That this changes no figure is held by the tests against
//! the engine's own.

use alloc::vec::Vec;
use core::cmp::Reverse;

/// Layers that have to pass before a run leaves the allocator as it found it, where all is on
/// GPUs. Elsewhere no number is enough.
const SETTLING_LAYERS: usize = 4;
/// The same with recurrent layers, whose results alternate between more places.
const SETTLING_RECURRENT_LAYERS: usize = 8;
/// Longest round that is looked for, in layers.
const LONGEST_ROUND: usize = 12;

/// Positions of the layers that stand for all where all is on GPUs, in order, by a number for
/// each layer: layers of equal numbers compute alike.
pub(super) fn sample(kinds: &[usize], recurrent: bool) -> Vec<usize> {
    let settling = if recurrent {
        SETTLING_RECURRENT_LAYERS
    } else {
        SETTLING_LAYERS
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < kinds.len() {
        let rest = &kinds[at..];
        let best = (1..=LONGEST_ROUND.min(rest.len() / 2))
            .map(|round| (round, rounds(rest, round)))
            .map(|(round, count)| (round, count, kept_rounds(round, count, settling)))
            .max_by_key(|&(round, count, keep)| (round * (count - keep), Reverse(round)));
        match best {
            Some((round, count, keep)) if keep < count => {
                kept.extend(at..at + round * keep);
                at += round * count;
            }
            _ => {
                kept.push(at);
                at += 1;
            }
        }
    }
    kept
}

/// Rounds of a run that stand for all of it: as many as it takes to settle, and one more where
/// an odd number would be left out.
fn kept_rounds(round: usize, count: usize, settling: usize) -> usize {
    let settled = settling.div_ceil(round).max(2);
    if count <= settled {
        count
    } else {
        settled + (count - settled) % 2
    }
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

    use super::sample;

    #[test]
    fn an_even_number_of_rounds_is_left_out() {
        assert_eq!(sample(&[7; 32], false), [0, 1, 2, 3]);
        assert_eq!(sample(&[7; 33], false), [0, 1, 2, 3, 4]);
        let mut windows: Vec<usize> = [0, 0, 0, 0, 0, 1].repeat(7);
        windows.extend([0, 0, 0, 0]);
        let kept = sample(&windows, false);
        assert_eq!(kept.len(), 18 + 4);
        assert_eq!(&kept[..18], (0..18).collect::<Vec<_>>());
        assert_eq!(&kept[18..], [42, 43, 44, 45]);
    }

    #[test]
    fn what_does_not_repeat_is_kept() {
        assert_eq!(sample(&[0, 1, 2, 3], false), [0, 1, 2, 3]);
        assert_eq!(sample(&[], false), vec![0; 0]);
    }
}
