//! One buffer of the graph allocator: offsets only, no memory.
//!
//! Source: ggml 0.25.3 and 0.26.0, `ggml-alloc.c` (`ggml_dyn_tallocr`). The smallest free block
//! that is large enough wins, the later one where two are equal; the last block, which has no
//! end, only where no other will do.

use alloc::vec::Vec;

use super::line::{Line, Scope};

/// More than any buffer reaches to.
const END: i64 = 1 << 62;

/// A stretch of the buffer that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    offset: Line,
    size: Line,
}

impl Block {
    fn end(&self) -> Line {
        self.offset + self.size
    }
}

/// The free blocks of one buffer and how far it ever reached.
#[derive(Debug, Clone)]
pub(super) struct Allocator {
    alignment: i64,
    /// In order of their offsets; the last reaches to the end of the address space.
    free: Vec<Block>,
    peak: Peak,
}

/// How far a buffer ever reached: the highest line of each slope.
#[derive(Debug, Clone, Default)]
pub(super) struct Peak(Vec<Line>);

impl Peak {
    fn reach(&mut self, end: Line) {
        match self.0.iter_mut().find(|line| line.slope == end.slope) {
            Some(line) => line.at = line.at.max(end.at),
            None => self.0.push(end),
        }
    }

    /// Bytes so many steps of the context further on.
    pub(super) fn after(&self, steps: i64) -> u64 {
        let highest = self.0.iter().map(|line| line.after(steps)).max();
        highest
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(0)
    }
}

impl Allocator {
    pub(super) fn new(alignment: u64) -> Self {
        Self {
            alignment: i64::try_from(alignment).unwrap_or(1),
            free: Vec::from([Block {
                offset: Line::default(),
                size: Line::constant(END),
            }]),
            peak: Peak::default(),
        }
    }

    /// The stretches that are free.
    pub(super) fn free(&self) -> &[Block] {
        &self.free
    }

    pub(super) fn into_peak(self) -> Peak {
        self.peak
    }

    /// Steps of the context are so long that a slope is a multiple of every alignment.
    fn aligned(&self, size: Line) -> Line {
        let rest = size.at % self.alignment;
        let added = if rest == 0 { 0 } else { self.alignment - rest };
        size + Line::constant(added)
    }

    /// Takes `size` bytes and gives their offset.
    pub(super) fn allocate(&mut self, size: Line, scope: &mut Scope) -> Line {
        let size = self.aligned(size);
        let last = self.free.len().saturating_sub(1);
        let mut best = last;
        let mut best_size = None;
        for (index, block) in self.free.iter().enumerate().take(last) {
            if scope.at_least(block.size, size)
                && best_size.is_none_or(|best| scope.at_least(best, block.size))
            {
                best = index;
                best_size = Some(block.size);
            }
        }
        let Some(block) = self.free.get_mut(best) else {
            return Line::default();
        };
        let offset = block.offset;
        block.offset = offset + size;
        block.size = block.size - size;
        if !scope.at_least(block.size, Line::constant(1)) {
            self.free.remove(best);
        }
        self.peak.reach(offset + size);
        offset
    }

    /// Gives back what was taken at `offset`. Blocks of no size are kept and joined as the engine
    /// does it, even where that leaves neighbours apart. Blocks that touch at the context at hand
    /// touch at every other, since nothing lies between them.
    pub(super) fn release(&mut self, offset: Line, size: Line) {
        let size = self.aligned(size);
        let end = offset + size;
        for index in 0..self.free.len() {
            let block = self.free[index];
            if block.end().at == offset.at {
                self.free[index].size = block.size + size;
                self.join_next(index);
                return;
            }
            if block.offset.at == end.at {
                self.free[index] = Block {
                    offset,
                    size: block.size + size,
                };
                if index > 0 {
                    self.join_next(index - 1);
                }
                return;
            }
        }
        // Not by bisection: blocks of no size can stand out of order.
        let later = |block: &Block| block.offset.at >= offset.at;
        let next = self.free.iter().position(later);
        let next = next.unwrap_or(self.free.len());
        self.free.insert(next, Block { offset, size });
    }

    /// Joins a free block with the one after it where they touch.
    fn join_next(&mut self, index: usize) {
        let Some(&next) = self.free.get(index + 1) else {
            return;
        };
        let block = &mut self.free[index];
        if block.end().at == next.offset.at {
            block.size = block.size + next.size;
            self.free.remove(index + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Allocator, Line, Scope};

    fn allocate(buffer: &mut Allocator, size: i64) -> Line {
        let mut scope = Scope::ALL;
        buffer.allocate(Line::constant(size), &mut scope)
    }

    #[test]
    fn the_smallest_block_that_fits_is_taken() {
        let mut buffer = Allocator::new(128);
        let large = allocate(&mut buffer, 1000);
        allocate(&mut buffer, 128);
        let small = allocate(&mut buffer, 500);
        allocate(&mut buffer, 128);
        buffer.release(large, Line::constant(1000));
        buffer.release(small, Line::constant(500));
        assert_eq!(allocate(&mut buffer, 400), small);
        assert_eq!(allocate(&mut buffer, 400), large);
        assert_eq!(buffer.into_peak().after(0), 1024 + 128 + 512 + 128);
    }

    #[test]
    fn neighbours_join() {
        let mut buffer = Allocator::new(128);
        let offsets = [0; 4].map(|_| allocate(&mut buffer, 256));
        allocate(&mut buffer, 128);
        for index in [0, 2, 1, 3] {
            buffer.release(offsets[index], Line::constant(256));
        }
        assert_eq!(allocate(&mut buffer, 1024), Line::default());
        assert_eq!(buffer.into_peak().after(0), 1024 + 128);
    }

    #[test]
    fn a_block_is_taken_as_long_as_it_is_large_enough() {
        let mut buffer = Allocator::new(128);
        let mut scope = Scope::ALL;
        let block = buffer.allocate(Line::constant(1280), &mut scope);
        buffer.allocate(Line::constant(128), &mut scope);
        buffer.release(block, Line::constant(1280));
        let growing = Line {
            at: 256,
            slope: 128,
        };
        assert_eq!(buffer.allocate(growing, &mut scope), block);
        // 256 + 7 × 128 leaves something of the block; all of it would be another case.
        assert_eq!((scope.last, buffer.into_peak().after(5)), (7, 1408));
    }
}
