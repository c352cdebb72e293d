//! The page's signals: what was entered, and everything that follows from it.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use shared::gpu::{Device, GpuReport, ProbeProblem, ProblemCode};
use shared::text::Language;

use crate::answer::{Answers, Detail};
use crate::engines;
use crate::file::FileError;
use crate::model::{Chosen, Loaded, ModelError, checkpoint, resolve};
use crate::question::{Field, LiveDevices, Problem, Question, ask, follows};
use crate::state::{GpuChoice, ModelChoice, State};

/// The signals.
#[derive(Clone, Copy)]
pub struct Store {
    /// The language spoken.
    pub language: RwSignal<Language>,
    /// What was entered.
    pub state: RwSignal<State>,
    /// The model read from files, where one was.
    pub loaded: RwSignal<Option<Arc<Loaded>>>,
    /// How reading the files goes.
    pub reading: RwSignal<Reading>,
    /// What the probe reads.
    pub live_devices: RwSignal<LiveDevices>,
    /// How the probe is.
    pub live: RwSignal<Live>,
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

/// How reading the files goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing is being read.
    Idle,
    /// A file is being read.
    Busy,
    /// The last files could not be read.
    Failed(FileError),
}

/// How the probe is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Nobody asked it.
    Off,
    /// It was asked for the first time and has not answered yet.
    Connecting,
    /// It reads.
    On {
        /// The driver's version, where it says.
        driver: Option<String>,
        /// The readings came with the address and stand still.
        from_address: bool,
    },
    /// It does not answer.
    Silent,
    /// It answers that it cannot read.
    Problem(ProbeProblem),
}

/// The GPUs after a reading: those that still show the reading before it show this one.
fn followed(gpus: &[GpuChoice], before: &[Device], now: &[Device]) -> Vec<GpuChoice> {
    let mut taken = vec![false; before.len()];
    gpus.iter()
        .map(|gpu| {
            let place =
                (0..before.len()).find(|&place| !taken[place] && follows(gpu, &before[place]));
            match place.and_then(|place| Some((place, now.get(place)?))) {
                Some((place, device)) => {
                    taken[place] = true;
                    GpuChoice::of(device)
                }
                None => gpu.clone(),
            }
        })
        .collect()
}

impl Store {
    /// Signals that start from this state.
    #[must_use]
    pub fn new(state: State, language: Language) -> Self {
        let state = RwSignal::new(state);
        let loaded: RwSignal<Option<Arc<Loaded>>> = RwSignal::new(None);
        let live_devices = RwSignal::new(LiveDevices::new());
        let named = Memo::new(move |_| {
            state.with(|state| {
                let backend = engines::find(&state.backend);
                let backend = backend.filter(|backend| backend.reads_checkpoints);
                let usual = backend.map(|backend| backend.packing);
                (state.model.clone(), state.quant.clone(), usual)
            })
        });
        let chosen = Memo::new(move |_| {
            named.with(|(model, quant, usual)| {
                loaded.with(|loaded| match *usual {
                    Some(usual) => checkpoint(model, quant, usual, loaded.as_deref()),
                    None => resolve(model, quant, loaded.as_deref()),
                })
            })
        });
        let question = Memo::new(move |_| {
            state.with(|state| live_devices.with(|live| ask(state, chosen.get(), live)))
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
            reading: RwSignal::new(Reading::Idle),
            live_devices,
            live: RwSignal::new(Live::Off),
            chosen,
            question,
            shown,
            detail,
        }
    }

    /// Takes a reading of the probe. GPUs that a person has changed since the last one keep what
    /// was entered.
    pub fn take_reading(self, report: &GpuReport, from_address: bool) {
        let devices = report.devices();
        if devices.is_empty() {
            self.live
                .set(Live::Problem(ProbeProblem::new(ProblemCode::NoGpu)));
            return;
        }
        let before = self.live_devices.get_untracked();
        self.state.update(|state| {
            state.gpus = if before.is_empty() {
                devices.iter().map(GpuChoice::of).collect()
            } else {
                followed(&state.gpus, &before, &devices)
            };
        });
        self.live_devices.set(devices);
        self.live.set(Live::On {
            driver: report.driver.clone(),
            from_address,
        });
    }

    /// Leaves a GPU out of the question.
    pub fn remove_gpu(self, place: usize) {
        self.state.update(|state| {
            if place < state.gpus.len() && state.gpus.len() > 1 {
                state.gpus.remove(place);
            }
        });
    }

    /// Takes the model that files hold.
    pub fn take_model(self, loaded: Loaded) {
        self.state.update(|state| {
            state.model = ModelChoice::File(loaded.file.clone());
            state.quant.clear();
        });
        self.loaded.set(Some(Arc::new(loaded)));
        self.reading.set(Reading::Idle);
    }

    /// A part of the state that only tells of its own changes.
    pub fn part<T: Clone + PartialEq + Send + Sync + 'static>(
        self,
        part: impl Fn(&State) -> T + Send + Sync + 'static,
    ) -> Memo<T> {
        Memo::new(move |_| self.state.with(&part))
    }

    /// Whether nothing has been answered yet: the address asked for what cannot be.
    #[must_use]
    pub fn has_no_answer(self) -> bool {
        self.shown.with(|shown| shown.answers.is_none())
    }

    /// The answers on show, but a moment later than the answers themselves: for what takes longer
    /// to calculate and is not waited for.
    #[must_use]
    pub fn later(self) -> RwSignal<Option<Arc<Answers>>> {
        let later = RwSignal::new(self.shown.with_untracked(|shown| shown.answers.clone()));
        Effect::new(move |_| {
            let answers = self.shown.with(|shown| shown.answers.clone());
            if later.with_untracked(|later| *later == answers) {
                return;
            }
            set_timeout(
                move || {
                    // The page may have been built anew since.
                    let _ = later.try_set(answers);
                },
                Duration::ZERO,
            );
        });
        later
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

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, free: u64) -> Device {
        Device::with_free(name.into(), free)
    }

    #[test]
    fn readings_move_the_gpus_that_nobody_changed() {
        let before = [
            device("A", 1 << 30),
            device("B", 2 << 30),
            device("B", 2 << 30),
        ];
        let now = [
            device("A", 3 << 30),
            device("B", 4 << 30),
            device("B", 5 << 30),
        ];
        let mut gpus: Vec<GpuChoice> = before.iter().map(GpuChoice::of).collect();
        gpus[0].free = "900 MiB".into();
        let moved = followed(&gpus, &before, &now);
        assert_eq!(moved[0], gpus[0]);
        assert_eq!(moved[1], GpuChoice::of(&now[1]));
        assert_eq!(moved[2], GpuChoice::of(&now[2]));
        // One was removed, and one is gone from the machine.
        assert_eq!(followed(&gpus[1..2], &before, &now), moved[1..2]);
        assert_eq!(followed(&gpus[1..2], &before, &now[..1]), gpus[1..2]);
    }
}
