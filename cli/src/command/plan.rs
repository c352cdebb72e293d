//! `plan`: the memory for one context.

use shared::engine::Precision;
use shared::fit::{Budget, fits};
use shared::gpu::Device;

use super::{Outcome, trained};
use crate::arguments::PlanQuestion;
use crate::backend::{self, Placed, Row};
use crate::failure::Failure;
use crate::memory;
use crate::model::{self, Found};
use crate::output::Terminal;
use crate::output::json::PlanAnswer;
use crate::output::text::Page;

/// Answers for the model named, in FP16 unless precisions are named.
///
/// # Errors
/// What keeps it from answering.
pub(super) fn run(question: &PlanQuestion, terminal: &mut Terminal) -> Result<Outcome, Failure> {
    let reads = backend::check(&question.question)?;
    let found = model::find_named(&question.question.model, reads, "plan")?;
    let found = backend::loaded(&question.question, found);
    let devices = memory::devices(&question.question.memory, terminal)?;
    for note in backend::notes(&question.question, &devices, terminal.language) {
        terminal.warn(&note);
    }
    let budget = memory::budget(&question.question.memory);
    let placed = Placed {
        model: &found.model,
        devices: &devices,
        budget: &budget,
    };
    let rows = backend::rows(&question.question, &placed, &[Precision::Fp16])?;
    for warning in &found.warnings {
        terminal.warn(&warning.message(terminal.language));
    }
    let mut page = Page::new(terminal.language);
    page.model(&found.model, &devices);
    let mut outcome = Outcome::DoesNotFit;
    for row in &rows {
        let own = answer(
            &found, question, row, &devices, &budget, &mut page, terminal,
        )?;
        if own == Outcome::Answered {
            outcome = own;
        }
    }
    trained::warn(&found, &question.question, question.context, terminal);
    if !terminal.json {
        terminal.write(page.into_text())?;
    }
    if outcome == Outcome::DoesNotFit {
        super::point_to_advice(&question.question, terminal)?;
    }
    Ok(outcome)
}

fn answer(
    found: &Found,
    question: &PlanQuestion,
    row: &Row,
    devices: &[Device],
    budget: &Budget,
    page: &mut Page,
    terminal: &mut Terminal,
) -> Result<Outcome, Failure> {
    let engine = row.engine.as_ref();
    let planner = engine.prepare(&found.model, devices)?;
    let limit = planner.context_limit();
    if question.context > limit {
        return Err(trained::too_long(found, &question.question, question.context, limit).into());
    }
    let plan = planner.plan(question.context)?;
    if terminal.json {
        let mut answer = PlanAnswer::new(&found.model, engine, &plan, devices, budget);
        if question.explain {
            answer.explain(planner.explain(&plan));
        }
        terminal.write_json(&answer)?;
    } else {
        page.precision(&row.precision);
        page.plan(&plan, devices, budget);
        if question.explain {
            page.explanations(&planner.explain(&plan));
        }
        let name = found.launch_name(engine, None);
        // The context asked for, not the engine's multiple: batches go by it.
        page.launch(&engine.launch_command(&name, question.context));
    }
    Ok(if fits(&plan, devices, budget) {
        Outcome::Answered
    } else {
        Outcome::DoesNotFit
    })
}
