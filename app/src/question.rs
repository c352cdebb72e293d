//! From what was entered to a question that can be calculated, or to what is wrong with it.

use shared::engine::llama_cpp::Additions;
use shared::fit::Budget;
use shared::gpu::{CARDS, Card, Device};
use shared::text::{Language, UserMessage};

use crate::beside::Beside;
use crate::engines::{self, BACKENDS, Backend, SettingError, Settings};
use crate::model::{Chosen, ModelError};
use crate::number::{NumberError, mebibytes, parse_count, parse_memory};
use crate::state::{GpuChoice, State};

/// A question that can be calculated.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The model.
    pub chosen: Chosen,
    /// The engine.
    pub backend: &'static Backend,
    /// Its settings.
    pub settings: Settings,
    /// What runs beside the model.
    pub beside: Additions,
    /// The GPUs.
    pub devices: Vec<Device>,
    /// What is set aside.
    pub budget: Budget,
    /// The context to plan for; `None` for the longest.
    pub context: Option<u64>,
}

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The model.
    Model,
    /// The weights' format.
    Quant,
    /// Free memory of the GPU at this place.
    Free(usize),
    /// The context to plan for.
    Context,
    /// The safety margin.
    Margin,
    /// The runtime overhead.
    Overhead,
    /// A setting of the engine.
    Setting(&'static str),
    /// The engine's settings together.
    Backend,
    /// The model that drafts.
    Draft,
    /// The format of its weights.
    DraftQuant,
    /// The projector.
    Projector,
    /// The adapters.
    Adapters,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub field: Field,
    /// What is wrong with it.
    pub cause: Cause,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A number.
    Number(NumberError),
    /// The model or its format.
    Model(ModelError),
    /// A setting.
    Setting(SettingError),
}

impl Problem {
    fn inner(&self) -> &dyn UserMessage {
        match &self.cause {
            Cause::Number(error) => error,
            Cause::Model(error) => error,
            Cause::Setting(error) => error,
        }
    }
}

impl UserMessage for Problem {
    fn code(&self) -> &'static str {
        self.inner().code()
    }

    fn message(&self, language: Language) -> String {
        self.inner().message(language)
    }

    fn hint(&self, language: Language) -> String {
        match (self.field, &self.cause) {
            (
                Field::Draft | Field::Projector | Field::Adapters,
                Cause::Model(ModelError::FileNotHere { .. }),
            ) => language
                .pick(
                    "そのファイルを選び直すか、外してください",
                    "choose that file again, or remove it",
                )
                .into(),
            _ => self.inner().hint(language),
        }
    }
}

/// The devices that the probe reads.
pub type LiveDevices = Vec<Device>;

/// A GPU as entered, with what the probe or the catalogue of cards knows beyond that.
fn device(gpu: &GpuChoice, live: &[Device]) -> Result<Device, NumberError> {
    if let Some(live) = live.iter().find(|live| follows(gpu, live)) {
        return Ok(live.clone());
    }
    let card = CARDS.iter().find(|card| card.name == gpu.name);
    let free = parse_memory(&gpu.free)?;
    Ok(match card.map(Card::device) {
        Some(card) => Device { free, ..card },
        None => Device::with_free(gpu.name.clone(), free),
    })
}

/// Whether the fields of a GPU still show what the probe read, and nothing that was entered
/// since. The fields round to hundredths of a MiB; the probe's own bytes are used then.
#[must_use]
pub fn follows(gpu: &GpuChoice, live: &Device) -> bool {
    gpu.name == live.name && gpu.free == mebibytes(live.free)
}

