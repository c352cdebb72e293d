//! Models with their weights packed as quantizers of checkpoints do it by default.

use super::{Exl2, Exl3, Linear, Packing, TensorType};
use crate::model::{Method, Model, Quantization};

/// Bits of the output matrix that ExLlama's quantizers choose by default, in thousandths.
const EXLLAMA_HEAD: u32 = 6_000;

/// `model`, a checkpoint as published in 16 bits, with the matrices of its blocks packed.
/// Embeddings, the output matrix (but for ExLlama's formats), norms, routers and convolutions
/// stay as they are.
#[must_use]
pub fn pack(model: &Model, packing: Packing) -> Model {
    let mut packed = model.clone();
    for tensor in &mut packed.tensors {
        let of_experts = tensor.dimensions[2] > 1;
        let is_taken = Linear::of_block(tensor).is_some()
            // The quantizer for MXFP4 takes experts alone.
            && (of_experts || !matches!(packing, Packing::Mxfp4(_)));
        tensor.packing = is_taken.then_some(packing);
        if tensor.name == "output.weight" {
            tensor.packing = head_packing(packing);
        }
    }
    packed.weights_format = packing.name();
    packed.quantization = Some(Quantization {
        method: Method::of(packing),
        packing: Some(packing),
        fp8_kv_cache: false,
    });
    packed
}

fn head_packing(packing: Packing) -> Option<Packing> {
    match packing {
        Packing::Exl2(_) => Some(Packing::Exl2(Exl2 {
            millibits: EXLLAMA_HEAD,
        })),
        Packing::Exl3(_) => Some(Packing::Exl3(Exl3 {
            millibits: EXLLAMA_HEAD,
        })),
        _ => None,
    }
}

/// `model` with every packed matrix as the converters to other formats read it: 16 bits each.
#[must_use]
pub fn unpack(model: Model) -> Model {
    let mut plain = model;
    let was_quantized = plain.quantization.take().is_some();
    let mut float = None;
    for tensor in &mut plain.tensors {
        tensor.packing = None;
        if tensor.tensor_type != TensorType::F32 {
            float = float.or(Some(tensor.tensor_type));
        }
    }
    if was_quantized {
        // What the checkpoint stores in a type of ggml's own stays so.
        let mut types = plain.tensors.iter().map(|tensor| tensor.tensor_type);
        let own = types.find(|kind| kind.is_quantized());
        let name = own.or(float).map_or("", TensorType::name);
        plain.weights_format = name.to_uppercase();
    }
    plain
}
