//! The page's signals: what was entered, and everything that follows from it.

use std::sync::Arc;

use leptos::prelude::*;
use shared::text::Language;

use crate::answer::{Answers, Detail};
use crate::model::{Chosen, Loaded, ModelError, resolve};
use crate::question::{Field, KnownDevices, Problem, Question, ask};
use crate::state::State;

/// The signals.
#[derive(Clone, Copy)]
pub struct Store {
    /// The language spoken.
    pub language: RwSignal<Language>,
    /// What was entered.
    pub state: RwSignal<State>,
    /// The model read from files, where one was.
    pub loaded: RwSignal<Option<Arc<Loaded>>>,
    /// What is known of the GPUs beyond what was entered.
    pub known: RwSignal<KnownDevices>,
    /// The model with its weights.
    pub chosen: Memo<Result<Chosen, ModelError>>,
    /// The question, or what is wrong with the input.
    pub question: Memo<Result<Question, Vec<Problem>>>,
    /// The answers on show.
    pub shown: Memo<Shown>,
    /// The plan of the answer looked at.
    pub detail: Memo<Option<Detail>>,
}

/// The answers on show.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The answers to the last question that could be asked.
    pub answers: Option<Arc<Answers>>,
    /// Whether the input has since become one that cannot be.
    pub is_previous: bool,
}

impl Store {
    /// Signals that start from this state.
    #[must_use]
    pub fn new(state: State, language: Language) -> Self {
        let state = RwSignal::new(state);
        let loaded: RwSignal<Option<Arc<Loaded>>> = RwSignal::new(None);
        let known = RwSignal::new(KnownDevices::new());
        let named =
            Memo::new(move |_| state.with(|state| (state.model.clone(), state.quant.clone())));
        let chosen = Memo::new(move |_| {
            named.with(|(model, quant)| {
                loaded.with(|loaded| resolve(model, quant, loaded.as_deref()))
            })
        });
        let question = Memo::new(move |_| {
            state.with(|state| known.with(|known| ask(state, chosen.get(), known)))
        });
        let shown = Memo::new(move |previous: Option<&Shown>| {
            question.with(|question| match question {
                Ok(question) => Shown {
                    answers: Some(Arc::new(question.answers())),
                    is_previous: false,
                },
                Err(_) => Shown {
                    // Nothing has been answered yet where the address itself is wrong.
                    answers: previous.and_then(|shown| shown.answers.clone()),
                    is_previous: true,
                },
            })
        });
        let focus = Memo::new(move |_| state.with(|state| state.focus));
        let detail =
            Memo::new(move |_| shown.with(|shown| shown.answers.as_ref()?.detail(focus.get())));
        Self {
            language: RwSignal::new(language),
            state,
            loaded,
            known,
            chosen,
            question,
            shown,
            detail,
        }
    }

    /// A part of the state that only tells of its own changes.
    pub fn part<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&State) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| self.state.with(&part))
    }

    /// Something read off the answers on show; nothing where there are none.
    pub fn read<T>(self, read: impl Fn(&Answers) -> T) -> Option<T> {
        self.shown
            .with(|shown| shown.answers.as_ref().map(|answers| read(answers)))
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(self, field: Field) -> Option<Problem> {
        self.question.with(|question| {
            question
                .as_ref()
                .err()?
                .iter()
                .find(|problem| problem.field == field)
                .cloned()
        })
    }
}
