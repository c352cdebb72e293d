//! The memory of a plan in parts: what the bar and the list draw.

use shared::engine::{Basis, Component, DevicePlan, Figure, Plan};
use shared::fit::{Answer, Budget};
use shared::gpu::Device;

/// A part of a device's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// What other programs hold.
    InUse,
    /// Tensors of the model.
    Weights,
    /// Keys and values.
    KvCache,
    /// State of recurrent layers.
    RecurrentState,
    /// Buffers for intermediate results.
    Compute,
    /// What the engine takes beyond its buffers.
    Runtime,
    /// What is kept free.
    Margin,
}

impl Part {
    /// The parts of a plan, in the order of the bar.
    pub const PLANNED: [Self; 6] = [
        Self::Weights,
        Self::KvCache,
        Self::RecurrentState,
        Self::Compute,
        Self::Runtime,
        Self::Margin,
    ];

    /// The name in styles and test hooks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InUse => "in-use",
            Self::Weights => "weights",
            Self::KvCache => "kv",
            Self::RecurrentState => "state",
            Self::Compute => "compute",
            Self::Runtime => "overhead",
            Self::Margin => "margin",
        }
    }

    /// The components that explain the part under this budget.
    #[must_use]
    pub fn components(self, budget: &Budget) -> &'static [Component] {
        match self {
            Self::Weights => &[Component::Weights],
            Self::KvCache => &[Component::KvCache],
            Self::RecurrentState => &[Component::RecurrentState],
            Self::Compute => &[Component::Compute],
            Self::Runtime => match (budget.answer, budget.runtime_overhead) {
                (Answer::Survives, None) => &[Component::StartOverhead, Component::Growth],
                (Answer::Survives, Some(_)) => &[Component::Growth],
                (Answer::Loads, None) => &[Component::StartOverhead],
                _ => &[],
            },
            Self::InUse | Self::Margin => &[],
        }
    }

    /// The part of one device's plan.
    #[must_use]
    pub fn figure(self, plan: &DevicePlan, budget: &Budget) -> Figure {
        match self {
            Self::Weights => plan.weights,
            Self::KvCache => plan.kv_cache,
            Self::RecurrentState => plan.recurrent_state,
            Self::Compute => plan.compute,
            Self::Runtime => budget.overhead(plan),
            Self::Margin => Figure::exact(budget.safety_margin),
            Self::InUse => Figure::exact(0),
        }
    }
}

/// The part on all devices together. The sum is as uncertain as its widest term.
#[must_use]
pub fn sum(part: Part, plan: &Plan, budget: &Budget) -> Figure {
    add(plan
        .devices
        .iter()
        .map(|device| part.figure(device, budget)))
}

/// All parts on all devices together.
#[must_use]
pub fn total(plan: &Plan, budget: &Budget) -> u64 {
    plan.devices
        .iter()
        .fold(0, |sum, device| sum.saturating_add(budget.total(device)))
}

fn add(figures: impl Iterator<Item = Figure>) -> Figure {
    figures.fold(Figure::exact(0), |sum, figure| Figure {
        bytes: sum.bytes.saturating_add(figure.bytes),
        basis: wider(sum.basis, figure.basis),
    })
}

fn wider(one: Basis, other: Basis) -> Basis {
    match (one, other) {
        (Basis::Exact, basis) | (basis, Basis::Exact) => basis,
        (
            Basis::Estimate {
                below_permille: below,
                above_permille: above,
            },
            Basis::Estimate {
                below_permille,
                above_permille,
            },
        ) => Basis::Estimate {
            below_permille: below.max(below_permille),
            above_permille: above.max(above_permille),
        },
    }
}

/// One device's bar, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The device's name.
    pub name: String,
    /// The parts from the left, empty ones left out.
    pub parts: Vec<(Part, u64)>,
    /// Where the device's memory ends.
    pub end: u64,
    /// Bytes left before the end.
    pub left: u64,
    /// Bytes past the end.
    pub over: u64,
}

/// Bytes that others hold of the device, where its whole size is known.
#[must_use]
pub fn used(device: &Device) -> u64 {
    device
        .total
        .map_or(0, |total| total.saturating_sub(device.free))
}

/// The device's bar: what others hold, then the plan. Where the device's whole size is not known
/// the bar ends with what is free.
#[must_use]
pub fn bar(plan: &DevicePlan, device: &Device, budget: &Budget) -> Bar {
    let used = used(device);
    let planned = Part::PLANNED
        .into_iter()
        .map(|part| (part, part.figure(plan, budget).bytes));
    let needed = budget.total(plan);
    Bar {
        name: device.name.clone(),
        parts: [(Part::InUse, used)]
            .into_iter()
            .chain(planned)
            .filter(|&(_, bytes)| bytes > 0)
            .collect(),
        end: used.saturating_add(device.free),
        left: device.free.saturating_sub(needed),
        over: needed.saturating_sub(device.free),
    }
}

/// Bytes that the bars' width stands for: the largest end, or what runs past it.
#[must_use]
pub fn scale(bars: &[Bar]) -> u64 {
    bars.iter()
        .map(|bar| bar.end.saturating_add(bar.over))
        .max()
        .unwrap_or(0)
        .max(1)
}

/// `part` of `whole` in hundredths of a percent.
#[must_use]
pub fn share(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 10_000 / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// A share as CSS writes it: `12.34%`.
#[must_use]
pub fn percent(share: u64) -> String {
    format!("{}.{:02}%", share / 100, share % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;
    use crate::state::{GpuChoice, State};

    fn opened(free: &str) -> (Plan, Device, Budget) {
        let mut state = State::default();
        state.gpus[0] = GpuChoice {
            name: String::new(),
            free: free.into(),
        };
        let question = asked(&state).unwrap();
        let fit = question.fit(state.focus).unwrap();
        (fit.plan, question.devices[0].clone(), question.budget)
    }

    #[test]
    fn parts_add_up_to_the_total() {
        let (plan, device, budget) = opened("20 GiB");
        let bar = bar(&plan.devices[0], &device, &budget);
        let parts: u64 = bar.parts.iter().map(|(_, bytes)| bytes).sum();
        assert_eq!(parts, total(&plan, &budget));
        assert_eq!(bar.end, bar.left + parts);
        assert_eq!(bar.over, 0);
        assert_eq!(scale(&[bar]), 20 << 30);
    }

    #[test]
    fn what_others_hold_comes_first() {
        let (plan, mut device, budget) = opened("20 GiB");
        device.total = Some(24 << 30);
        let bar = bar(&plan.devices[0], &device, &budget);
        assert_eq!(bar.parts[0], (Part::InUse, 4 << 30));
        assert_eq!(bar.end, 24 << 30);
    }

    #[test]
    fn overflow_is_drawn_past_the_end() {
        let (plan, device, budget) = opened("3 GiB");
        let bar = bar(&plan.devices[0], &device, &budget);
        assert_eq!(bar.end, 3 << 30);
        assert!(bar.over > 0);
        assert_eq!(scale(std::slice::from_ref(&bar)), bar.end + bar.over);
    }

    #[test]
    fn a_sum_is_as_uncertain_as_its_widest_term() {
        let estimate = |below_permille, above_permille| Basis::Estimate {
            below_permille,
            above_permille,
        };
        assert_eq!(wider(Basis::Exact, estimate(1, 2)), estimate(1, 2));
        assert_eq!(wider(estimate(3, 1), estimate(1, 2)), estimate(3, 2));
        assert_eq!(percent(share(1, 3)), "33.33%");
    }
}
