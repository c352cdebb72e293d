//! What follows from the state: the model, the question, the answers and the plan looked at.

use std::sync::Arc;

#[cfg(feature = "whole")]
use crate::advice::Search;
use crate::answer::{Answers, Detail};
use crate::beside::{Beside, BesideFiles, beside};
use crate::curve::Chart;
use crate::model::{Chosen, Loaded, ModelError, chosen};
use crate::question::{Field, LiveDevices, Problem, Question, ask};
use crate::state::{BesideChoice, Focus, ModelChoice, State};
use crate::ways_out::{WayOut, ways_out};

/// Everything that follows from the state at once.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The model with its weights.
    pub chosen: Result<Chosen, ModelError>,
    /// What runs beside it.
    pub beside: Arc<Beside>,
    /// The question, or what is wrong with the input.
    pub question: Result<Question, Vec<Problem>>,
    /// The answers to the last question that could be asked.
    pub answers: Option<Arc<Answers>>,
    /// Whether the input has since become one that cannot be.
    pub is_previous: bool,
    /// The plan of the answer looked at.
    pub detail: Option<Arc<Detail>>,
    /// The answer looked at.
    pub focus: Focus,
    /// What the model was chosen by.
    origin: Origin,
    /// What runs beside it was chosen by.
    beside_origin: (BesideChoice, BesideFiles),
}

#[derive(Debug, Clone)]
struct Origin {
    choice: ModelChoice,
    quant: String,
    backend: String,
    loaded: Option<Arc<Loaded>>,
}

impl Origin {
    fn is(&self, other: &Self) -> bool {
        let file = |origin: &Self| origin.loaded.as_ref().map(Arc::as_ptr);
        self.choice == other.choice
            && self.quant == other.quant
            && self.backend == other.backend
            && file(self) == file(other)
    }
}

impl Outcome {
    /// What follows from `state`; what the outcome before it shares with it is taken from there.
    #[must_use]
    pub fn of(
        state: &State,
        loaded: Option<&Arc<Loaded>>,
        files: &BesideFiles,
        live: &LiveDevices,
        previous: Option<&Self>,
    ) -> Self {
        let origin = Origin {
            choice: state.model.clone(),
            quant: state.quant.clone(),
            backend: state.backend.clone(),
            loaded: loaded.cloned(),
        };
        let model = match previous.filter(|previous| previous.origin.is(&origin)) {
            Some(previous) => previous.chosen.clone(),
            None => chosen(state, loaded.map(Arc::as_ref)),
        };
        let same = previous.filter(|previous| {
            let (choice, before) = &previous.beside_origin;
            *choice == state.beside && before.is(files)
        });
        let beside = match same {
            Some(previous) => previous.beside.clone(),
            None => Arc::new(beside(&state.beside, files)),
        };
        let question = ask(state, model.clone(), &beside, live);
        let before = previous.and_then(|previous| previous.answers.as_ref());
        let answers = match &question {
            Ok(question) => match before.filter(|answers| answers.question == *question) {
                Some(answers) => Some(answers.clone()),
                None => Some(Arc::new(question.answers())),
            },
            // Nothing has been answered yet where the address itself is wrong.
            Err(_) => before.cloned(),
        };
        let detail = match (&answers, previous) {
            (Some(now), Some(previous))
                if previous.focus == state.focus
                    && before.is_some_and(|before| Arc::ptr_eq(before, now)) =>
            {
                previous.detail.clone()
            }
            _ => answers
                .as_ref()
                .and_then(|answers| answers.detail(state.focus))
                .map(Arc::new),
        };
        Self {
            is_previous: question.is_err(),
            focus: state.focus,
            chosen: model,
            question,
            answers,
            detail,
            origin,
            beside,
            beside_origin: (state.beside.clone(), files.clone()),
        }
    }

