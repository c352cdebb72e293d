//! What to change where nothing fits, each change tried before it is offered.

use shared::engine::Precision;
#[cfg(feature = "whole")]
use shared::fit;
use shared::fit::fits;
use shared::quant::FileType;

use crate::answer::is_nothing;
#[cfg(feature = "whole")]
use crate::engines::Backend;
use crate::engines::{Relief, Setting};
use crate::model::{Chosen, Formats, Loaded, resolve};
use crate::question::Question;
use crate::state::{Focus, ModelChoice, State};

/// A change that makes the question have an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct WayOut {
    /// What to change.
    pub change: Change,
    /// The longest context then, in tokens.
    pub context: u64,
}

/// Something to change.
#[derive(Debug, Clone)]
pub enum Change {
    /// The precision of the KV cache.
    Focus(Focus),
    /// The weights' format.
    Quant(FileType),
    /// A setting of the engine.
    Setting(&'static Setting, String),
}

impl PartialEq for Change {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Focus(one), Self::Focus(other)) => one == other,
            (Self::Quant(one), Self::Quant(other)) => one == other,
            (Self::Setting(one, value), Self::Setting(other, other_value)) => {
                one.name == other.name && value == other_value
            }
            _ => false,
        }
    }
}

impl Change {
    /// A change that the calculation offers, as the engine's own setting; `None` where the page
    /// has no field for it.
    #[cfg(feature = "whole")]
    #[must_use]
    pub fn of(change: &fit::Change, backend: &Backend) -> Option<Self> {
        let (name, value) = match change {
            fit::Change::Precision(precision) => {
                return Some(Self::Focus(Focus::Precision(*precision)));
            }
            fit::Change::MicroBatch(tokens) => ("ubatch-size", tokens.to_string()),
            fit::Change::FlashAttention => ("flash-attn", "on".into()),
            fit::Change::CpuExperts(layers) => ("n-cpu-moe", layers.to_string()),
            fit::Change::GpuLayers(layers) => ("n-gpu-layers", layers.to_string()),
            fit::Change::TensorSplit(layers) => {
                let layers: Vec<String> = layers.iter().map(u64::to_string).collect();
                ("tensor-split", layers.join(","))
            }
            fit::Change::BatchedTokens(tokens) => ("max-num-batched-tokens", tokens.to_string()),
            fit::Change::Utilization(share) => ("gpu-memory-utilization", share.to_string()),
            fit::Change::NoGraphs => ("enforce-eager", "on".into()),
            fit::Change::TensorParallel(gpus) => ("tensor-parallel-size", gpus.to_string()),
            fit::Change::Setting(name, value) => (*name, value.clone()),
        };
        Some(Self::Setting(backend.setting(name)?, value))
    }

    /// The state after the change.
    pub fn apply(&self, state: &mut State) {
        match self {
            Self::Focus(focus) => state.focus = *focus,
            Self::Quant(format) => state.quant = format.name().into(),
            Self::Setting(setting, value) => {
                state.settings.insert(setting.name.into(), value.clone());
            }
        }
    }
}

/// Formats offered in place of one that is too large, widest first.
const LADDER: [FileType; 8] = [
    FileType::Q8_0,
    FileType::Q6K,
    FileType::Q5KM,
    FileType::Q4KM,
    FileType::Iq4Xs,
    FileType::Q3KM,
    FileType::Q2K,
    FileType::Iq2Xxs,
];

/// A context that is worth changing something for.
const WORTHWHILE: u64 = 4096;

/// The ways out of a question whose answer looked at is that nothing fits; none where it does.
#[must_use]
pub fn ways_out(
    question: &Question,
    focus: Focus,
    choice: &ModelChoice,
    loaded: Option<&Loaded>,
) -> Vec<WayOut> {
    let wanted = question.context.unwrap_or(1);
    match question.fit(focus) {
        Ok(fit) if is_nothing(&fit) || fit.max_context_length < wanted => {}
        _ => return Vec::new(),
    }
    let enough = wanted.max(WORTHWHILE);
    let mut ways = Vec::new();
    let mut offer = |change, context| {
        if context >= enough {
            ways.push(WayOut { change, context });
        }
    };
    for precision in [Precision::Int8, Precision::Int4] {
        let narrower = Focus::Precision(precision);
        if narrower > focus {
            offer(Change::Focus(narrower), longest(question, narrower));
        }
    }
    if let Some((format, context)) = narrower_weights(question, focus, choice, loaded, enough) {
        offer(Change::Quant(format), context);
    }
    for relief in (question.backend.reliefs)(question, focus, enough) {
        if let Some((value, context)) = relieved(question, focus, &relief, enough) {
            offer(Change::Setting(relief.setting, value), context);
        }
    }
    ways
}

