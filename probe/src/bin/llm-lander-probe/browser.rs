//! The person's web browser.

use std::io;
use std::process::{Command, Stdio};

/// Asks the system to show this address.
pub(crate) fn open(address: &str) -> io::Result<()> {
    let mut child = command(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Waited for, so that it does not stay behind as a zombie while the server runs.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(target_os = "macos")]
fn command(address: &str) -> Command {
    let mut command = Command::new("open");
    command.arg(address);
    command
}

#[cfg(windows)]
fn command(address: &str) -> Command {
    // Not `start`: the command interpreter would read the address as its own syntax.
    let mut command = Command::new("rundll32");
    command.args(["url.dll,FileProtocolHandler", address]);
    command
}

#[cfg(not(any(target_os = "macos", windows)))]
fn command(address: &str) -> Command {
    let mut command = Command::new("xdg-open");
    command.arg(address);
    command
}
