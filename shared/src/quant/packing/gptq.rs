//! GPTQ: integers in 32-bit words, a scale and a zero point per group of input channels.
//!
//! Source: GPTQModel 7.7.0, `nn_modules/qlinear/__init__.py` (`PackableQuantLinear`); AutoGPTQ
//! 0.7.1, `qlinear_exllama.py`. vLLM 0.33.0 loads no `g_idx`.

use super::{HALF, Parts, WORD, groups, packed};

/// GPTQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gptq {
    /// Bits of an element.
    pub bits: u32,
    /// Input channels that share a scale; `None` for one group over all of them.
    pub group_size: Option<u32>,
    /// The channels were quantized in the order of their activations (`desc_act`), so that those
    /// of a group lie apart.
    pub act_order: bool,
}

impl Gptq {
    /// Bytes of a matrix; `None` beyond `u64`.
    pub(super) fn parts(self, input: u64, output: u64) -> Option<Parts> {
        let groups = groups(input, self.group_size);
        Some(Parts {
            elements: packed(input, self.bits)?.checked_mul(output)?,
            scales: groups.checked_mul(output)?.checked_mul(HALF)?,
            zeros: groups.checked_mul(packed(output, self.bits)?)?,
            order: input.checked_mul(WORD)?,
            description: 0,
        })
    }
}
