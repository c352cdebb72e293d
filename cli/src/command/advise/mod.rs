//! `advise`: what to change so that a context fits, or to get a longer one.

mod option;
mod program;
mod words;

use serde::Serialize;
use shared::engine::Precision;
use shared::fit::fits;
use shared::text::Language;

use self::option::{Choice, Weights};
use super::{Outcome, trained};
use crate::arguments::{AdviseQuestion, UsageError};
use crate::backend::{self, Placed, Search, Wanted};
use crate::failure::Failure;
use crate::memory;
use crate::model::{self, Found};
use crate::output::Terminal;
use crate::output::json::{BackendSummary, ModelSummary};
use crate::output::text::Page;

/// The context wanted of a model that does not say what it was trained for.
const DEFAULT_CONTEXT: u64 = 32_768;

/// What came of the search.
struct Advice {
    /// What was asked for.
    as_asked: Choice,
    /// Whether that fits.
    fits: bool,
    /// What serves.
    options: Vec<Choice>,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    model: ModelSummary<'a>,
    backend: BackendSummary,
    free: Vec<u64>,
    wanted_context_length: u64,
    fits_as_asked: bool,
    as_asked: option::Answer<'a>,
    options: Vec<option::Answer<'a>>,
}

/// Offers settings for the model named.
///
/// # Errors
/// What keeps it from answering.
pub(super) fn run(question: &AdviseQuestion, terminal: &mut Terminal) -> Result<Outcome, Failure> {
    let reads = backend::check(&question.question)?;
    let found = model::find_named(&question.question.model, reads, "advise")?;
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
    let engine = backend::engine(&question.question, &placed)?;
    let context = question
        .context
        .or(found.model.trained_context_length)
        .unwrap_or(DEFAULT_CONTEXT);
    let limit = engine.prepare(&found.model, &devices)?.context_limit();
    if context > limit {
        return Err(trained::too_long(&found, &question.question, context, limit).into());
    }
    let wanted = Wanted { placed, context };
    let advice = search(&found, question, &wanted, engine.name(), terminal.language)?;
    for warning in &found.warnings {
        terminal.warn(&warning.message(terminal.language));
    }
    trained::warn(&found, &question.question, context, terminal);
    if terminal.json {
        let answer =
            |choice| option::Answer::new(choice, &found, &wanted, advice.fits, terminal.language);
        terminal.write_json(&Answer {
            schema: 1,
            model: (&found.model).into(),
            backend: engine.as_ref().into(),
            free: devices.iter().map(|device| device.free).collect(),
            wanted_context_length: context,
            fits_as_asked: advice.fits,
            as_asked: answer(&advice.as_asked),
            options: advice.options.iter().map(answer).collect(),
        })?;
    } else {
        terminal.write(page(&found, &advice, &wanted, terminal.language))?;
    }
    Ok(if advice.fits || !advice.options.is_empty() {
        Outcome::Answered
    } else {
        Outcome::DoesNotFit
    })
}

fn search(
    found: &Found,
    question: &AdviseQuestion,
    wanted: &Wanted,
    backend: &'static str,
    language: Language,
) -> Result<Advice, Failure> {
    let found_settings = backend::advise(&question.question, wanted)?;
    let Search { advised, lighter } = found_settings.ok_or(UsageError::NoAdvice { backend })?;
    let mut options: Vec<Choice> = advised.options.into_iter().map(Choice::from).collect();
    options.extend(lighter.into_iter().map(Choice::from));
    if !advised.fits {
        options.extend(lighter_weights(found, question, wanted)?);
    }
    let fits = advised.fits;
    let in_programs =
        |option: Choice| option.in_programs(found, &question.question, wanted, fits, language);
    Ok(Advice {
        as_asked: advised.as_asked.into(),
        fits,
        options: options
            .into_iter()
            .map(in_programs)
            .collect::<Result<_, _>>()?,
    })
}

/// For each precision the widest format of the weights with which the context fits, nothing
/// moved; of precisions that need the same format, the first.
fn lighter_weights(
    found: &Found,
    question: &AdviseQuestion,
    wanted: &Wanted,
) -> Result<Vec<Choice>, Failure> {
    let mut choices: Vec<Choice> = Vec::new();
    let rows = backend::rows(&question.question, &wanted.placed, &Precision::ALL)?;
    for (index, row) in rows.into_iter().enumerate() {
        let precision = Precision::from_name(&row.precision).filter(|_| index > 0);
        let lighter = found.lighter().find(|(_, model)| {
            let planner = row.engine.prepare(model, wanted.placed.devices);
            planner
                .and_then(|planner| planner.plan(wanted.context))
                .is_ok_and(|plan| fits(&plan, wanted.placed.devices, wanted.placed.budget))
        });
        if let Some((file_type, model)) = lighter
            && choices
                .iter()
                .all(|choice| choice.weights() != Some(Weights::File(file_type)))
        {
            choices.push(Choice::with_weights(
                file_type, model, precision, row.engine, wanted,
            )?);
        }
    }
    Ok(choices)
}

fn page(found: &Found, advice: &Advice, wanted: &Wanted, language: Language) -> String {
    let mut page = Page::new(language);
    page.model(&found.model, wanted.placed.devices);
    page.line(format_args!("wanted_context_length: {}", wanted.context));
    page.precision(language.pick("そのまま", "as asked"));
    advice.as_asked.show(&mut page, found, wanted, advice.fits);
    for (number, option) in (1..).zip(&advice.options) {
        page.precision(&number.to_string());
        let weights = option.weights().into_iter();
        let weights = weights.map(|weights| words::of_weights(weights, language));
        let changes = option.changes().iter();
        let changes = changes.map(|change| words::of(change, found, language));
        for words in weights.chain(changes) {
            page.line(format_args!("  - {words}"));
        }
        option.show(&mut page, found, wanted, advice.fits);
    }
    page.line(words::verdict(
        advice.fits,
        !advice.options.is_empty(),
        advice.as_asked.longest(),
        language,
    ));
    page.into_text()
}
