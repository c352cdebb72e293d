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
    plan.devices.len() <= devices.len()
        && plan
            .devices
            .iter()
            .zip(devices)
            .all(|(device_plan, device)| {
                device_plan.is_within_allowance() && budget.total(device_plan) <= device.free
            })
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

/// The largest multiple of the planner's step that fits while the next one does not; 0 where
/// not even one step fits.
fn longest_fitting(
    planner: &dyn Planner,
    devices: &[Device],
    budget: &Budget,
) -> Result<u64, EngineError> {
    let step = planner.context_step().max(1);
    let fits_steps = |steps: u64| match planner.plan(steps.saturating_mul(step)) {
        Ok(plan) => Ok(fits(&plan, devices, budget)),
        // Sizes beyond u64 fit nowhere.
        Err(EngineError::TooLarge) => Ok(false),
        Err(error) => Err(error),
    };
    let limit = planner.context_limit() / step;
    if limit == 0 || !fits_steps(1)? {
        return Ok(0);
    }
    if fits_steps(limit)? {
        return Ok(limit * step);
    }
    let (mut fitting, mut exceeding) = (1, limit);
    while exceeding - fitting > 1 {
        let middle = fitting + (exceeding - fitting) / 2;
        if fits_steps(middle)? {
            fitting = middle;
        } else {
            exceeding = middle;
        }
    }
    Ok(fitting * step)
}
