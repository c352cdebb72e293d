//! Chromium, its driver and Japanese fonts, for the tests that need a browser.

use std::env;
use std::path::PathBuf;

use super::system;
use crate::failure::Failure;
use crate::process::{self, Task};

const ELSEWHERE: &str = "install Chrome or Chromium with the chromedriver of the same version \
    (macOS: `brew install --cask chromium chromedriver`), or name them in CHROMIUM and CHROMEDRIVER";

/// A browser and the program that drives it.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) driver: PathBuf,
}

/// Flags for a browser that only tests: silent, alone, and startable by root.
pub(crate) const FLAGS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// The browser on this machine, installed where it is missing.
pub(crate) fn browser() -> Result<Browser, Failure> {
    let mut missing = Vec::new();
    if chromium().is_none() {
        missing.push("chromium");
    }
    if driver().is_none() {
        missing.push("chromium-driver");
    }
    if cfg!(target_os = "linux") && !japanese_font() {
        missing.extend(["fontconfig", "fonts-noto-cjk"]);
    }
    if !missing.is_empty() {
        system::packages(&missing, ELSEWHERE)?;
    }
    match (chromium(), driver()) {
        (Some(chromium), Some(driver)) => Ok(Browser { chromium, driver }),
        _ => Err(Failure::new(
            "no Chromium with a driver was found",
            ELSEWHERE,
        )),
    }
}

fn chromium() -> Option<PathBuf> {
    const OTHERS: [&str; 4] = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    ];
    named("CHROMIUM")
        .or_else(|| {
            ["chromium", "google-chrome", "chrome", "chromium-browser"]
                .into_iter()
                .find_map(process::find)
        })
        .or_else(|| {
            OTHERS
                .into_iter()
                .map(PathBuf::from)
                .find(|path| path.is_file())
        })
}

fn driver() -> Option<PathBuf> {
    let in_folder = |variable| {
        let file = format!("chromedriver{}", env::consts::EXE_SUFFIX);
        env::var_os(variable).map(|folder| PathBuf::from(folder).join(file))
    };
    named("CHROMEDRIVER")
        // Where hosted CI machines keep it.
        .or_else(|| in_folder("CHROMEWEBDRIVER").filter(|path| path.is_file()))
        .or_else(|| process::find("chromedriver"))
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

fn japanese_font() -> bool {
    process::find("fc-list").is_some()
        && Task::new("fc-list")
            .args([":lang=ja", "family"])
            .read()
            .is_ok_and(|list| !list.is_empty())
}
