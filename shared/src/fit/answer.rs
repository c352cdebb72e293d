//! Which truth an answer tells, and what is set aside before it.

use crate::engine::{DevicePlan, Figure, Reserve};

/// Which truth an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Answer {
    /// The buffers that the engine plans, the margin, and the runtime overhead if one was given.
    Planned,
    /// And what the engine takes beyond them to start.
    Loads,
    /// And what grows while a prompt fills the context.
    #[default]
    Survives,
}

impl Answer {
    /// All of them, most optimistic first.
    pub const ALL: [Self; 3] = [Self::Planned, Self::Loads, Self::Survives];

    /// The name in options and output: `planned`, `loads`, `survives`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Loads => "loads",
            Self::Survives => "survives",
        }
    }

    /// The answer of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }
}

/// One value for each truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ByAnswer<T> {
    /// For [`Answer::Planned`].
    pub planned: T,
    /// For [`Answer::Loads`].
    pub loads: T,
    /// For [`Answer::Survives`].
    pub survives: T,
}

impl<T: Copy> ByAnswer<T> {
    /// The value for `answer`.
    #[must_use]
    pub fn get(&self, answer: Answer) -> T {
        match answer {
            Answer::Planned => self.planned,
            Answer::Loads => self.loads,
            Answer::Survives => self.survives,
        }
    }
}

/// What is set aside on every device before a plan fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes kept free on every device.
    pub safety_margin: u64,
    /// Bytes that replace our estimate of what the engine takes to start, where given.
    pub runtime_overhead: Option<u64>,
    /// Which truth is asked for.
    pub answer: Answer,
}

impl Budget {
    /// The margin of the original program: 500 MiB.
    pub const DEFAULT_SAFETY_MARGIN: u64 = 500 * 1024 * 1024;

    /// What must stay free beside what the engine takes.
    #[must_use]
    pub fn reserve(&self) -> Reserve {
        Reserve {
            safety_margin: self.safety_margin,
            runtime_overhead: self.runtime_overhead,
        }
    }

    /// What the device takes beyond the planned buffers under this budget's answer.
    #[must_use]
    pub fn overhead(&self, device: &DevicePlan) -> Figure {
        let start = self.runtime_overhead.map(Figure::exact);
        match self.answer {
            Answer::Planned => start.unwrap_or(Figure::exact(0)),
            Answer::Loads => start.unwrap_or(device.start_overhead),
            Answer::Survives => {
                let start = start.unwrap_or(device.start_overhead);
                let basis = if device.growth.bytes == 0 {
                    start.basis
                } else {
                    device.growth.basis
                };
                Figure {
                    bytes: start.bytes.saturating_add(device.growth.bytes),
                    basis,
                }
            }
        }
    }

    /// All that must be free on the device for the plan to fit; saturating.
    #[must_use]
    pub fn total(&self, device: &DevicePlan) -> u64 {
        device
            .planned()
            .saturating_add(self.overhead(device).bytes)
            .saturating_add(self.safety_margin)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            safety_margin: Self::DEFAULT_SAFETY_MARGIN,
            runtime_overhead: None,
            answer: Answer::default(),
        }
    }
}
