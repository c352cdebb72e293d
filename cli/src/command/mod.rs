//! The commands: each reads its question, asks the calculation, and writes the answer.

mod advise;
mod gpus;
mod inspect;
mod max_context;
mod models;
mod plan;
mod trained;

use std::process::ExitCode;

use crate::arguments::{self, Command, CommandLine, Question};
use crate::backend;
use crate::failure::Failure;
use crate::output::Terminal;

/// What came of a command that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is an answer.
    Answered,
    /// The answer is that nothing fits.
    DoesNotFit,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Answered => Self::SUCCESS,
            Outcome::DoesNotFit => Self::from(1),
        }
    }
}

/// Where nothing fits: what says how it would. In JSON it stands beside the answer.
fn point_to_advice(question: &Question, terminal: &mut Terminal) -> Result<(), Failure> {
    if !backend::can_advise(question) {
        return Ok(());
    }
    let pointer = terminal.language.pick(
        "収まりません。同じ引数で llm-lander advise を実行すると、何を変えればよいか分かります",
        "it does not fit: llm-lander advise with the same arguments says what to change",
    );
    if terminal.json {
        terminal.warn(pointer);
        return Ok(());
    }
    Ok(terminal.write(format_args!("{pointer}\n"))?)
}

/// Runs the command asked for.
///
/// # Errors
/// What keeps it from answering.
pub(crate) fn run(line: CommandLine, terminal: &mut Terminal) -> Result<Outcome, Failure> {
    match line.command {
        None => max_context::run(&line.question, terminal),
        Some(Command::Plan(question)) => plan::run(&question, terminal),
        Some(Command::Inspect(question)) => inspect::run(&question, terminal),
        Some(Command::Advise(question)) => advise::run(&question, terminal),
        Some(Command::Gpus) => gpus::run(terminal),
        Some(Command::Models { words }) => models::run(&words, terminal),
        Some(Command::Completions { shell }) => {
            terminal.write(arguments::completions(shell, terminal.language))?;
            Ok(Outcome::Answered)
        }
    }
}
