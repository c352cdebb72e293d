//! One buffer of the graph allocator: offsets only, no memory.
//!
//! Source: ggml 0.25.3 and 0.26.0, `ggml-alloc.c` (`ggml_dyn_tallocr`). The smallest free block
//! that is large enough wins, the later one where two are equal; the last block, which has no
//! end, only where no other will do.

use alloc::vec::Vec;

/// A stretch of the buffer that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    offset: u64,
    size: u64,
}

impl Block {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// The free blocks of one buffer and how far it ever reached.
#[derive(Debug, Clone)]
pub(super) struct Allocator {
    alignment: u64,
    /// In order of their offsets; the last reaches to the end of the address space.
    free: Vec<Block>,
    peak: u64,
}

impl Allocator {
    pub(super) fn new(alignment: u64) -> Self {
        Self {
            alignment,
            free: Vec::from([Block {
                offset: 0,
                size: u64::MAX / 2,
            }]),
            peak: 0,
        }
    }

    /// The size that the buffer must have.
    pub(super) fn peak(&self) -> u64 {
        self.peak
    }

    fn aligned(&self, bytes: u64) -> u64 {
        bytes
            .checked_next_multiple_of(self.alignment)
            .unwrap_or(u64::MAX / 2)
    }

    /// Takes `bytes` and gives their offset.
    pub(super) fn allocate(&mut self, bytes: u64) -> u64 {
        let size = self.aligned(bytes);
        let last = self.free.len().saturating_sub(1);
        let mut best = last;
        let mut best_size = u64::MAX;
        for (index, block) in self.free.iter().enumerate().take(last) {
            if block.size >= size && block.size <= best_size {
                best = index;
                best_size = block.size;
            }
        }
        let Some(block) = self.free.get_mut(best) else {
            return 0;
        };
        let offset = block.offset;
        block.offset = offset.saturating_add(size);
        block.size = block.size.saturating_sub(size);
        if block.size == 0 {
            self.free.remove(best);
        }
        self.peak = self.peak.max(offset.saturating_add(size));
        offset
    }

    /// Gives back what was taken at `offset`. Blocks of no size are kept and joined as the engine
    /// does it, even where that leaves neighbours apart.
    pub(super) fn release(&mut self, offset: u64, bytes: u64) {
        let size = self.aligned(bytes);
        let end = offset.saturating_add(size);
        for index in 0..self.free.len() {
            let block = self.free[index];
            if block.end() == offset {
                self.free[index].size = block.size.saturating_add(size);
                self.join_next(index);
                return;
            }
            if block.offset == end {
                self.free[index] = Block {
                    offset,
                    size: block.size.saturating_add(size),
                };
                if index > 0 {
                    self.join_next(index - 1);
                }
                return;
            }
        }
        let next = self.free.partition_point(|block| block.offset < offset);
        self.free.insert(next, Block { offset, size });
    }

    /// Joins a free block with the one after it where they touch.
    fn join_next(&mut self, index: usize) {
        let Some(&next) = self.free.get(index + 1) else {
            return;
        };
        let block = &mut self.free[index];
        if block.end() == next.offset {
            block.size = block.size.saturating_add(next.size);
            self.free.remove(index + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Allocator;

    #[test]
    fn the_smallest_block_that_fits_is_taken() {
        let mut buffer = Allocator::new(128);
        let large = buffer.allocate(1000);
        buffer.allocate(128);
        let small = buffer.allocate(500);
        buffer.allocate(128);
        buffer.release(large, 1000);
        buffer.release(small, 500);
        assert_eq!(buffer.allocate(400), small);
        assert_eq!(buffer.allocate(400), large);
        assert_eq!(buffer.peak(), 1024 + 128 + 512 + 128);
    }

    #[test]
    fn neighbours_join() {
        let mut buffer = Allocator::new(128);
        let offsets = [0; 4].map(|_| buffer.allocate(256));
        buffer.allocate(128);
        for index in [0, 2, 1, 3] {
            buffer.release(offsets[index], 256);
        }
        assert_eq!(buffer.allocate(1024), 0);
        assert_eq!(buffer.peak(), 1024 + 128);
    }
}
