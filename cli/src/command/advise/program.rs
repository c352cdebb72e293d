//! The command that starts a choice of settings in another program built on llama.cpp.

use serde::Serialize;
use shared::engine::Engine;
use shared::engine::llama_cpp::profile::Translated;
use shared::fit::max_context;
use shared::model::Model;
use shared::text::{Language, UserMessage};

use crate::backend::Wanted;

/// A program, and how it is started.
pub(super) struct Program {
    /// The program as people write it.
    pub(super) name: &'static str,
    line: Result<Line, Reason>,
}

/// A command, and the context that it is for.
struct Line {
    command: String,
    context: u64,
}

/// Why a program cannot be started so.
enum Reason {
    /// It has no such settings, by llama-server's names.
    Lacks(Vec<&'static str>),
    /// It takes more beside the same settings.
    DoesNotFit,
    /// It refuses.
    Refuses(String),
}

#[derive(Serialize)]
pub(super) struct Answer<'a> {
    program: &'static str,
    context_length: Option<u64>,
    launch_command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Program {
    /// The program, started with `most` tokens of context or with as many as fit in it.
    pub(super) fn new(
        name: &'static str,
        translated: Translated,
        model: &Model,
        called: impl Fn(&dyn Engine) -> String,
        wanted: &Wanted,
        most: u64,
        language: Language,
    ) -> Self {
        let line = translated.map_err(Reason::Lacks).and_then(|settings| {
            let devices = wanted.placed.devices;
            let refuses =
                |error: shared::engine::EngineError| Reason::Refuses(error.message(language));
            let planner = settings.prepare(model, devices).map_err(refuses)?;
            let trained = model.trained_context_length;
            let budget = wanted.placed.budget;
            let fit = max_context(planner.as_ref(), devices, budget, trained).map_err(refuses)?;
            drop(planner);
            match fit.max_context_length.min(most) {
                0 => Err(Reason::DoesNotFit),
                context => Ok(Line {
                    command: settings.launch_command(&called(&settings), context),
                    context,
                }),
            }
        });
        Self { name, line }
    }

    /// The program in text: its name with the context where that is shorter than `most`, and the
    /// command or why there is none.
    pub(super) fn text(&self, most: u64, language: Language) -> (String, String) {
        let name = match &self.line {
            Ok(line) if line.context < most => match language {
                Language::Ja => format!("{}({} トークンまで)", self.name, line.context),
                Language::En => format!("{} (at most {} tokens)", self.name, line.context),
            },
            _ => self.name.into(),
        };
        let text = match &self.line {
            Ok(line) => line.command.clone(),
            Err(reason) => reason.words(language),
        };
        (name, text)
    }

    /// The program in JSON.
    pub(super) fn answer(&self, language: Language) -> Answer<'_> {
        let line = self.line.as_ref().ok();
        let reason = self.line.as_ref().err();
        Answer {
            program: self.name,
            context_length: line.map(|line| line.context),
            launch_command: line.map(|line| line.command.as_str()),
            reason: reason.map(|reason| reason.words(language)),
        }
    }
}

impl Reason {
    fn words(&self, language: Language) -> String {
        match (self, language) {
            (Self::Lacks(options), Language::Ja) => {
                format!("ここでは扱えない設定: {}", options.join(", "))
            }
            (Self::Lacks(options), Language::En) => {
                format!("not covered here: {}", options.join(", "))
            }
            (Self::DoesNotFit, language) => language
                .pick(
                    "同じ設定でもほかに使う分が多く、収まりません",
                    "takes more beside the same settings, and does not fit",
                )
                .into(),
            (Self::Refuses(message), _) => message.clone(),
        }
    }
}
