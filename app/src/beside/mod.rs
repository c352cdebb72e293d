//! What runs beside the model: a draft model, a projector for images and sound, LoRA adapters.
//!
//! What was chosen is part of the state; files of it are kept as they were read. Only the whole
//! program makes settings of them.

#[cfg(feature = "whole")]
mod settings;

use std::sync::Arc;

use shared::engine::llama_cpp::Additions;
use shared::model::{Projector, Tensor};

#[cfg(feature = "whole")]
pub use self::settings::beside;
use crate::model::{Chosen, Loaded, ModelError};
use crate::question::Problem;
use crate::state::{BesideChoice, ModelChoice};

/// A place for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The model that drafts.
    Draft,
    /// The projector.
    Projector,
    /// Adapters.
    Adapters,
}

/// Files that were read here.
#[derive(Debug, Clone, Default)]
pub struct BesideFiles {
    /// The model that drafts.
    pub draft: Option<Arc<Loaded>>,
    /// The projector, and its file's name.
    pub projector: Option<(String, Arc<Projector>)>,
    /// Adapters, and their files' names.
    pub adapters: Vec<(String, Arc<Vec<Tensor>>)>,
}

impl BesideFiles {
    /// Whether both hold the very same files.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let draft = |files: &Self| files.draft.as_ref().map(Arc::as_ptr);
        let projector = |files: &Self| files.projector.as_ref().map(|(_, file)| Arc::as_ptr(file));
        let adapters = self.adapters.iter().zip(&other.adapters);
        draft(self) == draft(other)
            && projector(self) == projector(other)
            && self.adapters.len() == other.adapters.len()
            && adapters
                .into_iter()
                .all(|((_, one), (_, other))| Arc::ptr_eq(one, other))
    }
}

/// What came of the choice.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The model that drafts, with its weights.
    pub draft: Option<Result<Chosen, ModelError>>,
    /// The settings for the engine.
    pub additions: Additions,
    /// What is wrong with the choice.
    pub problems: Vec<Problem>,
}

/// What the program that the page opens with has no room for.
#[cfg(not(feature = "whole"))]
#[must_use]
pub fn beside(_: &BesideChoice, _: &BesideFiles) -> Beside {
    Beside::default()
}

impl BesideChoice {
    /// Whether nothing runs beside the model.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.draft.is_none() && self.projector.is_none() && self.adapters.is_empty()
    }

    /// Adds an adapter, once.
    pub fn add_adapter(&mut self, file: &str) {
        if !self.adapters.iter().any(|name| name == file) {
            self.adapters.push(file.into());
        }
    }

    /// The name of the model that drafts, as entered.
    #[must_use]
    pub fn draft_name(&self) -> &str {
        match &self.draft {
            Some(ModelChoice::Named(name) | ModelChoice::File(name)) => name,
            None => "",
        }
    }
}
