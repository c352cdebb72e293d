//! The largest context, found on the engine's own granularity.

use alloc::collections::BTreeMap;

use super::{Answer, Budget, ByAnswer};
use crate::engine::{EngineError, Plan, Planner};
use crate::gpu::Device;

/// The longest context for one engine setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The longest context whose memory fits, in tokens; 0 where none does.
    pub max_context_length: u64,
    /// The same for each truth, the one asked for included.
    pub max_context_by_answer: ByAnswer<u64>,
    /// Not above what the model was trained for either.
    pub usable_context_length: u64,
    /// What keeps the usable context from being longer.
    pub limit: Limit,
    /// The plan at `max_context_length`, or at the shortest context where none fits.
    pub plan: Plan,
}

/// What keeps a context from being longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Memory.
    Vram,
    /// The context that the model was trained for.
    TrainedContext,
    /// The weights alone, or the shortest context with them, do not fit.
    Weights,
}

impl Limit {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vram => "vram",
            Self::TrainedContext => "trained_context",
            Self::Weights => "weights",
        }
    }
}

/// Whether `plan` fits on `devices` under `budget`.
#[must_use]
pub fn fits(plan: &Plan, devices: &[Device], budget: &Budget) -> bool {
    plan.devices.len() <= devices.len() && room(plan, devices, budget) >= 0
}

/// Bytes free beyond what the plan needs, where they are fewest, or left of what the engine sets
/// apart for its caches; negative where it does not fit.
fn room(plan: &Plan, devices: &[Device], budget: &Budget) -> i128 {
    plan.devices
        .iter()
        .zip(devices)
        .map(|(plan, device)| {
            let free = i128::from(device.free) - i128::from(budget.total(plan));
            match plan.cache_allowance {
                Some(allowance) => free.min(i128::from(allowance) - i128::from(plan.caches())),
                None => free,
            }
        })
        .min()
        .unwrap_or(0)
}

/// The longest context that fits, for the answer asked for and for the others.
///
/// # Errors
/// What the engine refuses at every context length.
pub fn max_context(
    planner: &dyn Planner,
    devices: &[Device],
    budget: &Budget,
    trained_context_length: Option<u64>,
) -> Result<Fit, EngineError> {
    let mut search = Search::new(planner, devices);
    let mut longest = |answer| search.longest_fitting(&Budget { answer, ..*budget });
    let max_context_by_answer = ByAnswer {
        planned: longest(Answer::Planned)?,
        loads: longest(Answer::Loads)?,
        survives: longest(Answer::Survives)?,
    };
    let max_context_length = max_context_by_answer.get(budget.answer);
    let usable_context_length = trained_context_length.map_or(max_context_length, |trained| {
        trained.min(max_context_length)
    });
    let limit = if max_context_length == 0 {
        Limit::Weights
    } else if usable_context_length < max_context_length
        || trained_context_length == Some(max_context_length)
    {
        Limit::TrainedContext
    } else {
        Limit::Vram
    };
    let plan = planner.plan(max_context_length.max(planner.context_step()))?;
    Ok(Fit {
        max_context_length,
        max_context_by_answer,
        usable_context_length,
        limit,
        plan,
    })
}

/// A context in the planner's steps, with the room that it leaves; `None` for sizes beyond `u64`.
#[derive(Clone, Copy)]
struct Tried {
    steps: u64,
    room: Option<i128>,
}

impl Tried {
    fn fits(self) -> bool {
        self.room.is_some_and(|room| room >= 0)
    }
}

/// The plans made so far: what one answer has tried is known to the next.
struct Search<'a> {
    planner: &'a dyn Planner,
    devices: &'a [Device],
    step: u64,
    plans: BTreeMap<u64, Option<Plan>>,
}

impl<'a> Search<'a> {
    fn new(planner: &'a dyn Planner, devices: &'a [Device]) -> Self {
        Self {
            planner,
            devices,
            step: planner.context_step().max(1),
            plans: BTreeMap::new(),
        }
    }

    /// Plans a context, unless that has been done.
    fn at(&mut self, steps: u64, budget: &Budget) -> Result<Tried, EngineError> {
        if !self.plans.contains_key(&steps) {
            let plan = match self.planner.plan(steps.saturating_mul(self.step)) {
                Ok(plan) => Some(plan).filter(|plan| plan.devices.len() <= self.devices.len()),
                // Sizes beyond u64 fit nowhere.
                Err(EngineError::TooLarge) => None,
                Err(error) => return Err(error),
            };
            self.plans.insert(steps, plan);
        }
        Ok(self.tried(steps, budget))
    }

    fn tried(&self, steps: u64, budget: &Budget) -> Tried {
        let plan = self.plans.get(&steps).and_then(Option::as_ref);
        Tried {
            steps,
            room: plan.map(|plan| room(plan, self.devices, budget)),
        }
    }

