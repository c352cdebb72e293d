//! From what was chosen to the engine's settings.

use shared::engine::llama_cpp::Draft;

use super::{Beside, BesideFiles};
use crate::model::{ModelError, resolve};
use crate::question::{Cause, Field, Problem};
use crate::state::BesideChoice;

/// What runs beside the model.
#[must_use]
pub fn beside(choice: &BesideChoice, files: &BesideFiles) -> Beside {
    let mut beside = Beside::default();
    let Beside {
        draft,
        additions,
        problems,
    } = &mut beside;
    let mut report = |field, error| {
        let cause = Cause::Model(error);
        problems.push(Problem { field, cause });
    };
    if let Some(chosen) = &choice.draft {
        let chosen = resolve(chosen, &choice.draft_quant, files.draft.as_deref());
        match &chosen {
            Ok(chosen) => {
                additions.draft = Some(Draft {
                    file: chosen.reference.clone(),
                    model: chosen.model.clone(),
                    gpu_layers: None,
                });
            }
            Err(error) if error.is_about_format() => report(Field::DraftQuant, error.clone()),
            Err(error) => report(Field::Draft, error.clone()),
        }
        *draft = Some(chosen);
    }
    if let Some(file) = &choice.projector {
        additions.projector = files.projector.clone().filter(|(name, _)| name == file);
        if additions.projector.is_none() {
            report(
                Field::Projector,
                ModelError::FileNotHere { file: file.clone() },
            );
        }
    }
    for file in &choice.adapters {
        match files.adapters.iter().find(|(name, _)| name == file) {
            Some(adapter) => additions.adapters.push(adapter.clone()),
            None => report(
                Field::Adapters,
                ModelError::FileNotHere { file: file.clone() },
            ),
        }
    }
    beside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;
    use crate::state::{ModelChoice, State};
    use shared::model::Tensor;
    use shared::quant::TensorType;
    use std::sync::Arc;

    fn drafting(name: &str) -> BesideChoice {
        BesideChoice {
            draft: Some(ModelChoice::Named(name.into())),
            ..BesideChoice::default()
        }
    }

    #[test]
    fn a_draft_model_shortens_the_context_and_stands_in_the_command() {
        let mut state = State::default();
        let alone = asked(&state).unwrap().fit(state.focus).unwrap();
        state.beside = drafting("qwen3:0.6b");
        state.settings.insert("spec-draft-n-max".into(), "8".into());
        let answers = asked(&state).unwrap().answers();
        let fit = answers.rows[0].fit.as_ref().unwrap();
        assert!(fit.max_context_length < alone.max_context_length);
        let detail = answers.detail(state.focus).unwrap();
        assert!(
            detail
                .command
                .contains("--model-draft qwen3-0.6b.gguf --spec-draft-n-max 8"),
            "{}",
            detail.command
        );
        let [share] = detail.beside.as_slice() else {
            panic!("{:?}", detail.beside);
        };
        assert!(share.kv_cache.bytes > 0 && share.weights.bytes > 0);
    }

    #[test]
    fn what_is_not_here_is_said_in_its_place() {
        let choice = BesideChoice {
            projector: Some("mmproj.gguf".into()),
            adapters: vec!["a.gguf".into(), "b.gguf".into()],
            ..drafting("qwen3:0.7b")
        };
        let mut files = BesideFiles::default();
        let tensor = Tensor::new("x".into(), [1, 1, 1, 1], TensorType::F32).unwrap();
        files
            .adapters
            .push(("b.gguf".into(), Arc::new(vec![tensor])));
        let beside = beside(&choice, &files);
        let fields: Vec<Field> = beside
            .problems
            .iter()
            .map(|problem| problem.field)
            .collect();
        assert_eq!(fields, [Field::Draft, Field::Projector, Field::Adapters]);
        assert_eq!(beside.additions.adapters.len(), 1);
        assert!(beside.draft.unwrap().is_err());
    }

    #[test]
    fn prediction_layers_draft_where_the_model_has_some() {
        let mut state = State::default();
        state
            .settings
            .insert("spec-type".into(), "draft-mtp".into());
        let refused = asked(&state).unwrap().fit(state.focus).unwrap_err();
        assert_eq!(
            shared::text::UserMessage::code(&refused),
            "no_prediction_layers"
        );
    }
}
