//! The command line as it is typed: commands and options, one spelling each.

mod groups;
mod help;
mod japanese;
mod usage;
mod value;

pub(crate) use groups::{
    AdditionOptions, Backend, ManualOptions, Memory, ModelChoice, Output, Precisions,
};
pub(crate) use usage::UsageError;

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use shared::text::Language;

/// How long a context fits: the longest for the free VRAM, or the memory for one context.
#[derive(Debug, Parser)]
#[command(
    name = "llm-lander",
    version,
    disable_help_flag = true,
    disable_version_flag = true
)]
#[command(disable_help_subcommand = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) question: Question,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Print the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = "Output")]
    version: Option<bool>,
}

/// The commands beside the default one.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Memory that one context takes, per device and component
    Plan(PlanQuestion),
    /// What is known of a model: geometry, parameters, tensors, limits
    Inspect(InspectQuestion),
    /// What to change to fit, or to get more
    Advise(AdviseQuestion),
    /// Live reading of the GPUs
    Gpus,
    /// The built-in catalogue
    Models {
        /// Words that the names must contain
        #[arg(value_name = "WORDS", help_heading = "Model")]
        words: Vec<String>,
    },
    /// Completions for a shell, on stdout
    Completions {
        /// The shell
        #[arg(value_name = "SHELL", help_heading = "Output")]
        shell: Shell,
    },
}

/// What the default command is asked: the longest context.
#[derive(Debug, Args)]
pub(crate) struct Question {
    #[command(flatten)]
    pub(crate) model: ModelChoice,
    #[command(flatten)]
    pub(crate) memory: Memory,
    #[command(flatten)]
    pub(crate) precisions: Precisions,
    #[command(flatten)]
    pub(crate) backend: Backend,
}

/// What `plan` is asked.
#[derive(Debug, Args)]
pub(crate) struct PlanQuestion {
    #[command(flatten)]
    pub(crate) question: Question,
    /// Tokens of context; `32k` is 32768
    #[arg(long, value_name = "N", value_parser = value::context)]
    #[arg(help_heading = "Model", display_order = 1)]
    pub(crate) context: u64,
    /// Show the rule behind each figure
    #[arg(long, help_heading = "Output")]
    pub(crate) explain: bool,
}

/// What `advise` is asked.
#[derive(Debug, Args)]
pub(crate) struct AdviseQuestion {
    #[command(flatten)]
    pub(crate) question: Question,
    /// Tokens of context wanted; else as many as the model was trained for
    #[arg(long, value_name = "N", value_parser = value::context)]
    #[arg(help_heading = "Model", display_order = 1)]
    pub(crate) context: Option<u64>,
}

/// What `inspect` is asked.
#[derive(Debug, Args)]
pub(crate) struct InspectQuestion {
    #[command(flatten)]
    pub(crate) model: ModelChoice,
    /// List every tensor
    #[arg(long, help_heading = "Output")]
    pub(crate) tensors: bool,
}

/// The command with its help, in the language asked for.
fn command(language: Language) -> clap::Command {
    with_negative_numbers(help::localized(CommandLine::command(), language))
}

/// Negative numbers are values of the option before them, which then says what it takes, and no
/// options of their own.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let takes_value = |argument: &clap::Arg| {
        argument.get_long().is_some() && argument.get_action().takes_values()
    };
    let marked = command.mut_args(|argument| {
        let takes_value = takes_value(&argument);
        argument.allow_negative_numbers(takes_value)
    });
    marked.mut_subcommands(with_negative_numbers)
}

/// Why a command line is not acted upon.
pub(crate) enum Refusal {
    /// Help or the version was asked for: this is it.
    Shown(String),
    /// It is not understood.
    Usage(UsageError),
}

/// Understands the command line.
///
/// # Errors
/// What is not understood, and the text of help where that is asked for.
pub(crate) fn parse(arguments: Vec<OsString>, language: Language) -> Result<CommandLine, Refusal> {
    let command_name = named_command(&arguments);
    let refusal = |error: clap::Error| {
        if error.use_stderr() {
            let error = UsageError::from(&error);
            Refusal::Usage(match &command_name {
                Some(name) => error.of_command(name, is_option_anywhere),
                None => error,
            })
        } else {
            Refusal::Shown(error.render().ansi().to_string())
        }
    };
    let matches = command(language)
        .try_get_matches_from(help_as_option(arguments))
        .map_err(refusal)?;
    let line = CommandLine::from_arg_matches(&matches).map_err(refusal)?;
    match matches.subcommand_name() {
        Some(command) if stands_before(&matches) => {
            Err(Refusal::Usage(UsageError::OptionsBeforeCommand {
                command: command.into(),
            }))
        }
        _ => Ok(line),
    }
}

/// The command that is named first among the words.
fn named_command(arguments: &[OsString]) -> Option<String> {
    let command = CommandLine::command();
    let mut words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let named = words.find(|word| command.find_subcommand(word).is_some())?;
    Some(named.into())
}

/// Whether any command has an option of this name.
fn is_option_anywhere(option: &str) -> bool {
    let Some(name) = option.strip_prefix("--") else {
        return false;
    };
    let has = |command: &clap::Command| {
        let mut own = command.get_arguments();
        own.any(|argument| argument.get_long() == Some(name))
    };
    let command = CommandLine::command();
    has(&command) || command.get_subcommands().any(has)
}

/// `help` and `help COMMAND`, which people try, as `--help`.
fn help_as_option(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|word| word == "help") {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

/// Whether a model or options of the default command stand before another command. Those of
/// the output mean the same anywhere.
fn stands_before(matches: &clap::ArgMatches) -> bool {
    let command = CommandLine::command();
    command
        .get_arguments()
        .filter(|argument| !argument.is_global_set())
        .any(|argument| {
            let id = argument.get_id().as_str();
            matches.value_source(id) == Some(ValueSource::CommandLine)
        })
}

/// What makes a shell complete commands and options.
pub(crate) fn completions(shell: Shell, language: Language) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(language), "llm-lander", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(command: clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands().cloned().flat_map(commands);
        let below: Vec<_> = below.collect();
        [vec![command], below].concat()
    }

    #[test]
    fn the_arguments_are_consistent() {
        command(Language::En).debug_assert();
        command(Language::Ja).debug_assert();
    }

    /// Every command, heading and option speaks Japanese.
    #[test]
    fn all_help_is_translated() {
        let is_japanese = |text: &str| {
            text.chars().any(|character| {
                ('\u{3040}'..='\u{30ff}').contains(&character)
                    || ('\u{4e00}'..='\u{9fff}').contains(&character)
            })
        };
        for command in commands(command(Language::Ja)) {
            let about = command.get_about().unwrap().to_string();
            assert!(is_japanese(&about), "{about}");
            for argument in command.get_arguments().filter(|given| !given.is_hide_set()) {
                let id = argument.get_id().as_str();
                let help = argument.get_help().unwrap().to_string();
                // A list of names is the same in every language, but for the default.
                assert!(is_japanese(&help) || id == "backend", "{id}: {help}");
                if let Some(heading) = argument.get_help_heading() {
                    let known =
                        is_japanese(heading) || heading.contains("既定") || heading == "出力";
                    assert!(known, "{id}: {heading}");
                }
            }
        }
    }
}
