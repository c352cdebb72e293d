//! What to change for a longer context: settings together, each set tried before it is offered.
//!
//! The search is the calculation's own ([`shared::fit::advise`]). It is cut into steps here, so
//! that the page stays alive meanwhile.

mod programs;

use shared::engine::{EngineError, Precision};
use shared::fit::{self, Fit};

pub use self::programs::{Command, Reason, commands};
use crate::answer::is_nothing;
use crate::engines::Wanted;
use crate::model::Loaded;
use crate::question::Question;
use crate::state::{Focus, ModelChoice, State};
use crate::ways_out::{Change, narrower_weights};

/// The context wanted of a model that does not say what it was trained for.
const DEFAULT_CONTEXT: u64 = 32_768;

/// What came of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// What fits as it is.
    pub now: u64,
    /// Settings under which more fits, with everything left on the GPUs; the gentlest first.
    pub longer: Vec<Choice>,
    /// The context that the others reach; `None` where it fits as it is.
    pub wanted: Option<u64>,
    /// Settings under which that context fits.
    pub reaching: Vec<Choice>,
}

/// Settings to change together.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The changes.
    pub changes: Vec<Change>,
    /// The longest context then, in tokens, and not above what the model was trained for.
    pub context: u64,
    /// Bytes in host memory that each token reads beyond what it reads now.
    pub read_on_cpu: u64,
}

impl Choice {
    /// The state with the changes made.
    pub fn apply(&self, state: &mut State) {
        for change in &self.changes {
            change.apply(state);
        }
    }

    /// Whether the weights are of another format.
    #[must_use]
    pub fn changes_weights(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| matches!(change, Change::Quant(_)))
    }

    /// Whether the KV cache is narrower.
    #[must_use]
    pub fn changes_precision(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| matches!(change, Change::Focus(_)))
    }

    /// Whether prompts are read in smaller pieces.
    #[must_use]
    pub fn shrinks_batches(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| {
            matches!(change, Change::Setting(setting, _)
                if matches!(setting.name, "ubatch-size" | "max-num-batched-tokens"))
        })
    }

    /// The question with the changes made.
    fn asked(&self, search: &Search) -> (Question, Focus) {
        let mut question = search.question.clone();
        let mut focus = search.focus;
        for change in &self.changes {
            match change {
                Change::Focus(precision) => focus = *precision,
                Change::Setting(setting, value) => {
                    question.settings.insert(setting.name.into(), value.clone());
                }
                Change::Quant(_) => {}
            }
        }
        (question, focus)
    }
}

/// The context that is wanted where nobody says another.
#[must_use]
pub fn usual(question: &Question) -> u64 {
    let trained = question.chosen.model.trained_context_length;
    question.context.or(trained).unwrap_or(DEFAULT_CONTEXT)
}

/// The search, in steps.
#[derive(Clone)]
pub struct Search {
    question: Question,
    focus: Focus,
    choice: ModelChoice,
    loaded: Option<Loaded>,
    /// The longest context as it is.
    fits: u64,
    /// Steps still to go, the next one last.
    steps: Vec<Step>,
    advice: Advice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// More, with everything where it is.
    Longer,
    /// The context wanted, with everything where it is.
    InPlace,
    /// The context wanted, with as much moved to the CPU as it takes.
    Moved(Focus),
    /// The context wanted, with other weights.
    Lighter,
}

