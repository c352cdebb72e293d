//! The other formats that a model's weights can be had in.

use shared::catalogue::Entry;
use shared::model::Model;
use shared::quant::{FileType, quantize};

/// Formats that people publish, widest first.
const PUBLISHED: [FileType; 16] = [
    FileType::Q8_0,
    FileType::Q6K,
    FileType::Q5KM,
    FileType::Q5KS,
    FileType::Q4KM,
    FileType::Q4KS,
    FileType::Iq4Xs,
    FileType::Q3KL,
    FileType::Q3KM,
    FileType::Q3KS,
    FileType::Iq3Xxs,
    FileType::Q2K,
    FileType::Iq2M,
    FileType::Iq2S,
    FileType::Iq2Xs,
    FileType::Iq2Xxs,
];

/// Where the weights can be had in other formats from, if nobody asked for one.
pub(super) enum Origin {
    /// The weights are as they are.
    Fixed,
    /// An entry of the catalogue.
    Entry(&'static Entry),
    /// The model as its checkpoint stores it.
    Checkpoint(Box<Model>),
}

impl Origin {
    /// The model in each published format that takes less than `model` itself, widest first.
    pub(super) fn lighter<'a>(
        &'a self,
        model: &'a Model,
    ) -> impl Iterator<Item = (FileType, Model)> + 'a {
        let in_format = move |file_type| match self {
            Self::Fixed => None,
            Self::Entry(entry) => entry.model(Some(file_type)).ok(),
            Self::Checkpoint(checkpoint) => quantize(checkpoint, file_type).ok(),
        };
        PUBLISHED
            .into_iter()
            .filter_map(move |file_type| Some((file_type, in_format(file_type)?)))
            .filter(|(_, lighter)| lighter.weights_bytes() < model.weights_bytes())
    }
}