/// The widest format of the ladder that is smaller than the present one and leaves enough room.
pub(crate) fn narrower_weights(
    question: &Question,
    focus: Focus,
    choice: &ModelChoice,
    loaded: Option<&Loaded>,
    enough: u64,
) -> Option<(FileType, u64)> {
    if !matches!(question.chosen.formats, Formats::Open(_)) {
        return None;
    }
    let present = question.chosen.model.weights_bytes();
    LADDER.into_iter().find_map(|format| {
        let chosen = resolve(choice, format.name(), loaded).ok()?;
        if chosen.model.weights_bytes() >= present {
            return None;
        }
        let changed = with_model(question, chosen);
        let is_enough = reaches(&changed, focus, enough);
        is_enough.then(|| (format, longest(&changed, focus)))
    })
}

fn with_model(question: &Question, chosen: Chosen) -> Question {
    Question {
        chosen,
        ..question.clone()
    }
}

/// The mildest value of a relief that leaves enough room: the values are in the order of their
/// effect.
fn relieved(
    question: &Question,
    focus: Focus,
    relief: &Relief,
    enough: u64,
) -> Option<(String, u64)> {
    let changed = |index: usize| {
        let value = relief.values.get(index)?;
        let mut changed = question.clone();
        changed
            .settings
            .insert(relief.setting.name.into(), value.clone());
        Some((value.clone(), changed))
    };
    let is_enough =
        |index| changed(index).is_some_and(|(_, changed)| reaches(&changed, focus, enough));
    let (mut milder, mut strong) = (0, relief.values.len().checked_sub(1)?);
    if !is_enough(strong) {
        return None;
    }
    while milder < strong {
        let middle = milder + (strong - milder) / 2;
        if is_enough(middle) {
            strong = middle;
        } else {
            milder = middle + 1;
        }
    }
    let (value, changed) = changed(strong)?;
    Some((value, longest(&changed, focus)))
}

/// Whether a context of this length fits: one plan, where the longest takes several.
fn reaches(question: &Question, focus: Focus, context: u64) -> bool {
    let plan = question
        .planner(focus)
        .and_then(|planner| planner.plan(context));
    plan.is_ok_and(|plan| fits(&plan, &question.devices, &question.budget))
}

fn longest(question: &Question, focus: Focus) -> u64 {
    question.fit(focus).map_or(0, |fit| fit.max_context_length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;

    fn ways(state: &State) -> Vec<WayOut> {
        ways_out(&asked(state).unwrap(), state.focus, &state.model, None)
    }

    fn small() -> State {
        let mut state = State {
            quant: "Q8_0".into(),
            ..State::default()
        };
        state.gpus[0].free = "7 GiB".into();
        state
    }

    #[test]
    fn where_something_fits_there_is_nothing_to_change() {
        assert_eq!(ways(&State::default()), []);
    }

    #[test]
    fn every_way_out_leads_out() {
        let state = small();
        let ways = ways(&state);
        assert!(
            ways.iter()
                .any(|way| matches!(way.change, Change::Quant(_)))
        );
        assert!(
            ways.iter()
                .any(|way| matches!(way.change, Change::Setting(..)))
        );
        for way in &ways {
            let mut state = state.clone();
            way.change.apply(&mut state);
            let fit = asked(&state).unwrap().fit(state.focus).unwrap();
            assert_eq!(fit.max_context_length, way.context);
            assert!(way.context >= WORTHWHILE);
        }
    }

    #[test]
    fn unequal_gpus_are_offered_a_split() {
        let mut state = State {
            context: "20k".into(),
            ..State::default()
        };
        state.gpus[0].free = "9500 MiB".into();
        let mut second = state.gpus[0].clone();
        second.free = "2500 MiB".into();
        state.gpus.push(second);
        let split = ways(&state).into_iter().find(|way| {
            matches!(&way.change, Change::Setting(setting, _) if setting.name == "tensor-split")
        });
        let split = split.unwrap();
        split.change.apply(&mut state);
        let fit = asked(&state).unwrap().fit(state.focus).unwrap();
        assert_eq!(fit.max_context_length, split.context);
        assert!(split.context >= 20_480);
    }

    #[test]
    fn the_widest_format_that_fits_is_offered() {
        let state = small();
        let offered = ways(&state).into_iter().find_map(|way| match way.change {
            Change::Quant(format) => Some(format),
            _ => None,
        });
        let rung = LADDER
            .iter()
            .position(|&rung| Some(rung) == offered)
            .unwrap();
        let mut wider = state;
        wider.quant = LADDER[rung - 1].name().into();
        let fit = asked(&wider).unwrap().fit(wider.focus).unwrap();
        assert!(fit.max_context_length < WORTHWHILE);
    }

    #[test]
    fn a_context_that_was_asked_for_is_reached() {
        let state = State {
            context: "200k".into(),
            ..State::default()
        };
        let ways = ways(&state);
        assert!(!ways.is_empty());
        assert!(ways.iter().all(|way| way.context >= 204_800));
    }

    #[test]
    fn where_nothing_helps_nothing_is_offered() {
        let mut state = small();
        state.gpus[0].free = "100 MiB".into();
        assert_eq!(ways(&state), []);
    }
}