impl Search {
    /// A search for the answer looked at, and for the context `wanted`; `None` where the engine
    /// has nothing to trade.
    #[must_use]
    pub fn new(
        question: &Question,
        focus: Focus,
        fit: &Fit,
        choice: &ModelChoice,
        loaded: Option<&Loaded>,
        wanted: Option<u64>,
    ) -> Option<Self> {
        question.backend.advise?;
        let wanted = wanted.unwrap_or_else(|| usual(question));
        let fits = fit.max_context_length >= wanted;
        let mut steps = Vec::new();
        if !fits {
            steps.push(Step::Lighter);
            steps.extend(narrower(focus).into_iter().rev().map(Step::Moved));
            steps.push(Step::InPlace);
        }
        if !is_nothing(fit) {
            steps.push(Step::Longer);
        }
        Some(Self {
            question: question.clone(),
            focus,
            choice: choice.clone(),
            loaded: loaded.cloned(),
            fits: fit.max_context_length,
            steps,
            advice: Advice {
                now: fit.usable_context_length,
                longer: Vec::new(),
                wanted: (!fits).then_some(wanted),
                reaching: Vec::new(),
            },
        })
    }

    /// Takes the next step; whether there was one.
    pub fn step(&mut self) -> bool {
        let Some(step) = self.steps.pop() else {
            return false;
        };
        // What the engine refuses here, its answer says already.
        let _ = self.take(step);
        // The gentlest first.
        self.advice
            .reaching
            .sort_by_key(|choice| choice.read_on_cpu);
        true
    }

    /// What has been found so far.
    #[must_use]
    pub fn advice(&self) -> &Advice {
        &self.advice
    }

    fn take(&mut self, step: Step) -> Result<(), EngineError> {
        let wanted = self.advice.wanted.unwrap_or(self.fits);
        match step {
            Step::Longer => self.advice.longer = self.found(self.focus, false, self.fits)?,
            Step::InPlace => {
                let found = self.found(self.focus, false, wanted)?;
                self.advice
                    .longer
                    .retain(|choice| found.iter().all(|found| found.changes != choice.changes));
                self.advice.reaching = found;
            }
            // Where no coarser cache is needed, nothing has to move.
            Step::Moved(focus) => {
                let mut reaching = self.advice.reaching.iter();
                let suffices =
                    reaching.any(|choice| choice.read_on_cpu == 0 && choice.asked(self).1 <= focus);
                if !suffices {
                    let found = self.found(focus, true, wanted)?;
                    self.advice.reaching.extend(found);
                }
            }
            Step::Lighter => {
                let (choice, loaded) = (&self.choice, self.loaded.as_ref());
                let lighter = narrower_weights(&self.question, self.focus, choice, loaded, wanted);
                let trained = self.question.chosen.model.trained_context_length;
                self.advice
                    .reaching
                    .extend(lighter.map(|(format, context)| Choice {
                        changes: vec![Change::Quant(format)],
                        context: context.min(trained.unwrap_or(context)),
                        read_on_cpu: 0,
                    }));
            }
        }
        Ok(())
    }

    /// Choices for this context, with the cache of `focus`.
    fn found(&self, focus: Focus, moves: bool, context: u64) -> Result<Vec<Choice>, EngineError> {
        let question = &self.question;
        let Some(advise) = question.backend.advise else {
            return Ok(Vec::new());
        };
        let precisions = if moves { Vec::new() } else { precisions(focus) };
        let wanted = Wanted {
            precisions,
            moves,
            context,
        };
        let advised = advise(question, focus, &wanted)?;
        let now = advised
            .as_ref()
            .map_or(0, |advised| advised.as_asked.read_on_cpu());
        let options = advised.into_iter().flat_map(|advised| advised.options);
        let choice = |option: fit::Advice| {
            let changes = option.changes.iter();
            let mut changes = changes
                .map(|change| Change::of(change, question.backend))
                .collect::<Option<Vec<_>>>()?;
            if focus != self.focus {
                changes.insert(0, Change::Focus(focus));
            }
            Some(Choice {
                changes,
                context: option.fit.usable_context_length,
                read_on_cpu: option.read_on_cpu().saturating_sub(now),
            })
        };
        Ok(options.filter_map(choice).collect())
    }
}

/// The cache looked at, and those that are narrower.
fn narrower(focus: Focus) -> Vec<Focus> {
    let precisions = precisions(focus).into_iter().map(Focus::Precision);
    match focus {
        Focus::Exact => vec![Focus::Exact],
        Focus::Precision(_) => precisions.collect(),
    }
}

