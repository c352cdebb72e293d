//! The commands that start a choice of settings in each program built on llama.cpp.

use shared::engine::Engine;
use shared::fit::max_context;
use shared::text::{Language, UserMessage};

use super::{Choice, Search};
use crate::engines::in_programs;
use crate::model::resolve;
use crate::ways_out::Change;

/// How a program is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program as people write it.
    pub program: &'static str,
    /// The command and its context, or why there is none.
    pub line: Result<(String, u64), Reason>,
}

/// Why a program cannot be started so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It has no such settings, by llama-server's names.
    Lacks(Vec<&'static str>),
    /// It does not fit: other programs take more beside the same settings.
    DoesNotFit,
    /// It refuses.
    Refuses(String),
}

/// The commands for a choice: of each program, at the context that fits there too and is no
/// longer than the choice's own.
#[must_use]
pub fn commands(search: &Search, choice: &Choice, language: Language) -> Vec<Command> {
    let (mut question, focus) = choice.asked(search);
    for change in &choice.changes {
        if let Change::Quant(format) = change
            && let Ok(chosen) = resolve(&search.choice, format.name(), search.loaded.as_ref())
        {
            question.chosen = chosen;
        }
    }
    let most = match search.advice.wanted {
        Some(wanted) if search.advice.reaching.contains(choice) => wanted,
        _ => choice.context,
    };
    let model = &question.chosen.model;
    let trained = model.trained_context_length;
    let line = |engine: &dyn Engine| {
        let planner = engine
            .prepare(model, &question.devices)
            .map_err(|error| Reason::Refuses(error.message(language)))?;
        let fit = max_context(
            planner.as_ref(),
            &question.devices,
            &question.budget,
            trained,
        )
        .map_err(|error| Reason::Refuses(error.message(language)))?;
        let context = fit.usable_context_length.min(most);
        if context == 0 {
            return Err(Reason::DoesNotFit);
        }
        let command = engine.launch_command(&question.chosen.reference, context);
        Ok((command, context))
    };
    let programs = in_programs(&question, focus);
    if programs.is_empty() {
        let engine = question.engine(focus);
        let own = engine.ok().map(|engine| Command {
            program: question.backend.label,
            line: line(engine.as_ref()),
        });
        return own.into_iter().collect();
    }
    programs
        .into_iter()
        .map(|(program, engine)| Command {
            program,
            line: engine
                .map_err(Reason::Lacks)
                .and_then(|engine| line(&engine)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::tests::asked;
    use crate::state::{ModelChoice, State};

    #[test]
    fn each_program_is_started_with_what_fits_in_it() {
        let mut state = State {
            model: ModelChoice::Named("llama3.1:8b".into()),
            ..State::default()
        };
        state.gpus[0].free = "8000 MiB".into();
        let question = asked(&state).unwrap();
        let fit = question.fit(state.focus).unwrap();
        let search = Search::new(&question, state.focus, &fit, &state.model, None, None);
        let mut search = search.unwrap();
        while search.step() {}
        let int8 = &search.advice.longer[0];
        let commands = commands(&search, int8, Language::En);
        let programs: Vec<&str> = commands.iter().map(|command| command.program).collect();
        assert_eq!(
            programs,
            [
                "llama-server",
                "llama-cli",
                "Ollama",
                "LM Studio",
                "KoboldCpp",
                "llama-cpp-python"
            ]
        );
        for command in &commands {
            let (line, context) = command.line.as_ref().unwrap();
            assert!(line.contains("q8_0") || line.contains("type_k=8"), "{line}");
            assert!(*context > 0 && *context <= int8.context, "{line}");
            assert!(line.contains(&context.to_string()), "{line}");
        }
        let experts = Choice {
            changes: vec![Change::Setting(
                question.backend.setting("n-cpu-moe").unwrap(),
                "2".into(),
            )],
            ..int8.clone()
        };
        let commands = super::commands(&search, &experts, Language::En);
        assert_eq!(commands[2].line, Err(Reason::Lacks(vec!["--n-cpu-moe"])));
        assert!(commands[4].line.as_ref().unwrap().0.contains("--moecpu 2"));
    }
}
