//! `advise`: what to change so that a context fits, or to get a longer one.

use serde::Serialize;
use shared::fit::{Advice, Advised, Change};
use shared::text::Language;

use super::Outcome;
use crate::arguments::{AdviseQuestion, UsageError};
use crate::backend::{self, Wanted};
use crate::failure::Failure;
use crate::memory;
use crate::model::{self, Found};
use crate::output::Terminal;
use crate::output::json::{BackendSummary, ModelSummary, PlanAnswer};
use crate::output::text::Page;

/// The context wanted of a model that does not say what it was trained for.
const DEFAULT_CONTEXT: u64 = 32_768;

#[derive(Serialize)]
struct Answer<'a> {
    schema: u32,
    model: ModelSummary<'a>,
    backend: BackendSummary,
    free: Vec<u64>,
    wanted_context_length: u64,
    fits_as_asked: bool,
    as_asked: AdviceAnswer<'a>,
    options: Vec<AdviceAnswer<'a>>,
}

#[derive(Serialize)]
struct AdviceAnswer<'a> {
    changes: Vec<ChangeAnswer>,
    precision: String,
    max_context_length: u64,
    usable_context_length: u64,
    limited_by: &'static str,
    launch_command: Option<String>,
    plan: PlanAnswer<'a>,
}

#[derive(Serialize)]
struct ChangeAnswer {
    setting: &'static str,
    value: serde_json::Value,
}

/// Offers settings for the model named.
///
/// # Errors
/// What keeps it from answering.
pub(super) fn run(question: &AdviseQuestion, terminal: &mut Terminal) -> Result<Outcome, Failure> {
    backend::check(&question.question)?;
    let found = model::find_named(&question.question.model, "advise")?;
    let devices = memory::devices(&question.question.memory, terminal)?;
    let budget = memory::budget(&question.question.memory);
    let engine = backend::engine(&question.question, &found.model)?;
    let context = question
        .context
        .or(found.model.trained_context_length)
        .unwrap_or(DEFAULT_CONTEXT);
    let limit = engine.prepare(&found.model, &devices)?.context_limit();
    if context > limit {
        return Err(UsageError::ContextTooLong { context, limit }.into());
    }
    let wanted = Wanted {
        model: &found.model,
        devices: &devices,
        budget: &budget,
        context,
    };
    let Some(advised) = backend::advise(&question.question, &wanted)? else {
        return Err(UsageError::NoAdvice {
            backend: engine.name(),
        }
        .into());
    };
    for warning in &found.warnings {
        terminal.warn(&warning.message(terminal.language));
    }
    if terminal.json {
        let as_asked = AdviceAnswer::new(&found, &advised.as_asked, &wanted, advised.fits);
        let options = advised.options.iter();
        let answer = Answer {
            schema: 1,
            model: (&found.model).into(),
            backend: engine.as_ref().into(),
            free: devices.iter().map(|device| device.free).collect(),
            wanted_context_length: context,
            fits_as_asked: advised.fits,
            as_asked,
            options: options
                .map(|advice| AdviceAnswer::new(&found, advice, &wanted, advised.fits))
                .collect(),
        };
        terminal.write_json(&answer)?;
    } else {
        let page = page(&found, &advised, &wanted, terminal.language);
        terminal.write(page)?;
    }
    Ok(if advised.fits || !advised.options.is_empty() {
        Outcome::Answered
    } else {
        Outcome::DoesNotFit
    })
}

/// The command to start with: for the context wanted, or where that fits as asked, for the
/// longest that is of use; none where not even one token fits.
fn launch_command(
    found: &Found,
    advice: &Advice,
    wanted: &Wanted,
    longest: bool,
) -> Option<String> {
    let (usable, possible) = (
        advice.fit.usable_context_length,
        advice.fit.max_context_length,
    );
    let context = match possible >= wanted.context {
        true if longest => usable.max(wanted.context),
        true => wanted.context,
        false => usable,
    };
    let engine = advice.engine.as_ref();
    (context > 0).then(|| engine.launch_command(&found.launch_name, context))
}

