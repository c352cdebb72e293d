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
    Weight,
    Lint,
    Documentation,
    Native,
    Browser,
    EndToEnd,
}

impl Stage {
    /// All of them, in the order in which they run: what fails fast comes first, and the page
    /// before the probe that carries it.
    pub(crate) const ALL: [Self; 10] = [
        Self::Format,
        Self::Tidy,
        Self::Bare,
        Self::Page,
        Self::Weight,
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
            Self::Weight => "weight",
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
            Self::Weight => "Weigh what a reader's browser fetches",
            Self::Lint => "Lint every crate",
            Self::Documentation => "Build the documentation of the code",
            Self::Native => "Test the crates of this machine",
            Self::Browser => "Test the page's components in a browser",
            Self::EndToEnd => "Test page and probe together in a browser",
        }
    }

    fn needs_page(self) -> bool {
        matches!(self, Self::Weight | Self::EndToEnd)
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

    fn run(self, workspace: &Workspace, tally: &mut Tally) -> Result<(), Failure> {
        match self {
            Self::Format => check::format(workspace),
            Self::Tidy => tidy::run(workspace),
            Self::Bare => check::bare(workspace),
            Self::Page => page::build(workspace, Finish::Full),
            Self::Weight => page::weight::check(&workspace.dist()),
            Self::Lint => check::lint(workspace),
            Self::Documentation => check::documentation(workspace),
            Self::Native => native::run(workspace, tally),
            Self::Browser => browser::run(workspace, tally),
            Self::EndToEnd => end_to_end::run(workspace, tally),
        }
    }
}

struct Outcome {
    stage: Stage,
    failure: Option<Failure>,
    tally: Tally,
    elapsed: Duration,
}

/// Runs the stages; a red one does not keep the others from running, but the whole run is red.
pub(crate) fn run(workspace: &Workspace, stages: &[Stage]) -> Result<(), Failure> {
    let start = Instant::now();
    // The finished page is built once, for all that look at it.
    let stages = Stage::ALL.into_iter().filter(|stage| {
        let wanted = *stage == Stage::Page && stages.iter().any(|one| one.needs_page());
        wanted || stages.contains(stage)
    });
    let stages: Vec<Stage> = stages.collect();
    if stages.contains(&Stage::Browser) {
        step("Build the tool that binds and tests the page", || {
            page::test_runner(workspace)
        })?;
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    for stage in stages {
        let no_page = outcomes
            .iter()
            .any(|outcome| outcome.stage == Stage::Page && outcome.failure.is_some());
        let (stage_start, mut tally) = (Instant::now(), Tally::default());
        let result = if stage.needs_page() && no_page {
            Err(Failure::new(
                "not run, because the page was not built",
                "see the stage `page`",
            ))
        } else {
            step(stage.title(), || stage.run(workspace, &mut tally))
        };
        let failure = result.err();
        if let Some(failure) = &failure {
            println!("{}", style::red(&failure.to_string()));
        }
        outcomes.push(Outcome {
            stage,
            failure,
            tally,
            elapsed: stage_start.elapsed(),
        });
    }
    summarize(&outcomes, start.elapsed())
}

fn summarize(outcomes: &[Outcome], elapsed: Duration) -> Result<(), Failure> {
    println!("\n{}", style::bold("Summary"));
    for Outcome {
        stage,
        failure,
        tally,
        elapsed,
    } in outcomes
    {
        let mark = if failure.is_none() {
            style::green("ok  ")
        } else {
            style::red("FAIL")
        };
        let time = seconds(*elapsed);
        println!(
            "{}",
            format!("{mark} {:<8} {time:>12}  {tally}", stage.name()).trim_end()
        );
    }
    let total: Tally = outcomes.iter().map(|outcome| &outcome.tally).sum();
    println!(
        "{}",
        format!("all  {:<8} {:>12}  {total}", "", seconds(elapsed)).trim_end()
    );
    let red: Vec<&Outcome> = outcomes
        .iter()
        .filter(|one| one.failure.is_some())
        .collect();
    if red.is_empty() {
        return Ok(());
    }
    for Outcome { stage, failure, .. } in &red {
        let reason = failure.as_ref().map_or("", Failure::reason);
        println!("{} {reason}", style::red(&format!("{}:", stage.name())));
    }
    let list = red
        .iter()
        .map(|outcome| outcome.stage.name())
        .collect::<Vec<_>>()
        .join(",");
    Err(Failure::new(
        format!("{} of {} stages failed", red.len(), outcomes.len()),
        format!("their messages are above; again: `cargo xtask test --only {list}`"),
    ))
}
