//! Devices: what an engine can be placed on, live readings, and the catalogue of cards.

mod card_name;
mod card_table;
mod cards;
mod fragment;
mod problem;
mod reading;

pub use card_table::CARDS;
pub use cards::{
    Allocatable, AllocatableBasis, Card, CardClass, CardError, Vendor, find_card, multiprocessors,
    search_cards,
};
pub use problem::{ProbeProblem, ProblemCode};
pub use reading::{GpuFailure, GpuReading, GpuReport, Mig, MigInstance, REPORT_SCHEMA};

use alloc::string::String;

/// A GPU as a plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Name shown to people.
    pub name: String,
    /// Bytes free now.
    pub free: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
    /// CUDA compute capability as major and minor, where known.
    pub compute_capability: Option<(u32, u32)>,
}

impl Device {
    /// A device of which only the free memory is known.
    #[must_use]
    pub fn with_free(name: String, free: u64) -> Self {
        Self {
            name,
            free,
            total: None,
            compute_capability: None,
        }
    }
}
