//! Mixtures of experts.

use super::Part;
use crate::model::Experts;
use crate::quant::TensorType;
use crate::source::hf::draft::Block;

/// A mixture of experts.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct Mixture {
    /// Experts to choose from.
    pub count: u64,
    /// Experts that each token uses.
    pub used: u64,
    /// Hidden width of one expert.
    pub length: u64,
    /// The router's scores have a bias.
    pub router_bias: bool,
    /// A bias that only the choice of experts uses (`e_score_correction_bias`).
    pub selection_bias: bool,
    /// The experts' matrices have biases.
    pub expert_bias: bool,
    /// How the experts are gated.
    pub gate: ExpertGate,
    /// The experts that every token uses.
    pub shared: Option<SharedExperts>,
    /// The width in which the experts work where it is not the stream's.
    pub latent: Option<u64>,
    /// The type that the checkpoint itself stores the experts in.
    pub stored_as: Option<TensorType>,
}

/// How experts are gated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source::hf) enum ExpertGate {
    /// By matrices of their own.
    Separate,
    /// By matrices that the checkpoint stores together with those that go up.
    Fused,
    /// Not at all.
    None,
}

/// The experts that every token uses, as one network.
#[derive(Debug, Clone, Copy)]
pub(in crate::source::hf) struct SharedExperts {
    /// Hidden width.
    pub length: u64,
    /// How much they count is learned.
    pub weighted: bool,
    /// Their matrices have biases.
    pub bias: bool,
}

impl SharedExperts {
    /// Shared experts without a weight; `None` where the width is 0.
    pub(in crate::source::hf) fn of(length: u64) -> Option<Self> {
        (length > 0).then_some(Self {
            length,
            weighted: false,
            bias: false,
        })
    }
}

impl Mixture {
    /// Gated experts without biases.
    pub(in crate::source::hf) const fn new(count: u64, used: u64, length: u64) -> Self {
        Self {
            count,
            used,
            length,
            router_bias: false,
            selection_bias: false,
            expert_bias: false,
            gate: ExpertGate::Separate,
            shared: None,
            latent: None,
            stored_as: None,
        }
    }

    fn experts(&self, block: &mut Block<'_>, name: &str, input: u64, output: u64) {
        let dimensions = [input, output, self.count];
        let weight = alloc::format!("{name}.weight");
        match self.stored_as {
            Some(kind) => block.typed_tensor(&weight, &dimensions, kind),
            None => block.tensor(&weight, &dimensions),
        }
        if self.expert_bias {
            block.tensor(&alloc::format!("{name}.bias"), &[output, self.count]);
        }
    }
}

impl Part for Mixture {
    fn write(&self, block: &mut Block<'_>) {
        let embedding = block.embedding();
        block.linear("ffn_gate_inp", embedding, self.count, self.router_bias);
        if self.selection_bias {
            block.tensor("exp_probs_b.bias", &[self.count]);
        }
        let width = self.latent.unwrap_or(embedding);
        if let Some(latent) = self.latent {
            block.linear("ffn_latent_down", embedding, latent, false);
            block.linear("ffn_latent_up", latent, embedding, false);
        }
        match self.gate {
            ExpertGate::Separate => {
                self.experts(block, "ffn_gate_exps", width, self.length);
                self.experts(block, "ffn_up_exps", width, self.length);
            }
            ExpertGate::Fused => {
                let both = self.length.saturating_mul(2);
                self.experts(block, "ffn_gate_up_exps", width, both);
            }
            ExpertGate::None => self.experts(block, "ffn_up_exps", width, self.length),
        }
        self.experts(block, "ffn_down_exps", self.length, width);
        if let Some(shared) = self.shared {
            if self.gate != ExpertGate::None {
                block.linear("ffn_gate_shexp", embedding, shared.length, shared.bias);
            }
            block.linear("ffn_up_shexp", embedding, shared.length, shared.bias);
            block.linear("ffn_down_shexp", shared.length, embedding, shared.bias);
            if shared.weighted {
                block.tensor("ffn_gate_inp_shexp.weight", &[embedding]);
            }
        }
        block.layer.feed_forward.experts = Some(Experts {
            count: self.count,
            used: self.used,
            length: self.length,
            shared_length: self.shared.map_or(0, |shared| shared.length),
            routing: block.routing(),
        });
    }
}
