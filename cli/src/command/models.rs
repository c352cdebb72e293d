//! `models`: the built-in catalogue.

use serde::Serialize;
use shared::catalogue::{self, Entry};
use shared::text::Language;

use super::Outcome;
use crate::failure::Failure;
use crate::output::Terminal;
use crate::output::table::{Align, Table};

#[derive(Serialize)]
struct Answer {
    schema: u32,
    models: Vec<ModelAnswer>,
}

#[derive(Serialize)]
struct ModelAnswer {
    name: &'static str,
    aliases: &'static [&'static str],
    repository: &'static str,
    parameters: &'static str,
    weights_format: &'static str,
    trained_context_length: u64,
}

impl From<&'static Entry> for ModelAnswer {
    fn from(entry: &'static Entry) -> Self {
        Self {
            name: entry.tag,
            aliases: entry.aliases,
            repository: entry.repository,
            parameters: entry.parameters,
            weights_format: entry.file_type.name(),
            trained_context_length: entry.context_length,
        }
    }
}

/// Lists the models in whose names all of `words` occur.
///
/// # Errors
/// Where nobody reads the list.
pub(super) fn run(words: &[String], terminal: &mut Terminal) -> Result<Outcome, Failure> {
    let models: Vec<ModelAnswer> = catalogue::search(&words.join(" "))
        .map(ModelAnswer::from)
        .collect();
    if terminal.json {
        terminal.write_json(&Answer { schema: 1, models })?;
    } else if models.is_empty() {
        let note = terminal.language.pick(
            "その語をすべて含む名前のモデルはありません(llm-lander models で全部を表示)",
            "no model has all of these words in its names; llm-lander models lists them all",
        );
        terminal.warn(note);
    } else {
        terminal.write(page(&models, terminal.language))?;
    }
    Ok(Outcome::Answered)
}

fn page(models: &[ModelAnswer], language: Language) -> String {
    let mut table = Table::new(&[
        Align::Left,
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Left,
    ]);
    table.head(&language.pick(
        ["名前", "パラメーター", "形式", "学習時の上限", "リポジトリ"],
        [
            "name",
            "parameters",
            "format",
            "trained context",
            "repository",
        ],
    ));
    for model in models {
        table.row(vec![
            model.name.into(),
            model.parameters.into(),
            model.weights_format.into(),
            model.trained_context_length.to_string(),
            model.repository.into(),
        ]);
    }
    format!("{table}\n")
}
