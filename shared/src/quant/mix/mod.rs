//! The mixes of llama-quantize: which tensor gets which type in a file type.
//!
//! Source: llama.cpp 0.6.0-dev, `llama-quant.cpp`; without an importance matrix, which is what
//! the command makes by default.

mod category;
mod rules;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{FileType, TensorType};
use crate::model::{Attention, Model, RecurrentState, Tensor};
use crate::text::{Language, UserMessage};
use category::Category;

/// Why a model cannot be quantized.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuantizeError {
    /// A tensor's size in the new type exceeds 2^64 bytes.
    TooLarge {
        /// The tensor's GGUF name.
        tensor: String,
    },
}

impl UserMessage for QuantizeError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "quantize_too_large",
        }
    }

    fn message(&self, language: Language) -> String {
        let Self::TooLarge { tensor } = self;
        match language {
            Language::Ja => format!("テンソル「{tensor}」が大きすぎます(2^64バイト超)"),
            Language::En => format!("tensor \"{tensor}\" exceeds 2^64 bytes"),
        }
    }

    fn hint(&self, language: Language) -> String {
        language
            .pick(
                "モデルの大きさの指定を確かめてください",
                "Check the sizes given for the model",
            )
            .into()
    }
}

/// `model` with its tensors in the types that llama-quantize gives them for `file_type`.
///
/// # Errors
/// Sizes beyond `u64`.
pub fn quantize(model: &Model, file_type: FileType) -> Result<Model, QuantizeError> {
    let mut mix = Mix::new(model, file_type);
    let mut tensors = model.tensors.clone();
    for index in file_order(&model.tensors) {
        let tensor = &mut tensors[index];
        let kind = mix.tensor_type(tensor);
        tensor.packing = None;
        if kind != tensor.tensor_type {
            let name = core::mem::take(&mut tensor.name);
            let Some(quantized) = Tensor::new(name, tensor.dimensions, kind) else {
                return Err(QuantizeError::TooLarge {
                    tensor: model.tensors[index].name.clone(),
                });
            };
            *tensor = quantized;
        }
    }
    Ok(Model {
        name: model.name.clone(),
        architecture: model.architecture.clone(),
        weights_format: file_type.name().to_string(),
        layers: model.layers.clone(),
        tensors,
        quantization: None,
        ..*model
    })
}

/// The order of tensors in files: those of no block first, then block by block, by name.
fn file_order(tensors: &[Tensor]) -> Vec<usize> {
    let blocks: Vec<Option<usize>> = tensors.iter().map(Tensor::block).collect();
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    // Every name is there once.
    order.sort_unstable_by(|&left, &right| {
        let names = || tensors[left].name.cmp(&tensors[right].name);
        blocks[left].cmp(&blocks[right]).then_with(names)
    });
    order
}

/// What the rules look at, and the counters that they advance from tensor to tensor.
struct Mix<'a> {
    file_type: FileType,
    architecture: &'a str,
    has_output: bool,
    layers: u64,
    experts: u64,
    /// Query heads per KV head; 0 where the first block has no KV heads.
    heads_per_kv_head: u64,
    seventy_billion: bool,
    value_tensors: u64,
    values_seen: u64,
    downs_seen: u64,
    gates_seen: u64,
    ups_seen: u64,
}

impl<'a> Mix<'a> {
    fn new(model: &'a Model, file_type: FileType) -> Self {
        let layers = model.layers.len() as u64;
        let experts = model
            .layers
            .iter()
            .filter_map(|layer| layer.feed_forward.experts);
        let value_tensors = model
            .tensors
            .iter()
            .filter(|tensor| Category::of(&tensor.name).counts_as_value())
            .count() as u64;
        Self {
            file_type,
            architecture: &model.architecture,
            has_output: model.tensor("output.weight").is_some(),
            layers,
            experts: experts.map(|experts| experts.count).max().unwrap_or(0),
            heads_per_kv_head: heads_per_kv_head(model),
            seventy_billion: is_seventy_billion(model),
            value_tensors,
            values_seen: 0,
            downs_seen: 0,
            gates_seen: 0,
            ups_seen: 0,
        }
    }

    /// The type of a tensor, to be asked in the order of the file.
    fn tensor_type(&mut self, tensor: &Tensor) -> TensorType {
        // What the checkpoint holds in blocks, the converter takes as it is, and the quantizer refuses
        // to quantize again (`requantizing from type … is disabled`).
        if !category::is_quantized(tensor) || tensor.tensor_type.is_quantized() {
            return tensor.tensor_type;
        }
        let kind = match self.file_type {
            FileType::F32 | FileType::F16 | FileType::Bf16 => self.file_type.base(),
            FileType::Mxfp4 if is_expert_tensor(tensor) => TensorType::Mxfp4,
            FileType::Mxfp4 => tensor.tensor_type,
            _ => self.ruled_type(tensor),
        };
        fallback(kind, tensor.dimensions[0])
    }
}

fn is_expert_tensor(tensor: &Tensor) -> bool {
    tensor.dimensions[2] > 1
}

/// Query heads per KV head as the file's metadata have it for the first block. The gated delta
/// nets give one head count for all blocks, the other hybrids one for each.
fn heads_per_kv_head(model: &Model) -> u64 {
    let ratio = |attention: &Attention| match attention {
        Attention::None => None,
        Attention::Heads(heads) => heads.query_heads.checked_div(heads.kv_heads),
        Attention::Latent(latent) => Some(latent.query_heads),
    };
    let Some(first) = model.layers.first() else {
        return 0;
    };
    let one_for_all = matches!(first.recurrent, Some(RecurrentState::GatedDeltaNet { .. }));
    if one_for_all {
        let mut ratios = model
            .layers
            .iter()
            .filter_map(|layer| ratio(&layer.attention));
        ratios.next().unwrap_or(0)
    } else {
        ratio(&first.attention).unwrap_or(0)
    }
}

/// Whether llama.cpp calls the model a 70B, whose values it does not take below 5 bits.
fn is_seventy_billion(model: &Model) -> bool {
    model.layers.len() == 80
        && match model.architecture.as_str() {
            "llama" => heads_per_kv_head(model) > 1,
            "qwen2" | "deci" => true,
            _ => false,
        }
}

/// The type where `elements` per row are not whole blocks of `kind`.
fn fallback(kind: TensorType, elements: u64) -> TensorType {
    use TensorType as T;
    if elements.is_multiple_of(kind.block_elements()) {
        return kind;
    }
    let smaller = match kind {
        T::Iq1S | T::Iq1M | T::Iq2Xxs | T::Iq2Xs | T::Iq2S | T::Iq3Xxs | T::Iq3S | T::Iq4Xs => {
            T::Iq4Nl
        }
        T::Q2K | T::Q3K | T::Tq1_0 | T::Tq2_0 => T::Q4_0,
        T::Q4K => T::Q5_0,
        T::Q5K => T::Q5_1,
        T::Q6K => T::Q8_0,
        _ => T::F16,
    };
    if elements.is_multiple_of(smaller.block_elements()) {
        smaller
    } else {
        T::F16
    }
}
