//! The command line as it is typed: commands and options, one spelling each.

mod groups;
mod usage;
mod value;

pub(crate) use groups::{Backend, Memory, ModelChoice, Output, Precisions};
pub(crate) use usage::UsageError;

use std::ffi::OsString;

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
    /// Tokens of context; `32k` is 32768
    #[arg(long, value_name = "N", value_parser = value::context, help_heading = "Model")]
    pub(crate) context: u64,
    /// Show the rule behind each figure
    #[arg(long, help_heading = "Output")]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) question: Question,
}

/// What `advise` is asked.
#[derive(Debug, Args)]
pub(crate) struct AdviseQuestion {
    /// Tokens of context wanted; else as many as the model was trained for
    #[arg(long, value_name = "N", value_parser = value::context, help_heading = "Model")]
    pub(crate) context: Option<u64>,
    #[command(flatten)]
    pub(crate) question: Question,
}

/// What `inspect` is asked.
#[derive(Debug, Args)]
pub(crate) struct InspectQuestion {
    /// List every tensor
    #[arg(long, help_heading = "Output")]
    pub(crate) tensors: bool,
    #[command(flatten)]
    pub(crate) model: ModelChoice,
}

/// The command with its help, in the language asked for.
pub(crate) fn command(_language: Language) -> clap::Command {
    CommandLine::command()
}

/// Understands the command line.
///
/// # Errors
/// What is not understood; help and the version are "errors" of clap's that print themselves.
pub(crate) fn parse(
    arguments: Vec<OsString>,
    language: Language,
) -> Result<CommandLine, clap::Error> {
    let matches = command(language).try_get_matches_from(arguments)?;
    CommandLine::from_arg_matches(&matches)
}
