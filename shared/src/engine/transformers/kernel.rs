//! What the kernels for GPTQ weights keep on each GPU beside them.
//!
//! Source: GPTQModel 7.7.0, `utils/model.py` (`gptqmodel_post_init`), `qlinear/exllamav2.py`,
//! `utils/marlin.py`; AutoGPTQ 0.7.1, `modeling/_utils.py` (`autogptq_post_init`),
//! `qlinear_exllamav2.py`.

use crate::model::Tensor;
use crate::quant::{Gptq, Linear, Packing};

use super::settings::Profile;

/// A kernel for GPTQ weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Marlin.
    Marlin,
    /// ExLlama, second version.
    ExllamaV2,
    /// ExLlama, first version (AutoGPTQ alone).
    Exllama,
    /// Triton.
    Triton,
    /// Plain PyTorch.
    Torch,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Self; 5] = [
        Self::Marlin,
        Self::ExllamaV2,
        Self::Exllama,
        Self::Triton,
        Self::Torch,
    ];

    /// The name in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Marlin => "marlin",
            Self::ExllamaV2 => "exllama_v2",
            Self::Exllama => "exllama",
            Self::Triton => "triton",
            Self::Torch => "torch",
        }
    }

    /// The kernel of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name)
    }

    /// What the package chooses for these weights on a GPU of this compute capability: the first
    /// in its order of preference that takes them.
    pub(super) fn chosen(
        profile: Profile,
        weights: Gptq,
        compute_capability: Option<(u32, u32)>,
    ) -> Self {
        let four = weights.bits == 4;
        match profile {
            Profile::AutoGptq if four => Self::ExllamaV2,
            Profile::AutoGptq => Self::Torch,
            Profile::Transformers | Profile::GptqModel => {
                let grouped = weights
                    .group_size
                    .is_none_or(|size| [32, 64, 128].contains(&size));
                let marlin = compute_capability.is_none_or(|capability| capability >= (7, 5));
                match weights.bits {
                    4 | 8 if grouped && marlin => Self::Marlin,
                    4 if grouped => Self::ExllamaV2,
                    2 | 4 | 8 => Self::Triton,
                    _ => Self::Torch,
                }
            }
        }
    }

    /// Bytes that the kernel keeps for these matrices on one GPU, whatever the context; `None`
    /// beyond `u64`.
    pub(super) fn scratch<'a>(self, tensors: impl Iterator<Item = &'a Tensor>) -> Option<u64> {
        let mut largest = 0;
        let mut widest = 0;
        let mut act_order = false;
        let mut matrices: u64 = 0;
        for tensor in tensors {
            let Some(Packing::Gptq(gptq)) = tensor.packing else {
                continue;
            };
            let Linear {
                input,
                output,
                count,
            } = Linear::of(tensor);
            let elements = input.checked_mul(output)?;
            let bytes = match self {
                // A matrix in 16 bits, and the results of 8 sequences of 2,048 tokens.
                Self::ExllamaV2 => {
                    let matrix = elements.checked_mul(2)?.checked_add(128)?;
                    let results = output.checked_mul(2_048 * 8 * 4)?.checked_add(128)?;
                    matrix.checked_add(results)?
                }
                Self::Exllama => elements.checked_mul(2)?,
                Self::Marlin | Self::Triton | Self::Torch => 0,
            };
            largest = bytes.max(largest);
            widest = input.max(output).max(widest);
            act_order |= gptq.act_order;
            matrices = matrices.checked_add(count)?;
        }
        match self {
            // Rows of the input in the order of the channels: one, or as many as a prompt may
            // have by default.
            Self::Exllama if matrices > 0 => {
                let rows: u64 = if act_order { 2_048 } else { 1 };
                rows.checked_mul(widest)?
                    .checked_mul(2)?
                    .checked_add(largest)
            }
            // Locks of each matrix: a word for each of up to 188 multiprocessors.
            Self::Marlin => matrices.checked_mul(4 * 188),
            _ => Some(largest),
        }
    }
}
