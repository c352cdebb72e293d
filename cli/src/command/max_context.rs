//! The default command: the longest context for the free VRAM.

use shared::engine::{EngineError, Precision};
use shared::fit::{Budget, Fit, max_context};
use shared::gpu::Device;
use shared::model::Model;

use super::Outcome;
use crate::arguments::Question;
use crate::backend::{self, Placed, Row};
use crate::failure::Failure;
use crate::memory;
use crate::model::{self, Found};
use crate::output::Terminal;
use crate::output::json::{MaxContextAnswer, PlanAnswer, ResultAnswer};
use crate::output::text::Page;

/// Answers for the model named, or for every local one of Ollama's.
///
/// # Errors
/// What keeps every model from being answered for.
pub(super) fn run(question: &Question, terminal: &mut Terminal) -> Result<Outcome, Failure> {
    let reads = backend::check(question)?;
    let models = model::find(&question.model, reads)?;
    let devices = memory::devices(&question.memory, terminal)?;
    for note in backend::notes(question, &devices, terminal.language) {
        terminal.warn(&note);
    }
    let mut outcome = Outcome::DoesNotFit;
    let mut last_failure = None;
    let mut answered = false;
    for found in models {
        let found = found.map(|found| backend::loaded(question, found));
        let result = found.and_then(|found| answer(&found, question, &devices, answered, terminal));
        match result {
            Ok(own) => {
                answered = true;
                if own == Outcome::Answered {
                    outcome = own;
                }
            }
            Err(failure @ Failure::Output(_)) => return Err(failure),
            Err(failure) => {
                if let Some(earlier) = last_failure.replace(failure) {
                    terminal.fail(&earlier);
                }
            }
        }
    }
    match last_failure {
        None => Ok(outcome),
        // Every model that could be answered for has been.
        Some(failure) if answered => {
            terminal.fail(&failure);
            Ok(outcome)
        }
        Some(failure) => Err(failure),
    }
}

fn answer(
    found: &Found,
    question: &Question,
    devices: &[Device],
    further: bool,
    terminal: &mut Terminal,
) -> Result<Outcome, Failure> {
    let model = &found.model;
    let budget = memory::budget(&question.memory);
    let placed = Placed {
        model,
        devices,
        budget: &budget,
    };
    let rows = backend::rows(question, &placed, &Precision::ALL)?;
    let fits: Vec<(&Row, Result<Fit, EngineError>)> = rows
        .iter()
        .map(|row| (row, fit(row, model, devices, &budget)))
        .collect();
    if let Some((_, Err(error))) = fits.first()
        && fits.iter().all(|(_, fit)| fit.is_err())
    {
        return Err(error.clone().into());
    }
    for warning in &found.warnings {
        terminal.warn(&warning.message(terminal.language));
    }
    if terminal.json {
        write_json(found, &fits, devices, &budget, terminal)?;
    } else {
        write_text(found, &fits, devices, &budget, further, terminal)?;
    }
    let any = fits
        .iter()
        .any(|(_, fit)| fit.as_ref().is_ok_and(|fit| fit.max_context_length > 0));
    if !any {
        super::point_to_advice(question, terminal)?;
    }
    Ok(if any {
        Outcome::Answered
    } else {
        Outcome::DoesNotFit
    })
}

fn fit(row: &Row, model: &Model, devices: &[Device], budget: &Budget) -> Result<Fit, EngineError> {
    let planner = row.engine.prepare(model, devices)?;
    max_context(
        planner.as_ref(),
        devices,
        budget,
        model.trained_context_length,
    )
}

/// The command that starts the engine with the context that is of use.
fn launch_command(found: &Found, row: &Row, fit: &Fit) -> Option<String> {
    (fit.usable_context_length > 0).then(|| {
        let engine = row.engine.as_ref();
        let name = found.launch_name(engine, None);
        engine.launch_command(&name, fit.usable_context_length)
    })
}

fn write_json(
    found: &Found,
    fits: &[(&Row, Result<Fit, EngineError>)],
    devices: &[Device],
    budget: &Budget,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let model = &found.model;
    let Some((first, _)) = fits.first() else {
        return Ok(());
    };
    let mut answer = MaxContextAnswer::new(model, first.engine.as_ref(), devices);
    for (row, fit) in fits {
        let engine = row.engine.as_ref();
        answer.push(match fit {
            Ok(fit) => ResultAnswer::fitted(
                &row.precision,
                fit,
                PlanAnswer::new(model, engine, &fit.plan, devices, budget),
                launch_command(found, row, fit),
            ),
            Err(error) => ResultAnswer::refused(&row.precision, engine, error, terminal.language),
        });
    }
    Ok(terminal.write_json(&answer)?)
}

fn write_text(
    found: &Found,
    fits: &[(&Row, Result<Fit, EngineError>)],
    devices: &[Device],
    budget: &Budget,
    further: bool,
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    let mut page = Page::new(terminal.language);
    if further {
        page.line("");
    }
    page.model(&found.model, devices);
    for (row, fit) in fits {
        page.precision(&row.precision);
        match fit {
            Ok(fit) => {
                page.fit(fit, devices, budget);
                if let Some(command) = launch_command(found, row, fit) {
                    page.launch(&command);
                }
            }
            Err(error) => page.refused(error),
        }
    }
    Ok(terminal.write(page.into_text())?)
}
