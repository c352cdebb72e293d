//! Other programs, started so that a person sees what runs and why it stopped.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, ErrorKind, Write, stdout};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::Failure;
use crate::style;

/// A program with its arguments, and the cure to name when it fails.
#[derive(Debug)]
pub(crate) struct Task {
    command: Command,
    shown: String,
    cure: String,
}

impl Task {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let shown = Path::new(program)
            .file_stem()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self {
            command: Command::new(program),
            shown,
            cure: "its own messages above say what is wrong".to_owned(),
        }
    }

    /// Cargo itself, of the toolchain that this program was started with.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        let argument = argument.as_ref();
        self.shown.push(' ');
        self.shown.push_str(&argument.to_string_lossy());
        self.command.arg(argument);
        self
    }

    /// Several arguments, written as in a terminal and split at the spaces.
    pub(crate) fn words(self, words: &str) -> Self {
        words.split_whitespace().fold(self, Self::arg)
    }

    pub(crate) fn args<S: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = S>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What to do when this program fails.
    pub(crate) fn cure(mut self, cure: &str) -> Self {
        cure.clone_into(&mut self.cure);
        self
    }

    /// Runs it with its output going to the terminal.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        self.announce();
        let status = self
            .command
            .status()
            .map_err(|error| self.not_started(&error))?;
        self.judge(status)
    }

    /// Becomes this program where the system can do that, so that whoever stops the one stops the
    /// other; else runs it.
    #[cfg(unix)]
    pub(crate) fn take_over(mut self) -> Result<(), Failure> {
        use std::os::unix::process::CommandExt;
        self.announce();
        let error = self.command.exec();
        Err(self.not_started(&error))
    }

    #[cfg(not(unix))]
    pub(crate) fn take_over(self) -> Result<(), Failure> {
        self.run()
    }

    /// Runs it silently; its output is shown only when it fails.
    pub(crate) fn run_quietly(mut self) -> Result<(), Failure> {
        self.announce();
        let output = self
            .command
            .output()
            .map_err(|error| self.not_started(&error))?;
        if !output.status.success() {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            print!("{}", String::from_utf8_lossy(&output.stderr));
        }
        self.judge(output.status)
    }

    /// Its standard output as text; its messages are shown only when it fails.
    pub(crate) fn read(mut self) -> Result<String, Failure> {
        let output = self
            .command
            .output()
            .map_err(|error| self.not_started(&error))?;
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
        }
        self.judge(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it, passing its standard output on to the terminal and each line of it to `listen`.
    pub(crate) fn run_listening(mut self, mut listen: impl FnMut(&str)) -> Result<(), Failure> {
        self.announce();
        if style::coloured() {
            self.command
                .env("CARGO_TERM_COLOR", "always")
                .env("FORCE_COLOR", "1");
        }
        self.command.stdout(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        if let Some(output) = child.stdout.take() {
            pass_on(BufReader::new(output), &mut listen);
        }
        let status = child.wait().map_err(|error| self.not_started(&error))?;
        self.judge(status)
    }

    fn announce(&self) {
        println!("    {}", style::dim(&format!("$ {}", self.shown)));
    }

    fn judge(&self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(
            format!("`{}` failed ({status})", self.shown),
            self.cure.clone(),
        ))
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        let program = self.command.get_program().to_string_lossy().into_owned();
        if error.kind() == ErrorKind::NotFound {
            Failure::new(
                format!("`{program}` is not on this machine"),
                format!(
                    "install it, or put its folder into PATH; it was to run `{}`",
                    self.shown
                ),
            )
        } else {
            Failure::new(
                format!("cannot start `{program}`: {error}"),
                self.cure.clone(),
            )
        }
    }
}

/// Copies line by line, so that nothing waits in a buffer while a test runs.
fn pass_on(mut output: impl BufRead, listen: &mut impl FnMut(&str)) {
    let mut line = Vec::new();
    while matches!(output.read_until(b'\n', &mut line), Ok(count) if count > 0) {
        let mut terminal = stdout().lock();
        // A closed terminal is no reason to stop the program that is listened to.
        let _ = terminal.write_all(&line).and_then(|()| terminal.flush());
        listen(style::plain(&String::from_utf8_lossy(&line)).trim_end());
        line.clear();
    }
}

/// The full path of a program on PATH.
pub(crate) fn find(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| {
            ["", ".exe", ".cmd"].map(|ending| folder.join(format!("{name}{ending}")))
        })
        .find(|candidate| is_program(candidate))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.extension().is_some() && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_a_cure() {
        let failure = Task::new("no-such-program")
            .words("a b")
            .run()
            .unwrap_err()
            .to_string();
        assert!(
            failure.contains("`no-such-program` is not on this machine"),
            "{failure}"
        );
        assert!(failure.contains("`no-such-program a b`"), "{failure}");
    }

    #[test]
    fn the_cure_follows_a_failing_program() {
        let failure = Task::cargo()
            .arg("--no-such-option")
            .cure("do this")
            .read()
            .unwrap_err()
            .to_string();
        assert!(failure.contains("--no-such-option"), "{failure}");
        assert!(failure.ends_with("cure: do this"), "{failure}");
    }

    #[test]
    fn every_line_is_heard() {
        let mut heard = Vec::new();
        Task::cargo()
            .arg("--version")
            .run_listening(|line| heard.push(line.to_owned()))
            .unwrap();
        assert_eq!(heard.len(), 1);
        assert!(heard[0].starts_with("cargo "), "{heard:?}");
    }
}