/// The question that was entered.
///
/// # Errors
/// Everything that is wrong with it, in the order of the form.
pub fn ask(
    state: &State,
    model: Result<Chosen, ModelError>,
    beside: &Beside,
    live: &LiveDevices,
) -> Result<Question, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut report = |field, cause| problems.push(Problem { field, cause });
    let chosen = match model {
        Ok(chosen) => Some(chosen),
        Err(error) => {
            let field = if error.is_about_format() {
                Field::Quant
            } else {
                Field::Model
            };
            report(field, Cause::Model(error));
            None
        }
    };
    let mut devices = Vec::new();
    for (place, gpu) in state.gpus.iter().enumerate() {
        match device(gpu, live) {
            Ok(device) => devices.push(device),
            Err(error) => report(Field::Free(place), Cause::Number(error)),
        }
    }
    let mut optional =
        |field, text: &str, read: fn(&str) -> Result<u64, NumberError>| match read(text) {
            Ok(number) => Some(number),
            Err(NumberError::Empty) => None,
            Err(error) => {
                report(field, Cause::Number(error));
                None
            }
        };
    let context = optional(Field::Context, &state.context, parse_count).map(|tokens| tokens.max(1));
    let margin = optional(Field::Margin, &state.margin, parse_memory);
    let runtime_overhead = optional(Field::Overhead, &state.overhead, parse_memory);
    let backend = engines::find(&state.backend).unwrap_or(&BACKENDS[0]);
    if let Err(error) = backend.engine(&state.settings, &beside.additions) {
        let field = error.setting().map_or(Field::Backend, Field::Setting);
        report(field, Cause::Setting(error));
    }
    problems.extend(beside.problems.iter().cloned());
    match chosen {
        Some(chosen) if problems.is_empty() => Ok(Question {
            chosen,
            backend,
            settings: state.settings.clone(),
            beside: beside.additions.clone(),
            devices,
            budget: Budget {
                safety_margin: margin.unwrap_or(Budget::DEFAULT_SAFETY_MARGIN),
                runtime_overhead,
                answer: state.answer,
            },
            context,
        }),
        _ => Err(problems),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::beside::{BesideFiles, beside};
    use crate::model::{chosen, resolve};

    /// The question of a state without files and probe.
    pub(crate) fn asked(state: &State) -> Result<Question, Vec<Problem>> {
        let beside = beside(&state.beside, &BesideFiles::default());
        ask(state, chosen(state, None), &beside, &Vec::new())
    }

    #[test]
    fn the_page_opens_with_a_question_that_can_be_answered() {
        let question = asked(&State::default()).unwrap();
        assert_eq!(question.devices[0].free, 47 << 29);
        assert_eq!(question.devices[0].total, Some(24_564 << 20));
        assert_eq!(question.budget, Budget::default());
    }

    #[test]
    fn the_probe_is_believed_until_something_else_is_entered() {
        let mut state = State::default();
        let live = Device {
            name: "NVIDIA GeForce RTX 4090".into(),
            free: 20_029_000_001,
            total: Some(25_757_220_864),
            compute_capability: Some((8, 9)),
        };
        state.gpus[0] = GpuChoice::of(&live);
        let model = || resolve(&state.model, "", None);
        let beside = Beside::default();
        let question = ask(&state, model(), &beside, &vec![live.clone()]).unwrap();
        assert_eq!(question.devices.first(), Some(&live));
        let mut state = state.clone();
        state.gpus[0].free = "8 GiB".into();
        let question = ask(&state, model(), &beside, &vec![live]).unwrap();
        assert_eq!(question.devices[0].free, 8 << 30);
    }

    #[test]
    fn every_wrong_field_is_reported() {
        let mut state = State {
            quant: "Q4".into(),
            margin: "-1".into(),
            overhead: "x".into(),
            context: "many".into(),
            ..State::default()
        };
        state.gpus[0].free = "much".into();
        state.settings.insert("parallel".into(), "two".into());
        let fields: Vec<Field> = asked(&state)
            .unwrap_err()
            .iter()
            .map(|problem| problem.field)
            .collect();
        assert_eq!(
            fields,
            [
                Field::Quant,
                Field::Free(0),
                Field::Context,
                Field::Margin,
                Field::Overhead,
                Field::Setting("parallel"),
            ]
        );
    }
}
