//! One tensor of a model: name, shape and storage type.

use alloc::string::String;

use crate::quant::{Linear, Packing, TensorType};

/// A tensor under its GGUF name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The GGUF name, for example `blk.0.attn_q.weight`.
    pub name: String,
    /// Elements along each dimension, the contiguous one first; unused dimensions are 1.
    pub dimensions: [u64; 4],
    /// How the elements are stored where they are not packed.
    pub tensor_type: TensorType,
    /// How the checkpoint packs the matrices of the tensor; `None` where it does not.
    pub packing: Option<Packing>,
}

/// The part of the model that a tensor belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TensorRole {
    /// Read before the first block: token and position embeddings.
    Input,
    /// Part of the block with this index.
    Block(usize),
    /// Read after the last block.
    Output,
}

impl Tensor {
    /// A tensor whose elements and bytes are known to fit in `u64`; `None` where they do not,
    /// where a dimension is 0, or where the row is not a whole number of storage blocks.
    #[must_use]
    pub fn new(name: String, dimensions: [u64; 4], tensor_type: TensorType) -> Option<Self> {
        if dimensions.contains(&0) || !dimensions[0].is_multiple_of(tensor_type.block_elements()) {
            return None;
        }
        let rows = dimensions[1]
            .checked_mul(dimensions[2])?
            .checked_mul(dimensions[3])?;
        rows.checked_mul(dimensions[0])?;
        rows.checked_mul(tensor_type.row_bytes(dimensions[0])?)?;
        Some(Self {
            name,
            dimensions,
            tensor_type,
            packing: None,
        })
    }

    /// Number of elements.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.dimensions
            .iter()
            .fold(1, |product, &extent| product.saturating_mul(extent))
    }

    /// Bytes of the elements as stored, without padding or alignment; packed ones with all that
    /// goes with them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        if let Some(packing) = &self.packing {
            let matrices = Linear::of(self);
            return packing
                .parts(matrices.input, matrices.output)
                .map_or(u64::MAX, |parts| parts.total())
                .saturating_mul(matrices.count);
        }
        let rows = self.dimensions[1..]
            .iter()
            .fold(1, |product: u64, &extent| product.saturating_mul(extent));
        self.tensor_type
            .row_bytes(self.dimensions[0])
            .unwrap_or(u64::MAX)
            .saturating_mul(rows)
    }

    /// The same in a checkpoint of 16 bits, which keeps norms and biases in them too and has no
    /// tables that are derived from its configuration.
    #[must_use]
    pub fn checkpoint_bytes(&self) -> u64 {
        match (self.packing, self.tensor_type) {
            (None, _) if self.is_rope_table() => 0,
            (None, TensorType::F32) => self.elements().saturating_mul(2),
            _ => self.bytes(),
        }
    }

    /// The index of the block that the name places the tensor in.
    #[must_use]
    pub fn block(&self) -> Option<usize> {
        self.block_and_rest().map(|(index, _)| index)
    }

    /// The index of the block that the name places the tensor in, and the rest of the name.
    #[must_use]
    pub fn block_and_rest(&self) -> Option<(usize, &str)> {
        // Asked of every tensor for every answer: the digits are gone over once.
        let rest = self.name.strip_prefix("blk.")?;
        let mut index: usize = 0;
        for (position, byte) in rest.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    index = index
                        .checked_mul(10)?
                        .checked_add(usize::from(byte - b'0'))?;
                }
                b'.' if position > 0 => return Some((index, rest.get(position + 1..)?)),
                _ => return None,
            }
        }
        None
    }

    /// A table of RoPE factors: derived from the configuration, not trained.
    #[must_use]
    pub fn is_rope_table(&self) -> bool {
        self.name.contains("rope_freqs") || self.name.contains("rope_factors")
    }
}
