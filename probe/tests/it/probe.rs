//! The program, serving.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::machine::Machine;

/// A probe that serves on a port of its own, and stops with the test.
pub(crate) struct Probe {
    child: Child,
    output: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl Probe {
    pub(crate) fn start(machine: &Machine) -> Self {
        Self::start_with(machine, &[])
    }

    pub(crate) fn start_with(machine: &Machine, arguments: &[&str]) -> Self {
        let mut all = vec!["--port", "0"];
        all.extend(arguments);
        let mut child = machine
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line
            .trim_end()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("no port in “{line}”"));
        Self {
            child,
            output,
            port,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal as a terminal would.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// How it ended, `None` where it still runs after this time.
    pub(crate) fn ended_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// What else it printed, once it has ended.
    pub(crate) fn rest_of_output(&mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until the answer is as wanted; readings are shared for a fifth of a second.
pub(crate) fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "it never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}
