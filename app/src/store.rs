//! The page's signals: what was entered, what came from outside, and what follows from both.

use std::sync::Arc;
use std::time::Duration;

use crate::reactive::*;
use shared::gpu::{Device, GpuReport, ProbeProblem, ProblemCode};
use shared::model::{Projector, Tensor};
use shared::text::{Language, UserMessage};

use crate::answer::{Answers, Detail};
use crate::beside::{BesideFiles, Slot};
use crate::model::Loaded;
use crate::outcome::{Later, Outcome};
use crate::question::{Field, LiveDevices, Problem, follows};
use crate::state::{GpuChoice, ModelChoice, State};

/// The signals. They are few and coarse: what a signal costs in the program's size outweighs what
/// finer ones would save in time.
#[derive(Clone, Copy)]
pub struct Store {
    /// The language spoken.
    pub language: RwSignal<Language>,
    /// What was entered.
    pub state: RwSignal<State>,
    /// What came from files and from the probe.
    pub outside: RwSignal<Outside>,
    /// Everything that follows.
    outcome: Memo<Arc<Outcome>>,
    /// What follows and takes longer.
    later: RwSignal<Option<Arc<Later>>>,
}

/// What came from outside of the form.
#[derive(Clone)]
pub struct Outside {
    /// The model read from files, where one was.
    pub loaded: Option<Arc<Loaded>>,
    /// How reading the files goes.
    pub reading: Reading,
    /// Files of what runs beside the model.
    pub beside: BesideFiles,
    /// How reading the last of them goes.
    pub beside_reading: Option<(Slot, Reading)>,
    /// What the probe reads.
    pub devices: LiveDevices,
    /// How the probe is.
    pub live: Live,
}

/// How reading the files goes.
#[derive(Clone)]
pub enum Reading {
    /// Nothing is being read.
    Idle,
    /// A file is being read.
    Busy,
    /// The last files could not be read.
    Failed {
        /// Why.
        error: Arc<dyn UserMessage + Send + Sync>,
        /// A model that bounds theirs from above, where their rules are not known.
        bound: Option<Arc<Loaded>>,
    },
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
        let outside = RwSignal::new(Outside {
            loaded: None,
            reading: Reading::Idle,
            beside: BesideFiles::default(),
            beside_reading: None,
            devices: LiveDevices::new(),
            live: Live::Off,
        });
        let outcome = Memo::new_with_compare(
            move |previous: Option<&Arc<Outcome>>| {
                state.with(|state| {
                    outside.with(|outside| {
                        let previous = previous.map(Arc::as_ref);
                        let loaded = outside.loaded.as_ref();
                        let (beside, devices) = (&outside.beside, &outside.devices);
                        Arc::new(Outcome::of(state, loaded, beside, devices, previous))
                    })
                })
            },
            |_, _| true,
        );
        let later = outcome.with_untracked(|outcome| Later::of(outcome));
        let store = Self {
            language: RwSignal::new(language),
            state,
            outside,
            outcome,
            later: RwSignal::new(later.map(Arc::new)),
        };
        Effect::new(move |_| store.follow_later());
        store
    }

    /// Calculates what takes longer, a moment after the answers are on show.
    fn follow_later(self) {
        let outcome = self.outcome.get();
        let is_there = self.later.with_untracked(|later| match later {
            Some(later) => later.is_of(&outcome),
            None => outcome.has_no_answer(),
        });
        if !is_there {
            set_timeout(
                move || {
                    // The page may be gone, or asked about something else.
                    let now = self.outcome.try_get_untracked();
                    if now.is_some_and(|now| Arc::ptr_eq(&now, &outcome)) {
                        self.later.set(Later::of(&outcome).map(Arc::new));
                    }
                },
                Duration::ZERO,
            );
        }
    }

    /// Takes a reading of the probe. GPUs that a person has changed since the last one keep what
    /// was entered.
    pub fn take_reading(self, report: &GpuReport, from_address: bool) {
        let devices = report.devices();
        if devices.is_empty() {
            self.set_live(Live::Problem(ProbeProblem::new(ProblemCode::NoGpu)));
            return;
        }
        let before = self
            .outside
            .with_untracked(|outside| outside.devices.clone());
        self.state.update(|state| {
            state.gpus = if before.is_empty() {
                devices.iter().map(GpuChoice::of).collect()
            } else {
                followed(&state.gpus, &before, &devices)
            };
        });
        self.outside.update(|outside| {
            outside.devices = devices;
            outside.live = Live::On {
                driver: report.driver.clone(),
                from_address,
            };
        });
    }

    /// Says how the probe is.
    pub fn set_live(self, live: Live) {
        self.outside.update(|outside| outside.live = live);
    }

    /// Says how reading the files goes.
    pub fn set_reading(self, reading: Reading) {
        self.outside.update(|outside| outside.reading = reading);
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
    pub fn take_model(self, loaded: Arc<Loaded>) {
        let file = loaded.file.clone();
        self.outside.update(|outside| {
            outside.loaded = Some(loaded);
            outside.reading = Reading::Idle;
        });
        self.state.update(|state| {
            state.model = ModelChoice::File(file);
            state.quant.clear();
        });
    }

    /// Says how reading a file of what runs beside the model goes.
    pub fn set_beside_reading(self, slot: Slot, reading: Reading) {
        self.outside
            .update(|outside| outside.beside_reading = Some((slot, reading)));
    }

    /// Takes a model that drafts.
    pub fn take_draft(self, loaded: Arc<Loaded>) {
        let file = loaded.file.clone();
        self.keep(|files| files.draft = Some(loaded));
        self.state.update(|state| {
            state.beside.draft = Some(ModelChoice::File(file));
            state.beside.draft_quant.clear();
        });
    }

    /// Takes a projector, and its file's name.
    pub fn take_projector(self, projector: (String, Arc<Projector>)) {
        let file = projector.0.clone();
        self.keep(|files| files.projector = Some(projector));
        self.state
            .update(|state| state.beside.projector = Some(file));
    }

    /// Takes an adapter, and its file's name, in place of another of the same name.
    pub fn take_adapter(self, adapter: (String, Arc<Vec<Tensor>>)) {
        let file = adapter.0.clone();
        self.keep(|files| {
            files.adapters.retain(|(name, _)| *name != file);
            files.adapters.push(adapter);
        });
        self.state.update(|state| state.beside.add_adapter(&file));
    }

    fn keep(self, keep: impl FnOnce(&mut BesideFiles)) {
        self.outside.update(|outside| {
            outside.beside_reading = None;
            keep(&mut outside.beside);
        });
    }

    /// Everything that follows from the state.
    #[must_use]
    pub fn outcome(self) -> Arc<Outcome> {
        self.outcome.get()
    }

    /// What takes longer; of the answers before the last ones for a moment.
    #[must_use]
    pub fn later(self) -> Option<Arc<Later>> {
        self.later.get()
    }

    /// The answers on show.
    #[must_use]
    pub fn answers(self) -> Option<Arc<Answers>> {
        self.outcome().answers.clone()
    }

    /// The plan of the answer looked at.
    #[must_use]
    pub fn detail(self) -> Option<Arc<Detail>> {
        self.outcome().detail.clone()
    }

    /// Whether the answers on show are those of an earlier question.
    #[must_use]
    pub fn is_previous(self) -> bool {
        self.outcome().is_previous
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(self, field: Field) -> Option<Problem> {
        self.outcome().problem(field).cloned()
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
