//! Everything that CI runs, in stages that can be chosen.

mod browser;
mod end_to_end;
mod native;
mod tally;

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::page::{self, Finish};
use crate::progress::{seconds, step};
use crate::workspace::Workspace;
use crate::{check, style, tidy};
use tally::Tally;

/// A part of the test run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Format,
    Tidy,
    Bare,
    Page,
    Lint,
    Documentation,
    Native,
    Browser,
    EndToEnd,
}

impl Stage {
    /// All of them, in the order in which they run: what fails fast comes first, and the page
    /// before the probe that carries it.
    pub(crate) const ALL: [Self; 9] = [
        Self::Format,
        Self::Tidy,
        Self::Bare,
        Self::Page,
        Self::Lint,
        Self::Documentation,
        Self::Native,
        Self::Browser,
        Self::EndToEnd,
    ];

    /// Those that run nothing of the project.
    pub(crate) const CHECKS: [Self; 5] = [
        Self::Format,
        Self::Tidy,
        Self::Bare,
        Self::Lint,
        Self::Documentation,
    ];

    /// What it is called in the options.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Bare => "bare",
            Self::Page => "page",
            Self::Lint => "lint",
            Self::Documentation => "docs",
            Self::Native => "native",
            Self::Browser => "browser",
            Self::EndToEnd => "e2e",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Format => "Check the formatting",
            Self::Tidy => "Check licences, sources and file sizes",
            Self::Bare => "Build the calculation for a machine without an operating system",
            Self::Page => "Build the page as it is published",
            Self::Lint => "Lint every crate",
            Self::Documentation => "Build the documentation of the code",
            Self::Native => "Test the crates of this machine",
            Self::Browser => "Test the page's components in a browser",
            Self::EndToEnd => "Test page and probe together in a browser",
        }
    }

    /// The stages of a comma-separated list, in their own order.
    pub(crate) fn list(names: Option<&str>) -> Result<Vec<Self>, Failure> {
        let all = || Self::ALL.map(Self::name).join(", ");
        let names: Vec<&str> = names
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .collect();
        if let Some(unknown) = names
            .iter()
            .find(|name| !Self::ALL.iter().any(|stage| stage.name() == **name))
        {
            return Err(Failure::new(
                format!("--only and --skip do not know a stage `{unknown}`"),
                format!("the stages are {}", all()),
            ));
        }
        Ok(Self::ALL
            .into_iter()
            .filter(|stage| names.contains(&stage.name()))
            .collect())
    }

    fn run(self, workspace: &Workspace) -> Result<Tally, Failure> {
        match self {
            Self::Format => check::format(workspace).map(|()| Tally::default()),
            Self::Tidy => tidy::run(workspace).map(|()| Tally::default()),
            Self::Bare => check::bare(workspace).map(|()| Tally::default()),
            Self::Page => page::build(workspace, Finish::Full)
                .and_then(|()| page::weight::check(&workspace.dist()))
                .map(|()| Tally::default()),
            Self::Lint => check::lint(workspace).map(|()| Tally::default()),
            Self::Documentation => check::documentation(workspace).map(|()| Tally::default()),
            Self::Native => native::run(workspace),
            Self::Browser => browser::run(workspace),
            Self::EndToEnd => end_to_end::run(workspace),
        }
    }
}

struct Outcome {
    stage: Stage,
    result: Result<Tally, Failure>,
    elapsed: Duration,
}

/// Runs the stages; a red one does not keep the others from running, but the whole run is red.
pub(crate) fn run(workspace: &Workspace, stages: &[Stage]) -> Result<(), Failure> {
    let start = Instant::now();
    let mut outcomes: Vec<Outcome> = Vec::new();
    for &stage in stages {
        let page_failed = outcomes
            .iter()
            .any(|outcome| outcome.stage == Stage::Page && outcome.result.is_err());
        let stage_start = Instant::now();
        let result = if stage == Stage::EndToEnd && page_failed {
            Err(Failure::new(
                "not run, because the page was not built",
                "see the stage `page`",
            ))
        } else {
            step(stage.title(), || stage.run(workspace))
        };
        if let Err(failure) = &result {
            println!("{}", style::red(&failure.to_string()));
        }
        outcomes.push(Outcome {
            stage,
            result,
            elapsed: stage_start.elapsed(),
        });
    }
    summarize(&outcomes, start.elapsed())
}

fn summarize(outcomes: &[Outcome], elapsed: Duration) -> Result<(), Failure> {
    println!("\n{}", style::bold("Summary"));
    for Outcome {
        stage,
        result,
        elapsed,
    } in outcomes
    {
        let (mark, detail) = match result {
            Ok(tally) => (style::green("ok  "), tally.to_string()),
            Err(failure) => (style::red("FAIL"), failure.reason().to_owned()),
        };
        println!(
            "{mark} {:<8} {:>12}  {detail}",
            stage.name(),
            seconds(*elapsed)
        );
    }
    let total: Tally = outcomes
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().ok())
        .sum();
    let red: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| outcome.result.is_err())
        .map(|outcome| outcome.stage.name())
        .collect();
    println!(
        "{}",
        format!("total in {}  {total}", seconds(elapsed)).trim_end()
    );
    if red.is_empty() {
        return Ok(());
    }
    let list = red.join(",");
    Err(Failure::new(
        format!("{} of {} stages failed: {list}", red.len(), outcomes.len()),
        format!("their messages are above; run them again with `cargo xtask test --only {list}`"),
    ))
}