    /// A search for settings that leave room for more than the answer looked at, or for the
    /// context `wanted`; `None` where there is none or nothing to change.
    #[cfg(feature = "whole")]
    #[must_use]
    pub fn search(&self, wanted: Option<u64>) -> Option<Search> {
        let answers = self.answers.as_ref()?;
        let row = answers.row(self.focus)?;
        let fit = row.fit.as_ref().ok()?;
        let Origin { choice, loaded, .. } = &self.origin;
        let (question, loaded) = (&answers.question, loaded.as_deref());
        Search::new(question, row.focus, fit, choice, loaded, wanted)
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(&self, field: Field) -> Option<&Problem> {
        let problems = self.question.as_ref().err()?;
        problems.iter().find(|problem| problem.field == field)
    }

    /// Whether nothing has been answered yet: the address asked for what cannot be.
    #[must_use]
    pub fn has_no_answer(&self) -> bool {
        self.answers.is_none()
    }
}

/// What takes longer to calculate and is not waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Later {
    /// The answers that it belongs to.
    pub answers: Arc<Answers>,
    /// The answer looked at.
    pub focus: Focus,
    /// Memory against context.
    pub chart: Option<Chart>,
    /// What to change where the answer looked at is that nothing fits.
    pub ways_out: Option<Vec<WayOut>>,
}

impl Later {
    /// Calculates it; nothing where nothing has been answered.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let answers = outcome.answers.clone()?;
        let focus = outcome.focus;
        let Origin { choice, loaded, .. } = &outcome.origin;
        Some(Self {
            focus,
            chart: answers.chart(focus),
            ways_out: answers
                .fails(focus)
                .then(|| ways_out(&answers.question, focus, choice, loaded.as_deref())),
            answers,
        })
    }

    /// Whether it belongs to this outcome.
    #[must_use]
    pub fn is_of(&self, outcome: &Outcome) -> bool {
        let answers = outcome.answers.as_ref();
        self.focus == outcome.focus
            && answers.is_some_and(|answers| Arc::ptr_eq(answers, &self.answers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(state: &State, previous: &Outcome) -> Outcome {
        Outcome::of(
            state,
            None,
            &BesideFiles::default(),
            &Vec::new(),
            Some(previous),
        )
    }

    #[test]
    fn what_has_not_changed_is_kept() {
        let mut state = State::default();
        let first = Outcome::of(&state, None, &BesideFiles::default(), &Vec::new(), None);
        state.gpus[0].free = "12 GiB".into();
        let second = after(&state, &first);
        let model = |outcome: &Outcome| outcome.chosen.as_ref().unwrap().model.clone();
        assert!(Arc::ptr_eq(&model(&first), &model(&second)));
        assert_ne!(first.answers, second.answers);
        state.focus = Focus::from_name("int4").unwrap();
        let third = after(&state, &second);
        let answers = |outcome: &Outcome| outcome.answers.clone().unwrap();
        assert!(Arc::ptr_eq(&answers(&second), &answers(&third)));
        assert_ne!(second.detail, third.detail);
        assert!(Later::of(&third).unwrap().is_of(&third));
        assert!(!Later::of(&second).unwrap().is_of(&third));
    }

    #[test]
    fn a_wrong_field_keeps_the_last_answer() {
        let mut state = State::default();
        let first = Outcome::of(&state, None, &BesideFiles::default(), &Vec::new(), None);
        state.gpus[0].free = "much".into();
        let second = after(&state, &first);
        assert!(second.is_previous);
        assert!(second.problem(Field::Free(0)).is_some());
        assert_eq!(second.answers, first.answers);
        assert_eq!(second.detail, first.detail);
        let cold = Outcome::of(&state, None, &BesideFiles::default(), &Vec::new(), None);
        assert!(cold.has_no_answer());
        assert!(Later::of(&cold).is_none());
    }

    #[test]
    fn ways_out_are_looked_for_where_nothing_fits() {
        let mut state = State::default();
        let outcome = Outcome::of(&state, None, &BesideFiles::default(), &Vec::new(), None);
        assert_eq!(Later::of(&outcome).unwrap().ways_out, None);
        state.gpus[0].free = "4 GiB".into();
        let outcome = after(&state, &outcome);
        assert!(!Later::of(&outcome).unwrap().ways_out.unwrap().is_empty());
    }
}
