//! The system's own packages: apt where there is one, a hint elsewhere.

use std::env;

use crate::failure::Failure;
use crate::process::{self, Task};
use crate::progress::note;

/// Installs packages of Debian and its kin, each given by the names that it goes by there.
/// `elsewhere` is the cure on other systems.
pub(crate) fn packages(wanted: &[&[&str]], elsewhere: &str) -> Result<(), Failure> {
    let list = first_names(wanted).join(" ");
    if !cfg!(target_os = "linux") || process::find("apt-get").is_none() {
        return Err(Failure::new(
            format!("missing on this machine: {list}"),
            elsewhere,
        ));
    }
    let Some(prefix) = privileges() else {
        return Err(Failure::new(
            format!("missing on this machine, and only root may install them: {list}"),
            format!("run `apt-get install {list}` as root, then this command again"),
        ));
    };
    note(&format!("installing with apt, which takes a while: {list}"));
    let cure =
        format!("run `apt-get install {list}` as root and read its messages; or: {elsewhere}");
    let apt = |words: &str| {
        let mut command: Vec<&str> = prefix.to_vec();
        command.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        Task::new(command[0])
            .args(&command[1..])
            .words(words)
            .cure(&cure)
    };
    let install = |names: &[&str]| apt("install -y -q --no-install-recommends").args(names);
    // The package lists may be absent or out of date; fetching them is only worth it then.
    if let Some(names) = known_names(wanted)
        && install(&names).run_quietly().is_ok()
    {
        return Ok(());
    }
    apt("update -q").run_quietly()?;
    let names = known_names(wanted).unwrap_or_else(|| first_names(wanted));
    install(&names).run_quietly()
}

fn first_names<'a>(wanted: &[&[&'a str]]) -> Vec<&'a str> {
    wanted
        .iter()
        .filter_map(|names| names.first().copied())
        .collect()
}

/// The name of each that apt knows; `None` where it knows one by no name.
fn known_names<'a>(wanted: &[&[&'a str]]) -> Option<Vec<&'a str>> {
    wanted
        .iter()
        .map(|names| names.iter().copied().find(|name| is_known(name)))
        .collect()
}

fn is_known(name: &str) -> bool {
    Task::new("apt-cache")
        .args(["policy", name])
        .read()
        .is_ok_and(|text| text.contains("Candidate:") && !text.contains("Candidate: (none)"))
}

/// The words before a command that make it root's; `None` where this account cannot.
fn privileges() -> Option<&'static [&'static str]> {
    let root = Task::new("id")
        .arg("-u")
        .read()
        .is_ok_and(|id| id.trim() == "0");
    if root {
        return Some(&[]);
    }
    // Without a terminal sudo could only fail or wait for a password that never comes.
    let silent = env::var_os("CI").is_some();
    match process::find("sudo") {
        Some(_) if silent => Some(&["sudo", "-n"]),
        Some(_) => Some(&["sudo"]),
        None => None,
    }
}
