//! `llm-lander-probe`: the readings of the GPUs, on localhost and in the terminal.

mod arguments;
mod browser;
mod commands;
mod failure;
mod help;

use std::io::Write;
use std::process::ExitCode;

use arguments::{Command, Invocation};
use failure::Failure;
use shared::text::{Language, UserMessage};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let fallback = arguments::language_of_environment();
    match Invocation::parse(words) {
        Ok(invocation) => {
            let language = invocation.language.unwrap_or(fallback);
            run(invocation.command, language)
                .unwrap_or_else(|failure| report(&failure, failure.exit_code(), language))
        }
        Err(error) => {
            let failure = Failure::Usage(error);
            report(&failure, failure.exit_code(), fallback)
        }
    }
}

fn run(command: Command, language: Language) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(serving) => commands::serve(&serving, None, language),
        Command::Once => Ok(commands::once(language)),
        Command::Doctor => Ok(commands::doctor(language)),
        Command::OpenHosted => Ok(commands::open_hosted(language)),
        Command::OpenLocal(serving) => commands::open_local(&serving, language),
        Command::Help => {
            print(help::text(language).trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            print(&format!("llm-lander-probe {}", llm_lander_probe::VERSION));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A line for the person, who may have closed the pipe that it goes to.
fn print(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}

/// What went wrong and what to do about it, a line each.
fn report(error: &dyn UserMessage, code: u8, language: Language) -> ExitCode {
    let (what, cure) = language.pick(("エラー", "対処"), ("error", "hint"));
    let mut errors = std::io::stderr().lock();
    let _ = writeln!(errors, "{what}: {}", error.message(language));
    let _ = writeln!(errors, "{cure}: {}", error.hint(language));
    ExitCode::from(code)
}
