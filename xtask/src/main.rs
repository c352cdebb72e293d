//! `cargo xtask …`: everything that a developer or CI does, on Linux, macOS and Windows alike.

mod bench;
mod check;
mod command_line;
mod failure;
mod fuzz;
mod install;
mod page;
mod port;
mod process;
mod programs;
mod progress;
mod serve;
mod style;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use command_line::Request;
use failure::Failure;
use workspace::Workspace;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command_line::parse(&arguments).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", style::red(&failure.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run(request: Request) -> Result<(), Failure> {
    let workspace = Workspace::locate()?;
    match request {
        Request::Serve { release, port } => serve::serve(&workspace, release, port),
        Request::Build { quick } => programs::build(&workspace, quick),
        Request::Test { stages } => test::run(&workspace, &stages),
        Request::Check => test::run(&workspace, &test::Stage::CHECKS),
        Request::Bench { arguments } => bench::run(&workspace, &arguments),
        Request::BenchResults => bench::results(&workspace),
        Request::BenchAccuracy => bench::accuracy(&workspace),
        Request::Fuzz { target, seconds } => fuzz::run(&workspace, target.as_deref(), seconds),
        Request::Help => {
            print!("{}", command_line::help());
            Ok(())
        }
    }
}
