//! How long a context fits in the VRAM that is free, in the terminal.

mod arguments;
mod backend;
mod command;
mod failure;
mod language;
mod memory;
mod mib;
mod model;
mod output;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use arguments::Refusal;
use failure::Failure;
use output::Terminal;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let json = words.iter().any(|word| word == "--json");
    let mut terminal = Terminal::new(language::choose(&words), json);
    let line = match arguments::parse(words, terminal.language) {
        Ok(line) => line,
        Err(Refusal::Shown(text)) => {
            // Where nobody reads it, there is nobody to tell.
            let _ = terminal.write(text);
            return ExitCode::SUCCESS;
        }
        Err(Refusal::Usage(error)) => return fail(&error.into(), &mut terminal),
    };
    match command::run(line, &mut terminal) {
        Ok(outcome) => outcome.into(),
        Err(failure) => fail(&failure, &mut terminal),
    }
}

fn fail(failure: &Failure, terminal: &mut Terminal) -> ExitCode {
    match failure {
        // `llm-lander … | head` has what it wants.
        Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        failure => {
            terminal.fail(failure);
            ExitCode::from(failure.status())
        }
    }
}