fn precisions(focus: Focus) -> Vec<Precision> {
    match focus {
        Focus::Precision(own) => {
            let all = Precision::ALL.into_iter();
            all.skip_while(|&precision| precision != own).collect()
        }
        Focus::Exact => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;

    fn advice(state: &State) -> Advice {
        let question = asked(state).unwrap();
        let fit = question.fit(state.focus).unwrap();
        let search = Search::new(&question, state.focus, &fit, &state.model, None, None);
        let mut search = search.unwrap();
        while search.step() {}
        search.advice
    }

    fn state(model: &str, free: &str, context: &str) -> State {
        let mut state = State {
            model: ModelChoice::Named(model.into()),
            context: context.into(),
            ..State::default()
        };
        state.gpus[0].name = String::new();
        state.gpus[0].free = free.into();
        state
    }

    /// Each choice, applied to the form, has the answer that it promises.
    fn check(state: &State, choices: &[Choice], least: u64) {
        assert!(!choices.is_empty());
        for choice in choices {
            let mut state = state.clone();
            choice.apply(&mut state);
            let fit = asked(&state).unwrap().fit(state.focus).unwrap();
            assert_eq!(fit.usable_context_length, choice.context, "{choice:?}");
            assert!(fit.max_context_length >= least, "{choice:?}");
        }
    }

    #[test]
    fn what_fits_can_be_longer_or_reach_all_that_was_trained() {
        let state = state("llama3.1:8b", "8000 MiB", "");
        let advice = advice(&state);
        check(&state, &advice.longer, advice.now + 1);
        assert!(advice.longer.iter().all(|choice| choice.read_on_cpu == 0));
        assert_eq!(advice.wanted, Some(131_072));
        check(&state, &advice.reaching, 131_072);
        let moved = |choice: &&Choice| choice.read_on_cpu > 0;
        assert!(advice.reaching.iter().filter(moved).count() >= 3);
    }

    #[test]
    fn experts_are_moved_for_a_context_that_was_asked_for() {
        let state = state("qwen3-coder:30b", "16000 MiB", "32k");
        let advice = advice(&state);
        assert!(advice.longer.is_empty());
        check(&state, &advice.reaching, 32_768);
        let experts = advice.reaching.iter().flat_map(|choice| &choice.changes);
        let mut experts = experts.filter(
            |change| matches!(change, Change::Setting(setting, _) if setting.name == "n-cpu-moe"),
        );
        assert!(experts.next().is_some());
    }

    #[test]
    fn where_all_that_was_trained_fits_nothing_is_left_to_gain() {
        let advice = advice(&State::default());
        assert_eq!((advice.now, advice.wanted), (40_960, None));
        assert!(advice.longer.is_empty() && advice.reaching.is_empty());
    }

    #[test]
    fn unequal_gpus_share_in_another_way() {
        let mut state = state("qwen3:14b", "9500 MiB", "20k");
        let mut second = state.gpus[0].clone();
        second.free = "3700 MiB".into();
        state.gpus.push(second);
        let advice = advice(&state);
        let all = advice.longer.iter().chain(&advice.reaching);
        let mut changes = all.flat_map(|choice| &choice.changes);
        assert!(changes.any(
            |change| matches!(change, Change::Setting(setting, _) if setting.name == "tensor-split")
        ));
        check(&state, &advice.longer, advice.now);
    }

    #[test]
    fn other_engines_trade_what_they_have() {
        for backend in ["ollama", "koboldcpp", "lm-studio", "vllm"] {
            let mut state = state("llama3.1:8b", "9000 MiB", "16k");
            state.backend = backend.into();
            if backend == "vllm" {
                state.quant = "gptq-int4-g128".into();
            }
            let advice = advice(&state);
            let all: Vec<Choice> = advice.longer.into_iter().chain(advice.reaching).collect();
            check(&state, &all, 1);
        }
    }
}
