//! From what was entered to a question that can be calculated, or to what is wrong with it.

use shared::fit::Budget;
use shared::gpu::Device;
use shared::text::{Language, UserMessage};

use crate::engines::{self, BACKENDS, Backend, SettingError, Settings};
use crate::model::{Chosen, ModelError};
use crate::number::{NumberError, parse_count, parse_memory};
use crate::state::State;

/// A question that can be calculated.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The model.
    pub chosen: Chosen,
    /// The engine.
    pub backend: &'static Backend,
    /// Its settings.
    pub settings: Settings,
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
        self.inner().hint(language)
    }
}

/// What is known of a device beyond its free memory, by the place of the GPU: the probe and the
/// catalogue of cards know more than the address carries.
pub type KnownDevices = Vec<Option<Device>>;

/// The question that was entered.
///
/// # Errors
/// Everything that is wrong with it, in the order of the form.
pub fn ask(
    state: &State,
    model: Result<Chosen, ModelError>,
    known: &KnownDevices,
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
        match parse_memory(&gpu.free) {
            Ok(free) => {
                let known = known.get(place).and_then(Option::as_ref);
                devices.push(Device {
                    name: gpu.name.clone(),
                    free,
                    total: known.and_then(|device| device.total),
                    compute_capability: known.and_then(|device| device.compute_capability),
                });
            }
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
    if let Err(error) = backend.engine(&state.settings) {
        let field = error.setting().map_or(Field::Backend, Field::Setting);
        report(field, Cause::Setting(error));
    }
    match chosen {
        Some(chosen) if problems.is_empty() => Ok(Question {
            chosen,
            backend,
            settings: state.settings.clone(),
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
    use crate::model::resolve;

    /// The question of a state without files and probe.
    pub(crate) fn asked(state: &State) -> Result<Question, Vec<Problem>> {
        ask(
            state,
            resolve(&state.model, &state.quant, None),
            &Vec::new(),
        )
    }

    #[test]
    fn the_page_opens_with_a_question_that_can_be_answered() {
        let question = asked(&State::default()).unwrap();
        assert_eq!(question.devices[0].free, 45 << 29);
        assert_eq!(question.budget, Budget::default());
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
