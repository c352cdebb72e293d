//! The largest context, found on the engine's own granularity.

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
    let longest = |answer| longest_fitting(planner, devices, &Budget { answer, ..*budget });
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

/// The largest multiple of the planner's step that fits while the next one does not; 0 where
/// not even one step fits.
fn longest_fitting(
    planner: &dyn Planner,
    devices: &[Device],
    budget: &Budget,
) -> Result<u64, EngineError> {
    let step = planner.context_step().max(1);
    let at = |steps: u64| match planner.plan(steps.saturating_mul(step)) {
        Ok(plan) if plan.devices.len() > devices.len() => Ok(Tried { steps, room: None }),
        Ok(plan) => Ok(Tried {
            steps,
            room: Some(room(&plan, devices, budget)),
        }),
        // Sizes beyond u64 fit nowhere.
        Err(EngineError::TooLarge) => Ok(Tried { steps, room: None }),
        Err(error) => Err(error),
    };
    let limit = planner.context_limit() / step;
    if limit == 0 {
        return Ok(0);
    }
    let mut fitting = at(1)?;
    if !fitting.fits() {
        return Ok(0);
    }
    let mut exceeding = at(limit)?;
    if exceeding.fits() {
        return Ok(limit * step);
    }
    let mut halve = false;
    while exceeding.steps - fitting.steps > 1 {
        let width = exceeding.steps - fitting.steps;
        let offset = if halve {
            width / 2
        } else {
            crossing(fitting, exceeding)
        };
        let tried = at(fitting.steps + offset.clamp(1, width - 1))?;
        if tried.fits() {
            fitting = tried;
        } else {
            exceeding = tried;
        }
        // Memory grows nearly in a line, which finds the place in a few tries. Where it bends,
        // halving keeps the search from creeping.
        halve = exceeding.steps - fitting.steps > width / 2;
    }
    Ok(fitting.steps * step)
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
