//! Bytes of the parameters as Transformers holds them, and the GPU that each lies on.
//!
//! Source: Transformers 5.23.0, `modeling_utils.py`, `quantizers/`, `integrations/moe.py`:
//! prediction layers are not loaded, tables of angles are computed, experts are one parameter
//! for all, which bitsandbytes and HQQ leave in 16 bits. Equal to the parameters of the classes
//! as measured.

use alloc::vec;
use alloc::vec::Vec;

use crate::engine::EngineError;
use crate::gpu::Device;
use crate::model::{Model, Tensor};
use crate::quant::{Linear, Packing, TensorType};

/// The first GPUs that multiply in FP8: elsewhere such weights are unpacked to 16 bits.
const FP8_CAPABILITY: (u32, u32) = (8, 9);
/// The first GPUs that the kernels for MXFP4 run on.
const MXFP4_CAPABILITY: (u32, u32) = (7, 5);

/// Bytes of a tensor in memory where an element of the model's type has `element` bytes; `None`
/// beyond `u64`.
pub(super) fn bytes(tensor: &Tensor, element: u64, device: &Device) -> Option<u64> {
    let older_than = |first| device.compute_capability.is_some_and(|own| own < first);
    let of_experts = tensor.dimensions[2] > 1;
    let is_packed = match tensor.packing {
        None => false,
        Some(Packing::Fp8(_)) => !older_than(FP8_CAPABILITY),
        Some(Packing::Mxfp4(_)) => !older_than(MXFP4_CAPABILITY),
        Some(Packing::Nf4(_) | Packing::Int8(_) | Packing::Hqq(_)) => !of_experts,
        Some(_) => true,
    };
    if is_packed {
        let packing = tensor.packing?;
        let Linear {
            input,
            output,
            count,
        } = Linear::of(tensor);
        let parts = packing.parts(input, output)?;
        return parts.total().checked_mul(count);
    }
    match tensor.tensor_type {
        TensorType::Mxfp4 if !older_than(MXFP4_CAPABILITY) => Some(tensor.bytes()),
        _ => tensor.elements().checked_mul(element),
    }
}

/// Whether Transformers loads the tensor.
pub(super) fn is_loaded(model: &Model, tensor: &Tensor) -> bool {
    let layer = tensor.block().and_then(|block| model.layers.get(block));
    !tensor.is_rope_table() && !layer.is_some_and(|layer| layer.next_token_prediction)
}

/// Where the parts of a model lie: the first GPU has the embedding, the last the output, and
/// each as much of the weights as the others, in whole layers (`device_map="auto"`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    /// The GPU of each layer.
    pub layers: Vec<usize>,
    /// Bytes of the weights on each GPU.
    pub bytes: Vec<u64>,
}

impl Placement {
    pub(super) fn new(
        model: &Model,
        element: u64,
        devices: &[Device],
    ) -> Result<Self, EngineError> {
        let first = devices.first().ok_or(EngineError::NoDevice)?;
        let mut of_layers = vec![0_u64; model.layers.len()];
        // The classes for images and text load the encoder with the language model.
        let encoder = model.vision.map_or(0, |vision| vision.parameters());
        let encoder = encoder.checked_mul(element).ok_or(EngineError::TooLarge)?;
        let (mut before, mut after) = (encoder, 0_u64);
        for tensor in model
            .tensors
            .iter()
            .filter(|tensor| is_loaded(model, tensor))
        {
            let bytes = bytes(tensor, element, first).ok_or(EngineError::TooLarge)?;
            let sum = match tensor.block() {
                Some(block) => of_layers.get_mut(block),
                None if tensor.name.starts_with("output") => Some(&mut after),
                None => Some(&mut before),
            };
            if let Some(sum) = sum {
                *sum = sum.checked_add(bytes).ok_or(EngineError::TooLarge)?;
            }
        }
        let all = of_layers
            .iter()
            .try_fold(before, |sum, &bytes| sum.checked_add(bytes))
            .and_then(|sum| sum.checked_add(after))
            .ok_or(EngineError::TooLarge)?;
        let count = devices.len();
        let share = all.div_ceil(count as u64).max(1);
        let last = count - 1;
        let mut placed = Self {
            layers: Vec::with_capacity(of_layers.len()),
            bytes: vec![0; count],
        };
        let mut filled = before;
        placed.add(0, before);
        for bytes in of_layers {
            // The GPU that the middle of the layer falls on.
            let middle = filled.saturating_add(bytes / 2) / share;
            let gpu = usize::try_from(middle).unwrap_or(last).min(last);
            placed.layers.push(gpu);
            placed.add(gpu, bytes);
            filled = filled.saturating_add(bytes);
        }
        placed.add(last, after);
        Ok(placed)
    }

    fn add(&mut self, gpu: usize, bytes: u64) {
        if let Some(sum) = self.bytes.get_mut(gpu) {
            *sum = sum.saturating_add(bytes);
        }
    }
}
