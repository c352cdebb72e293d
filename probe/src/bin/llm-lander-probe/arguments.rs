//! The command line.

use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};
use llm_lander_probe::server::{DEFAULT_PORT, Origin, OriginError};
use shared::text::Language;

/// What to do, and in which language.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) command: Command,
    /// `None` where it is left to the environment.
    pub(crate) language: Option<Language>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Serve(Serving),
    Once,
    Doctor,
    OpenHosted,
    OpenLocal(Serving),
    Help,
    Version,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Serving {
    pub(crate) port: u16,
    pub(crate) origins: Vec<Origin>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// An option or word that has no place here.
    Unexpected(String),
    /// An option without its value.
    NoValue(String),
    Port(String),
    Origin(String, OriginError),
    Language(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Serve,
    Once,
    Doctor,
    Open,
}

impl Invocation {
    pub(crate) fn parse(words: Vec<OsString>) -> Result<Self, UsageError> {
        let mut parser = Parser::from_args(words);
        let mut verb = Verb::Serve;
        let mut serving = Serving {
            port: DEFAULT_PORT,
            origins: Vec::new(),
        };
        // The option that only some commands have a use for.
        let mut serving_option = None;
        let mut is_local = false;
        let mut language = None;
        while let Some(argument) = parser.next().map_err(|error| unexpected(&error))? {
            match argument {
                Arg::Long("port") => {
                    let value = value(&mut parser, "--port")?;
                    serving.port = value.parse().map_err(|_| UsageError::Port(value))?;
                    serving_option = Some("--port");
                }
                Arg::Long("allow-origin") => {
                    let value = value(&mut parser, "--allow-origin")?;
                    match value.parse() {
                        Ok(origin) => serving.origins.push(origin),
                        Err(error) => return Err(UsageError::Origin(value, error)),
                    }
                    serving_option = Some("--allow-origin");
                }
                Arg::Long("lang") => {
                    let value = value(&mut parser, "--lang")?;
                    let known = Language::from_tag(&value).ok_or(UsageError::Language(value))?;
                    language = Some(known);
                }
                Arg::Long("once") if verb == Verb::Serve => verb = Verb::Once,
                Arg::Long("local") if verb == Verb::Open => is_local = true,
                Arg::Short('h') | Arg::Long("help") => {
                    return Ok(Self {
                        command: Command::Help,
                        language,
                    });
                }
                Arg::Short('V') | Arg::Long("version") => {
                    return Ok(Self {
                        command: Command::Version,
                        language,
                    });
                }
                Arg::Value(word) if verb == Verb::Serve && word == "doctor" => verb = Verb::Doctor,
                Arg::Value(word) if verb == Verb::Serve && word == "open" => verb = Verb::Open,
                other => return Err(unexpected(&other.unexpected())),
            }
        }
        let command = match verb {
            Verb::Serve => Command::Serve(serving),
            Verb::Open if is_local => Command::OpenLocal(serving),
            Verb::Once | Verb::Doctor | Verb::Open => {
                if let Some(option) = serving_option {
                    return Err(UsageError::Unexpected(option.into()));
                }
                match verb {
                    Verb::Once => Command::Once,
                    Verb::Doctor => Command::Doctor,
                    _ => Command::OpenHosted,
                }
            }
        };
        Ok(Self { command, language })
    }
}

fn value(parser: &mut Parser, option: &str) -> Result<String, UsageError> {
    parser
        .value()
        .and_then(ValueExt::string)
        .map_err(|_| UsageError::NoValue(option.into()))
}

fn unexpected(error: &lexopt::Error) -> UsageError {
    use lexopt::Error;
    UsageError::Unexpected(match error {
        Error::UnexpectedOption(word) | Error::UnexpectedValue { option: word, .. } => word.clone(),
        Error::UnexpectedArgument(word) => word.to_string_lossy().into_owned(),
        other => other.to_string(),
    })
}

/// The language that the system is set to, as far as it says.
pub(crate) fn language_of_environment() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|value| Language::from_tag(&value))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, UsageError> {
        Invocation::parse(line.split_whitespace().map(OsString::from).collect())
    }

    fn serving(port: u16, origins: &[&str]) -> Serving {
        Serving {
            port,
            origins: origins.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn every_form_is_understood() {
        for (line, command) in [
            ("", Command::Serve(serving(7650, &[]))),
            ("--port 80", Command::Serve(serving(80, &[]))),
            (
                "--allow-origin http://localhost:8080 --port=0 --allow-origin https://example.org/",
                Command::Serve(serving(
                    0,
                    &["http://localhost:8080", "https://example.org"],
                )),
            ),
            ("--once", Command::Once),
            ("doctor", Command::Doctor),
            ("open", Command::OpenHosted),
            (
                "open --local --port 7651",
                Command::OpenLocal(serving(7651, &[])),
            ),
            ("--help", Command::Help),
            ("open -h", Command::Help),
            ("-V", Command::Version),
        ] {
            assert_eq!(parse(line).unwrap().command, command, "{line}");
        }
        let invocation = parse("doctor --lang ja-JP").unwrap();
        assert_eq!(invocation.language, Some(Language::Ja));
    }

    #[test]
    fn what_has_no_place_is_named() {
        let unexpected = |word: &str| UsageError::Unexpected(word.into());
        for (line, error) in [
            ("--ports 1", unexpected("--ports")),
            ("serve", unexpected("serve")),
            ("doctor open", unexpected("open")),
            ("doctor --once", unexpected("--once")),
            ("--local", unexpected("--local")),
            ("--once --port 1", unexpected("--port")),
            ("open --port 1", unexpected("--port")),
            ("--once=1", unexpected("--once")),
            ("--port", UsageError::NoValue("--port".into())),
            ("--port 70000", UsageError::Port("70000".into())),
            ("--lang fr", UsageError::Language("fr".into())),
            (
                "--allow-origin *",
                UsageError::Origin("*".into(), OriginError::Anybody),
            ),
        ] {
            assert_eq!(parse(line), Err(error), "{line}");
        }
    }
}
