//! Chromium, its driver and Japanese fonts, for the tests that need a browser.

use std::env;
use std::path::PathBuf;

use super::system;
use crate::failure::Failure;
use crate::process::{self, Task};
use crate::progress::note;

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
    // The second names are Ubuntu's.
    let mut missing: Vec<&[&str]> = Vec::new();
    if chromium().is_none() {
        missing.push(&["chromium", "chromium-browser"]);
    }
    if driver().is_none() {
        missing.push(&["chromium-driver", "chromium-chromedriver"]);
    }
    if !missing.is_empty() {
        system::packages(&missing, ELSEWHERE)?;
    }
    if cfg!(target_os = "linux") && !has_japanese_font() {
        let fonts: [&[&str]; 2] = [&["fontconfig"], &["fonts-noto-cjk"]];
        if let Err(failure) = system::packages(&fonts, "install a Japanese font") {
            note(&format!(
                "pictures will lack Japanese letters: {}",
                failure.reason()
            ));
        }
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
    const NAMES: [&str; 4] = ["chromium", "google-chrome", "chrome", "chromium-browser"];
    const PLACES: [&str; 4] = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r"C:\Program Files (x86)\Google\Chrome\Application\chrome.exe",
    ];
    let hosted = hosted_driver().and_then(|_| process::find("google-chrome"));
    named("CHROMIUM")
        .or(hosted)
        .or_else(|| NAMES.into_iter().find_map(process::find))
        .or_else(|| {
            PLACES
                .into_iter()
                .map(PathBuf::from)
                .find(|path| path.is_file())
        })
}

fn driver() -> Option<PathBuf> {
    const NAMES: [&str; 2] = ["chromedriver", "chromium.chromedriver"];
    named("CHROMEDRIVER")
        .or_else(hosted_driver)
        .or_else(|| NAMES.into_iter().find_map(process::find))
}

/// Hosted CI machines keep the driver that fits their Google Chrome in a folder of its own.
fn hosted_driver() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("CHROMEWEBDRIVER")?);
    let file = folder.join(format!("chromedriver{}", env::consts::EXE_SUFFIX));
    file.is_file().then_some(file)
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

fn has_japanese_font() -> bool {
    process::find("fc-list").is_some()
        && Task::new("fc-list")
            .args([":lang=ja", "family"])
            .read()
            .is_ok_and(|list| !list.is_empty())
}
