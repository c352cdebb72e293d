//! From a question to the answers that the page shows.

use shared::engine::{BesidePlan, Engine, EngineError, Explanation, Plan, Planner, Precision};
use shared::fit::{Fit, Limit, max_context};

use crate::engines::SettingError;
use crate::question::Question;
use crate::state::Focus;

/// The answers to a question, one for each precision and one for exact cache types where they
/// were chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// The question.
    pub question: Question,
    /// The answers, widest precision first.
    pub rows: Vec<Row>,
}

/// The answer for one type of KV cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub focus: Focus,
    /// The longest context, or what the engine refuses.
    pub fit: Result<Fit, EngineError>,
}

/// A plan with the reasons for its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The plan.
    pub plan: Plan,
    /// Why each figure is what it is.
    pub explanations: Vec<Explanation>,
    /// What of it is not the model's.
    pub beside: Vec<BesidePlan>,
    /// The command line that starts the engine so, at no more than the trained context.
    pub command: String,
    /// The context in that command.
    pub command_context: u64,
}

impl Question {
    /// The engine with the KV cache of an answer.
    ///
    /// # Errors
    /// Where a setting is not one that the engine takes.
    pub fn engine(&self, focus: Focus) -> Result<Box<dyn Engine>, SettingError> {
        let engine = self.backend.engine(&self.settings, &self.beside)?;
        let reserve = self.budget.reserve();
        let settled = engine.settled(&self.chosen.model, &self.devices, reserve);
        let engine = settled.unwrap_or(engine);
        Ok(match focus {
            Focus::Precision(precision) => engine.with_precision(precision),
            Focus::Exact => engine,
        })
    }

    /// The engine of an answer with the weights placed.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn planner(&self, focus: Focus) -> Result<Box<dyn Planner + '_>, EngineError> {
        let engine = self.engine(focus).map_err(|error| match error {
            SettingError::Engine(error) => error,
            // The question was only asked because its numbers could be read.
            SettingError::Number { name, .. } => EngineError::InvalidSetting {
                name,
                value: String::new(),
                expected: ("", ""),
            },
        })?;
        engine.prepare(&self.chosen.model, &self.devices)
    }

    /// The answers that this question has.
    #[must_use]
    pub fn focuses(&self) -> Vec<Focus> {
        let mut focuses: Vec<Focus> = Precision::ALL.map(Focus::Precision).into();
        if self.backend.has_exact_cache(&self.settings) {
            focuses.push(Focus::Exact);
        }
        focuses
    }

    /// The longest context for one type of KV cache.
    ///
    /// # Errors
    /// What the engine refuses.
    pub fn fit(&self, focus: Focus) -> Result<Fit, EngineError> {
        let planner = self.planner(focus)?;
        let trained = self.chosen.model.trained_context_length;
        max_context(planner.as_ref(), &self.devices, &self.budget, trained)
    }

    /// All answers.
    #[must_use]
    pub fn answers(&self) -> Answers {
        Answers {
            question: self.clone(),
            rows: self
                .focuses()
                .into_iter()
                .map(|focus| Row {
                    focus,
                    fit: self.fit(focus),
                })
                .collect(),
        }
    }
}

impl Answers {
    /// The answer looked at, or the first where it is not among them.
    #[must_use]
    pub fn row(&self, focus: Focus) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.focus == focus)
            .or_else(|| self.rows.first())
    }

    /// Whether the answer looked at is that it does not fit: nothing at all, or not the context
    /// asked for.
    #[must_use]
    pub fn fails(&self, focus: Focus) -> bool {
        let fit = self.row(focus).and_then(|row| row.fit.as_ref().ok());
        fit.is_some_and(|fit| {
            let wanted = self.question.context.unwrap_or(0);
            is_nothing(fit) || fit.max_context_length < wanted
        })
    }

    /// The plan of the answer looked at: for the context asked for, else for the longest.
    #[must_use]
    pub fn detail(&self, focus: Focus) -> Option<Detail> {
        let row = self.row(focus)?;
        let fit = row.fit.as_ref().ok()?;
        let question = &self.question;
        let planner = question.planner(row.focus).ok()?;
        let plan = match question.context {
            Some(context) => planner.plan(context).ok()?,
            None => fit.plan.clone(),
        };
        let trained = question.chosen.model.trained_context_length;
        let command_context = match (question.context, trained) {
            (Some(_), _) | (None, None) => plan.context_length,
            (None, Some(trained)) => plan.context_length.min(trained),
        };
        let engine = question.engine(row.focus).ok()?;
        Some(Detail {
            explanations: planner.explain(&plan),
            beside: planner.beside(&plan),
            command: engine.launch_command(&question.chosen.reference, command_context),
            command_context,
            plan,
        })
    }
}

