//! Bytes of the weights on each device.
//!
//! Source: ggml 0.26.0, `ggml-cuda.cu` (`get_alloc_size`, alignment 128) and `ggml-backend.cpp`
//! (host alignment 32).

use alloc::vec::Vec;

use super::placement::{Located, Place};
use crate::engine::EngineError;
use crate::model::Tensor;
use crate::quant::TensorType;

/// CUDA pads the last row of a quantized tensor to a multiple of this many elements.
const MATRIX_ROW_PADDING: u64 = 512;
/// Alignment of tensors in CUDA buffers.
pub(super) const CUDA_ALIGNMENT: u64 = 128;
/// Alignment of tensors in host buffers.
pub(super) const HOST_ALIGNMENT: u64 = 32;

/// Bytes per place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Per GPU.
    pub(super) gpus: Vec<u64>,
    /// In host memory.
    pub(super) host: u64,
}

impl Bytes {
    /// Nothing anywhere.
    pub(super) fn zero(gpus: usize) -> Self {
        Self {
            gpus: alloc::vec![0; gpus],
            host: 0,
        }
    }

    /// The larger of two figures at each place.
    pub(super) fn at_least(mut self, bound: &Self) -> Self {
        for (bytes, bound) in self.gpus.iter_mut().zip(&bound.gpus) {
            *bytes = (*bytes).max(*bound);
        }
        self.host = self.host.max(bound.host);
        self
    }

    /// One such part more at each place.
    pub(super) fn with_part(mut self, part: u64) -> Self {
        for bytes in self.gpus.iter_mut().chain([&mut self.host]) {
            *bytes = bytes.saturating_add(bytes.checked_div(part).unwrap_or(0));
        }
        self
    }

    /// Adds an allocation, aligned as the place aligns.
    pub(super) fn add(&mut self, place: Place, bytes: u64) -> Result<(), EngineError> {
        self.add_alike(place, bytes, 1)
    }

    /// Adds so many allocations of the same size.
    pub(super) fn add_alike(
        &mut self,
        place: Place,
        bytes: u64,
        count: u64,
    ) -> Result<(), EngineError> {
        let (sum, alignment) = match place {
            Place::Gpu(index) => match self.gpus.get_mut(index) {
                Some(sum) => (sum, CUDA_ALIGNMENT),
                None => return Err(EngineError::NoDevice),
            },
            Place::Host => (&mut self.host, HOST_ALIGNMENT),
        };
        *sum = bytes
            .checked_next_multiple_of(alignment)
            .and_then(|aligned| aligned.checked_mul(count))
            .and_then(|all| sum.checked_add(all))
            .ok_or(EngineError::TooLarge)?;
        Ok(())
    }
}

/// Bytes that CUDA adds after a tensor whose rows are quantized and of this many elements.
pub(super) fn cuda_row_padding(tensor_type: TensorType, row_elements: u64) -> u64 {
    let rest = row_elements % MATRIX_ROW_PADDING;
    if !tensor_type.is_quantized() || rest == 0 {
        return 0;
    }
    tensor_type
        .row_bytes(MATRIX_ROW_PADDING - rest)
        .unwrap_or(0)
}

/// Bytes that a tensor takes at `place`, before alignment.
pub(super) fn allocated_bytes(tensor: &Tensor, place: Place) -> u64 {
    let padding = match place {
        Place::Gpu(_) => cuda_row_padding(tensor.tensor_type, tensor.dimensions[0]),
        Place::Host => 0,
    };
    tensor.bytes().saturating_add(padding)
}

/// The weights of all loaded tensors, per place.
pub(super) fn weights(tensors: &[Located<'_>], gpus: usize) -> Result<Bytes, EngineError> {
    let mut bytes = Bytes::zero(gpus);
    for located in tensors {
        for place in located.copies.iter() {
            bytes.add(place, allocated_bytes(located.tensor, place))?;
        }
    }
    Ok(bytes)
}