    /// The largest multiple of the planner's step that fits while the next one does not; 0
    /// where not even one step fits.
    fn longest_fitting(&mut self, budget: &Budget) -> Result<u64, EngineError> {
        let limit = self.planner.context_limit() / self.step;
        if limit == 0 || !self.at(1, budget)?.fits() {
            return Ok(0);
        }
        if self.at(limit, budget)?.fits() {
            return Ok(limit * self.step);
        }
        let (mut fitting, mut exceeding) = self.bracket(limit, budget);
        let mut halve = false;
        while exceeding.steps - fitting.steps > 1 {
            let width = exceeding.steps - fitting.steps;
            let offset = if halve {
                width / 2
            } else {
                crossing(fitting, exceeding)
            };
            let tried = self.at(fitting.steps + offset.clamp(1, width - 1), budget)?;
            if tried.fits() {
                fitting = tried;
            } else {
                exceeding = tried;
            }
            // Memory grows nearly in a line, which finds the place in a few tries. Where it
            // bends, halving keeps the search from creeping.
            halve = exceeding.steps - fitting.steps > width / 2;
        }
        Ok(fitting.steps * self.step)
    }

    /// The first context tried that does not fit, and the last one before it.
    fn bracket(&self, limit: u64, budget: &Budget) -> (Tried, Tried) {
        let mut fitting = self.tried(1, budget);
        for &steps in self.plans.keys() {
            let tried = self.tried(steps, budget);
            if !tried.fits() {
                return (fitting, tried);
            }
            fitting = tried;
        }
        (fitting, self.tried(limit, budget))
    }
}

/// Steps after `fitting` where a line to `exceeding` leaves no room.
fn crossing(fitting: Tried, exceeding: Tried) -> u64 {
    let width = exceeding.steps - fitting.steps;
    let (Some(left), Some(missing)) = (fitting.room, exceeding.room) else {
        return width / 2;
    };
    let offset = i128::from(width) * left / (left - missing).max(1);
    u64::try_from(offset).unwrap_or(width / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CacheTypes, Details, DevicePlan, Explanation, Figure, HostPlan};
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;
    use core::cell::Cell;

    /// Memory that grows in a line up to a window, and in another after it.
    struct Bent {
        base: u64,
        slopes: [u64; 2],
        window: u64,
        square: u64,
        step: u64,
        plans: Cell<u32>,
    }

    impl Planner for Bent {
        fn context_step(&self) -> u64 {
            self.step
        }

        fn context_limit(&self) -> u64 {
            1 << 31
        }

        fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
            self.plans.set(self.plans.get() + 1);
            let near = context_length.min(self.window);
            let kv_cache = self.base
                + near * self.slopes[0]
                + context_length.saturating_sub(self.window) * self.slopes[1];
            let squared = context_length
                .checked_mul(context_length)
                .and_then(|square| square.checked_mul(self.square))
                .ok_or(EngineError::TooLarge)?;
            Ok(Plan {
                context_length,
                cache_types: CacheTypes {
                    key: String::new(),
                    value: String::new(),
                },
                devices: vec![DevicePlan {
                    name: String::new(),
                    weights: Figure::exact(0),
                    kv_cache: Figure::exact(kv_cache),
                    recurrent_state: Figure::exact(0),
                    compute: Figure::exact(squared),
                    start_overhead: Figure::exact(1 << 28),
                    growth: Figure::exact(context_length * 7),
                    cache_allowance: None,
                }],
                host: HostPlan::default(),
                details: Details::None,
            })
        }

        fn explain(&self, _: &Plan) -> Vec<Explanation> {
            Vec::new()
        }
    }

    #[test]
    fn the_longest_fits_and_the_next_does_not() {
        let mut seed = 7_u64;
        let mut random = |limit: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % limit
        };
        let mut most_plans = 0;
        for _ in 0..2_000 {
            let planner = Bent {
                base: random(40 << 30),
                slopes: [random(1 << 20), random(1 << 20)],
                window: 1 + random(1 << 17),
                square: if random(2) == 0 { 0 } else { random(16) },
                step: 1 + random(1024),
                plans: Cell::new(0),
            };
            let devices = [Device::with_free(String::new(), random(48 << 30))];
            let fit = max_context(&planner, &devices, &Budget::default(), None).unwrap();
            most_plans = most_plans.max(planner.plans.get());
            for answer in Answer::ALL {
                let budget = Budget {
                    answer,
                    ..Budget::default()
                };
                let longest = fit.max_context_by_answer.get(answer);
                let fits_at = |context: u64| {
                    planner
                        .plan(context)
                        .is_ok_and(|plan| fits(&plan, &devices, &budget))
                };
                let next = longest + planner.step;
                assert!(longest == 0 || fits_at(longest));
                assert!(next > planner.context_limit() || !fits_at(next));
            }
        }
        assert!(most_plans <= 90, "{most_plans} plans");
    }
}