/// Bytes by which a plan exceeds what is free, on all devices together; 0 where it fits.
#[must_use]
pub fn shortfall(plan: &Plan, question: &Question) -> u64 {
    plan.devices
        .iter()
        .zip(&question.devices)
        .map(|(plan, device)| question.budget.total(plan).saturating_sub(device.free))
        .fold(0, u64::saturating_add)
}

/// The device that a plan fills most, by its place.
#[must_use]
pub fn fullest_device(plan: &Plan, question: &Question) -> usize {
    plan.devices
        .iter()
        .zip(&question.devices)
        .enumerate()
        .max_by_key(|(place, (plan, device))| {
            let share = u128::from(question.budget.total(plan)) * 1_000_000
                / u128::from(device.free.max(1));
            (share, std::cmp::Reverse(*place))
        })
        .map_or(0, |(place, _)| place)
}

/// Whether nothing at all fits under this limit.
#[must_use]
pub fn is_nothing(fit: &Fit) -> bool {
    fit.limit == Limit::Weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;
    use crate::state::State;

    #[test]
    fn narrower_caches_fit_longer_contexts() {
        let answers = asked(&State::default()).unwrap().answers();
        let lengths: Vec<u64> = answers
            .rows
            .iter()
            .map(|row| row.fit.as_ref().unwrap().max_context_length)
            .collect();
        assert_eq!(lengths.len(), 3);
        assert!(lengths[0] > 40_960 && lengths[0] < lengths[1] && lengths[1] < lengths[2]);
    }

    #[test]
    fn the_command_stays_within_the_trained_context_unless_asked() {
        let mut state = State::default();
        let focus = state.focus;
        let detail = asked(&state).unwrap().answers().detail(focus).unwrap();
        assert!(detail.plan.context_length > 40_960);
        assert_eq!(detail.command_context, 40_960);
        assert!(
            detail.command.contains("--ctx-size 40960"),
            "{}",
            detail.command
        );
        state.context = "64k".into();
        let detail = asked(&state).unwrap().answers().detail(focus).unwrap();
        assert_eq!(detail.plan.context_length, 65_536);
        assert_eq!(detail.command_context, 65_536);
    }

    #[test]
    fn exact_types_are_an_answer_of_their_own() {
        let mut state = State::default();
        state.settings.insert("cache-type-k".into(), "q8_0".into());
        let answers = asked(&state).unwrap().answers();
        let exact = answers.row(Focus::Exact).unwrap().fit.as_ref().unwrap();
        assert_eq!(exact.plan.cache_types.key, "q8_0");
        assert_eq!(exact.plan.cache_types.value, "f16");
        assert_eq!(answers.rows.len(), 4);
    }

    #[test]
    fn vllm_is_given_the_share_that_is_free() {
        let mut state = State {
            backend: "vllm".into(),
            ..State::default()
        };
        state.gpus[0].free = "20,000 MiB".into();
        let question = asked(&state).unwrap();
        assert_eq!(question.chosen.model.weights_format, "BF16");
        let answers = question.answers();
        let fit = answers.rows[0].fit.as_ref().unwrap();
        assert!(fit.max_context_length > 8_192);
        let command = answers.detail(state.focus).unwrap().command;
        assert!(
            command.starts_with("vllm serve Qwen/Qwen3-8B --max-model-len ")
                && command.contains("--gpu-memory-utilization 0.7"),
            "{command}"
        );
        state
            .settings
            .insert("gpu-memory-utilization".into(), "0.92".into());
        let refused = asked(&state).unwrap().answers();
        let error = refused.rows[0].fit.as_ref().unwrap_err();
        assert_eq!(shared::text::UserMessage::code(error), "share_not_free");
        state
            .settings
            .insert("gpu-memory-utilization".into(), "much".into());
        let problems = asked(&state).unwrap_err();
        assert_eq!(
            problems[0].field,
            crate::question::Field::Setting("gpu-memory-utilization")
        );
    }

    #[test]
    fn what_does_not_fit_says_by_how_much() {
        let mut state = State::default();
        state.gpus[0].free = "4 GiB".into();
        let question = asked(&state).unwrap();
        let answers = question.answers();
        let fit = answers.rows[0].fit.as_ref().unwrap();
        assert!(is_nothing(fit));
        let missing = shortfall(&fit.plan, &question);
        state.gpus[0].free = format!("{} b", (4_u64 << 30) + missing);
        let enough = asked(&state).unwrap().answers();
        assert!(enough.rows[0].fit.as_ref().unwrap().max_context_length > 0);
    }

    #[test]
    fn a_refusal_concerns_its_own_row() {
        let mut state = State::default();
        state.settings.insert("flash-attn".into(), "off".into());
        let answers = asked(&state).unwrap().answers();
        assert!(answers.rows[0].fit.is_ok());
        assert!(answers.rows[1].fit.is_err());
        assert!(answers.detail(answers.rows[1].focus).is_none());
    }
}