impl<'a> AdviceAnswer<'a> {
    fn new(found: &'a Found, advice: &'a Advice, wanted: &Wanted, longest: bool) -> Self {
        let engine = advice.engine.as_ref();
        Self {
            changes: advice.changes.iter().map(ChangeAnswer::from).collect(),
            precision: backend::precision_name(engine),
            max_context_length: advice.fit.max_context_length,
            usable_context_length: advice.fit.usable_context_length,
            limited_by: advice.fit.limit.name(),
            launch_command: launch_command(found, advice, wanted, longest),
            plan: PlanAnswer::new(
                &found.model,
                engine,
                &advice.plan,
                wanted.devices,
                wanted.budget,
            ),
        }
    }
}

impl From<&Change> for ChangeAnswer {
    fn from(change: &Change) -> Self {
        let (setting, value) = match *change {
            Change::Precision(precision) => ("kv", precision.name().to_lowercase().into()),
            Change::MicroBatch(tokens) => ("ubatch-size", tokens.into()),
            Change::FlashAttention => ("flash-attn", "on".into()),
            Change::CpuExperts(layers) => ("n-cpu-moe", layers.into()),
            Change::GpuLayers(layers) => ("n-gpu-layers", layers.into()),
        };
        Self { setting, value }
    }
}

fn page(found: &Found, advised: &Advised, wanted: &Wanted, language: Language) -> String {
    let mut page = Page::new(language);
    page.model(&found.model, wanted.devices);
    page.line(format_args!("wanted_context_length: {}", wanted.context));
    page.precision(language.pick("そのまま", "as asked"));
    advice(&mut page, found, &advised.as_asked, wanted, advised.fits);
    for (number, option) in (1..).zip(&advised.options) {
        page.precision(&number.to_string());
        for change in &option.changes {
            let words = words(*change, found, language);
            page.line(format_args!("  - {words}"));
        }
        advice(&mut page, found, option, wanted, advised.fits);
    }
    page.line(verdict(advised, language));
    page.into_text()
}

fn advice(page: &mut Page, found: &Found, advice: &Advice, wanted: &Wanted, longest: bool) {
    page.plan_summary(&advice.plan, wanted.devices, wanted.budget);
    page.contexts(&advice.fit);
    if let Some(command) = launch_command(found, advice, wanted, longest) {
        page.launch(&command);
    }
}

fn verdict(advised: &Advised, language: Language) -> &'static str {
    match (advised.fits, advised.options.is_empty()) {
        (true, true) => language.pick(
            "そのままで収まります。これより長くできる設定はありません",
            "it fits as asked, and no setting makes it longer",
        ),
        (true, false) => language.pick(
            "そのままで収まります。上の設定ならもっと長くできます",
            "it fits as asked; the settings above make it longer",
        ),
        (false, true) => language.pick(
            "どの設定でも収まりません。もっと小さい形式の重みか、短いコンテキストを選んでください",
            "no setting makes it fit: choose a smaller format of the weights or a shorter context",
        ),
        (false, false) => language.pick(
            "そのままでは収まりません。上の設定のどれかなら収まります",
            "it does not fit as asked; with any of the settings above it does",
        ),
    }
}

fn words(change: Change, found: &Found, language: Language) -> String {
    match change {
        Change::Precision(precision) => {
            let name = precision.name();
            match language {
                Language::Ja => format!("KV キャッシュを {name} にする"),
                Language::En => format!("KV cache in {name}"),
            }
        }
        Change::MicroBatch(tokens) => match language {
            Language::Ja => format!("物理バッチを {tokens} にする(プロンプトの処理が遅くなる)"),
            Language::En => format!("physical batch of {tokens} (prompts are read more slowly)"),
        },
        Change::FlashAttention => language
            .pick("Flash Attention を使う", "flash attention on")
            .into(),
        Change::CpuExperts(layers) => match language {
            Language::Ja => {
                format!("先頭から {layers} 層のエキスパートを CPU に置く(生成が遅くなる)")
            }
            Language::En => {
                format!("experts of the first {layers} layers on the CPU (slower)")
            }
        },
        Change::GpuLayers(layers) => {
            let all = found.model.decoder_layers().count() + 1;
            match language {
                Language::Ja => {
                    format!("GPU に置くのは {all} 層中 {layers} 層だけ(生成がかなり遅くなる)")
                }
                Language::En => {
                    format!("only {layers} of {all} layers on the GPU (slower by far)")
                }
            }
        }
    }
}
