//! What a person has chosen, as entered: the whole state of the page but for files.

mod query;

pub use query::{from_query, to_query};

use shared::engine::Precision;
use shared::fit::Answer;
use shared::gpu::{Card, Device};

use crate::engines::{BACKENDS, Settings};
use crate::number::mebibytes;

/// Everything that the address carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The model.
    pub model: ModelChoice,
    /// The weights' format by its name; empty for the model's own.
    pub quant: String,
    /// The engine's name.
    pub backend: String,
    /// Settings of the engine that differ from its defaults.
    pub settings: Settings,
    /// The GPUs; at least one.
    pub gpus: Vec<GpuChoice>,
    /// The answer that the rest of the page looks at.
    pub focus: Focus,
    /// A context to plan for, as entered; empty for the longest.
    pub context: String,
    /// Which truth is asked for.
    pub answer: Answer,
    /// Memory kept free, as entered; empty for the default.
    pub margin: String,
    /// What replaces our estimate of the engine's start, as entered; empty for the estimate.
    pub overhead: String,
    /// The port of the probe on this machine; empty for its own.
    pub probe: String,
    /// What runs beside the model.
    pub beside: BesideChoice,
}

/// What runs beside the model, as chosen. Its numbers are settings of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BesideChoice {
    /// A model that drafts tokens.
    pub draft: Option<ModelChoice>,
    /// The format of its weights by its name; empty for its own.
    pub draft_quant: String,
    /// A file with encoders of images and sound, by its name.
    pub projector: Option<String>,
    /// Files of LoRA adapters, by their names.
    pub adapters: Vec<String>,
}

/// The model asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelChoice {
    /// A name, as entered: a tag of the catalogue, or something that is not.
    Named(String),
    /// A file that was read here, by its name. The address cannot carry more of it.
    File(String),
}

/// A GPU asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GpuChoice {
    /// Its name, from the catalogue or from the probe; empty where only memory is known.
    pub name: String,
    /// Free memory as entered.
    pub free: String,
}

impl GpuChoice {
    /// The fields for a device whose memory is known.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        Self {
            name: device.name.clone(),
            free: mebibytes(device.free),
        }
    }

    /// The fields for a card of the catalogue: what is free while nothing else uses it.
    #[must_use]
    pub fn of_card(card: &Card) -> Self {
        Self {
            name: card.name.into(),
            free: mebibytes(card.allocatable().bytes),
        }
    }
}

/// One of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Focus {
    /// With the KV cache in a precision.
    Precision(Precision),
    /// With exact types of the engine's own.
    Exact,
}

impl Focus {
    /// The name in the address and in test hooks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Precision(Precision::Fp16) => "fp16",
            Self::Precision(Precision::Int8) => "int8",
            Self::Precision(Precision::Int4) => "int4",
            Self::Exact => "exact",
        }
    }

    /// The answer of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "exact" {
            return Some(Self::Exact);
        }
        Precision::from_name(name).map(Self::Precision)
    }
}

impl Default for State {
    /// The question that the page opens with, solved.
    fn default() -> Self {
        Self {
            model: ModelChoice::Named("qwen3:8b".into()),
            quant: String::new(),
            backend: BACKENDS[0].name.into(),
            settings: Settings::new(),
            gpus: vec![GpuChoice {
                name: "GeForce RTX 4090".into(),
                free: "24,064 MiB".into(),
            }],
            probe: String::new(),
            beside: BesideChoice::default(),
            focus: Focus::Precision(Precision::Fp16),
            context: String::new(),
            answer: Answer::default(),
            margin: String::new(),
            overhead: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::gpu::find_card;

    #[test]
    fn the_page_opens_with_a_card_of_the_catalogue() {
        let card = find_card("RTX 4090").unwrap();
        assert_eq!(State::default().gpus, [GpuChoice::of_card(card)]);
    }
}
