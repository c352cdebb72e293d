//! What was asked for.

use crate::failure::Failure;
use crate::test::Stage;

pub(crate) const HELP: &str = "\
cargo xtask COMMAND [OPTIONS]

  serve [--release] [--port N]     build the page and the probe, and serve both on this machine
                                   (--release: the page as it is published; it takes longer)
  build [--quick]                  build the page into dist/, and the programs
  test [--only S,…] [--skip S,…]   run everything that CI runs; the stages S are
                                   {stages}
  check                            formatting, lints, bare-metal build, documentation, tidiness
  bench [ARGUMENTS]                run the benchmarks (arguments go to cargo bench)
  bench-results                    write docs/benchmark_results.md and its English page anew
  bench-accuracy                   write what the figures are off by into the same pages, with plots
  fuzz [TARGET] [SECONDS]          feed broken input to the readers (needs nightly and cargo-fuzz)
  help                             this text

Whatever a command needs and does not find, it installs: targets and components of Rust with
rustup, the rest from the package registries into this checkout, the browser with apt (Debian).
";

/// A command with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    Serve {
        release: bool,
        port: u16,
    },
    Build {
        quick: bool,
    },
    Test {
        stages: Vec<Stage>,
    },
    Check,
    Bench {
        arguments: Vec<String>,
    },
    BenchResults,
    BenchAccuracy,
    Fuzz {
        target: Option<String>,
        seconds: u32,
    },
    Help,
}

/// The probe's own port.
const PORT: u16 = 7650;
const FUZZ_SECONDS: u32 = 60;

/// Reads the arguments after `cargo xtask`.
pub(crate) fn parse(arguments: &[String]) -> Result<Request, Failure> {
    let Some((command, options)) = arguments.split_first() else {
        return Ok(Request::Help);
    };
    let mut options = options.iter().map(String::as_str);
    let request = match command.as_str() {
        "serve" => serve(&mut options)?,
        "build" => match options.next() {
            None => Request::Build { quick: false },
            Some("--quick") => Request::Build { quick: true },
            Some(other) => return Err(unknown(other)),
        },
        "test" => test(&mut options)?,
        "check" => Request::Check,
        "bench" => Request::Bench {
            arguments: options.by_ref().map(str::to_owned).collect(),
        },
        "bench-results" => Request::BenchResults,
        "bench-accuracy" => Request::BenchAccuracy,
        "fuzz" => fuzz(&mut options)?,
        "help" | "--help" | "-h" => Request::Help,
        other => return Err(unknown(other)),
    };
    match options.next() {
        Some(left) => Err(unknown(left)),
        None => Ok(request),
    }
}

fn serve<'a>(options: &mut impl Iterator<Item = &'a str>) -> Result<Request, Failure> {
    let (mut release, mut port) = (false, PORT);
    while let Some(option) = options.next() {
        match option {
            "--release" => release = true,
            "--port" => port = number(option, options.next())?,
            other => return Err(unknown(other)),
        }
    }
    Ok(Request::Serve { release, port })
}

fn test<'a>(options: &mut impl Iterator<Item = &'a str>) -> Result<Request, Failure> {
    let mut stages = Stage::ALL.to_vec();
    while let Some(option) = options.next() {
        match option {
            "--only" => stages = Stage::list(options.next())?,
            "--skip" => {
                let skipped = Stage::list(options.next())?;
                stages.retain(|stage| !skipped.contains(stage));
            }
            other => return Err(unknown(other)),
        }
    }
    Ok(Request::Test { stages })
}

fn fuzz<'a>(options: &mut impl Iterator<Item = &'a str>) -> Result<Request, Failure> {
    let (mut target, mut seconds) = (None, FUZZ_SECONDS);
    for option in options {
        match option.parse() {
            Ok(number) => seconds = number,
            Err(_) if option.starts_with('-') => return Err(unknown(option)),
            Err(_) => target = Some(option.to_owned()),
        }
    }
    Ok(Request::Fuzz { target, seconds })
}

fn number<N: std::str::FromStr>(option: &str, value: Option<&str>) -> Result<N, Failure> {
    value.and_then(|value| value.parse().ok()).ok_or_else(|| {
        Failure::new(
            format!(
                "{option} needs a number, not `{}`",
                value.unwrap_or_default()
            ),
            format!("for example `{option} {PORT}`"),
        )
    })
}

fn unknown(argument: &str) -> Failure {
    Failure::new(
        format!("`{argument}` is not known here"),
        "`cargo xtask help` lists what is",
    )
}

/// The help text with the names of the stages in it.
pub(crate) fn help() -> String {
    let names: Vec<&str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
    HELP.replace("{stages}", &names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, Failure> {
        parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn commands_are_read() {
        assert_eq!(parsed(""), Ok(Request::Help));
        assert_eq!(
            parsed("serve"),
            Ok(Request::Serve {
                release: false,
                port: 7650
            })
        );
        assert_eq!(
            parsed("serve --port 80 --release"),
            Ok(Request::Serve {
                release: true,
                port: 80
            })
        );
        assert_eq!(
            parsed("fuzz gguf 5"),
            Ok(Request::Fuzz {
                target: Some("gguf".to_owned()),
                seconds: 5
            })
        );
        assert_eq!(
            parsed("test --only e2e,page"),
            Ok(Request::Test {
                stages: vec![Stage::Page, Stage::EndToEnd]
            })
        );
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for (line, word) in [
            ("sevre", "sevre"),
            ("check --fast", "--fast"),
            ("serve --port x", "`x`"),
            ("serve --port 70000", "70000"),
            ("serve --port", "--port"),
            ("test --only nothing", "nothing"),
            ("test --only", "--only"),
        ] {
            let failure = parsed(line).unwrap_err().to_string();
            assert!(failure.contains(word), "{line}: {failure}");
        }
    }

    #[test]
    fn the_help_names_every_stage() {
        let help = help();
        assert!(
            Stage::ALL.iter().all(|stage| help.contains(stage.name())),
            "{help}"
        );
    }
}
