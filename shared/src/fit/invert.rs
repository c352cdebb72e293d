//! The largest context, found on the engine's own granularity.

use alloc::vec::Vec;

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
    /// The most tokens that the engine takes, whatever the memory.
    Engine,
}

impl Limit {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vram => "vram",
            Self::TrainedContext => "trained_context",
            Self::Weights => "weights",
            Self::Engine => "engine_limit",
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
    let mut search = Search::new(planner, devices, budget);
    // In this order each answer starts from what the one before it found.
    let survives = search.longest(Answer::Survives)?;
    let loads = search.longest(Answer::Loads)?;
    let planned = search.longest(Answer::Planned)?;
    let max_context_by_answer = ByAnswer {
        planned,
        loads,
        survives,
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
    } else if max_context_length >= search.longest_taken() {
        Limit::Engine
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

/// Tokens that nearly every pair of model and card has room for.
const USUAL_CONTEXT: u64 = 8_192;

/// A context in the planner's steps, with the room that it leaves for each answer; `None` for
/// sizes beyond `u64`.
#[derive(Clone, Copy)]
struct Tried {
    steps: u64,
    room: Option<ByAnswer<i128>>,
}

impl Tried {
    fn room(&self, answer: Answer) -> Option<i128> {
        self.room.map(|room| room.get(answer))
    }

    fn fits(&self, answer: Answer) -> bool {
        self.room(answer).is_some_and(|room| room >= 0)
    }
}

/// The search for the longest context of each answer. A plan serves them all.
struct Search<'a> {
    planner: &'a dyn Planner,
    devices: &'a [Device],
    budget: &'a Budget,
    step: u64,
    /// The longest context that the engine takes, in steps.
    limit: u64,
    /// In order of their steps.
    tried: Vec<Tried>,
}

impl<'a> Search<'a> {
    fn new(planner: &'a dyn Planner, devices: &'a [Device], budget: &'a Budget) -> Self {
        let step = planner.context_step().max(1);
        Self {
            planner,
            devices,
            budget,
            step,
            limit: planner.context_limit() / step,
            tried: Vec::with_capacity(32),
        }
    }

    /// The longest context that the engine takes, in tokens.
    fn longest_taken(&self) -> u64 {
        self.limit.saturating_mul(self.step)
    }

    /// Plans for this many steps, once.
    fn at(&mut self, steps: u64) -> Result<Tried, EngineError> {
        let place = match self.tried.binary_search_by_key(&steps, |tried| tried.steps) {
            Ok(place) => return Ok(self.tried[place]),
            Err(place) => place,
        };
        let room = match self.planner.plan(steps.saturating_mul(self.step)) {
            Ok(plan) if plan.devices.len() > self.devices.len() => None,
            Ok(plan) => {
                let of = |answer| {
                    let budget = Budget {
                        answer,
                        ..*self.budget
                    };
                    room(&plan, self.devices, &budget)
                };
                Some(ByAnswer {
                    planned: of(Answer::Planned),
                    loads: of(Answer::Loads),
                    survives: of(Answer::Survives),
                })
            }
            // Sizes beyond u64 fit nowhere.
            Err(EngineError::TooLarge) => None,
            Err(error) => return Err(error),
        };
        let tried = Tried { steps, room };
        self.tried.insert(place, tried);
        Ok(tried)
    }

    /// The largest multiple of the planner's step that fits while the next one does not; 0
    /// where not even one step fits.
    fn longest(&mut self, answer: Answer) -> Result<u64, EngineError> {
        if self.limit == 0 {
            return Ok(0);
        }
        // Mostly fits, and lies beyond the bends of short contexts.
        let usual = (USUAL_CONTEXT / self.step).clamp(1, self.limit);
        if !self.at(usual)?.fits(answer) && !self.at(1)?.fits(answer) {
            return Ok(0);
        }
        if self.at(self.limit)?.fits(answer) {
            return Ok(self.longest_taken());
        }
        let mut halve = false;
        loop {
            // The last that fits, and the one tried next after it.
            let last = self.tried.iter().rposition(|tried| tried.fits(answer));
            let place = last.unwrap_or(0);
            let (fitting, exceeding) = match self.tried.get(place..) {
                Some([fitting, exceeding, ..]) => (*fitting, *exceeding),
                _ => return Ok(0),
            };
            let width = exceeding.steps - fitting.steps;
            if width <= 1 {
                return Ok(fitting.steps.saturating_mul(self.step));
            }
            let offset = if halve {
                width / 2
            } else {
                crossing(fitting, exceeding, answer)
            };
            let offset = offset.clamp(1, width - 1);
            let mut tried = self.at(fitting.steps + offset)?;
            // Memory grows nearly in a line, so that this is close: the place is mostly found
            // with the neighbour.
            let neighbour = if tried.fits(answer) {
                tried.steps + 1
            } else {
                tried.steps - 1
            };
            if !halve && neighbour > fitting.steps && neighbour < exceeding.steps {
                tried = self.at(neighbour)?;
            }
            let left = if tried.fits(answer) {
                exceeding.steps - tried.steps
            } else {
                tried.steps - fitting.steps
            };
            // Where it bends, halving keeps the search from creeping.
            halve = !halve && left > width / 2 && width > 64;
        }
    }
}

/// Steps after `fitting` where a line to `exceeding` leaves no room.
fn crossing(fitting: Tried, exceeding: Tried, answer: Answer) -> u64 {
    let width = exceeding.steps - fitting.steps;
    let (Some(left), Some(missing)) = (fitting.room(answer), exceeding.room(answer)) else {
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
    fn what_does_not_grow_is_limited_by_the_engine() {
        let planner = Bent {
            base: 1 << 20,
            slopes: [0, 0],
            window: 0,
            square: 0,
            step: 256,
            plans: Cell::new(0),
        };
        let devices = [Device::with_free(String::new(), 64 << 30)];
        let fit = |trained| max_context(&planner, &devices, &Budget::default(), trained).unwrap();
        assert_eq!(fit(None).limit, Limit::Engine);
        assert_eq!(fit(None).max_context_length, 1 << 31);
        assert_eq!(fit(Some(4_096)).limit, Limit::TrainedContext);
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
