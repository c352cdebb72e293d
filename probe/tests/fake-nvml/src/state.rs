//! The control file.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;

/// What the file says at this moment.
#[derive(Default)]
pub(crate) struct State {
    values: HashMap<String, String>,
}

impl State {
    pub(crate) fn load() -> Self {
        let text = std::env::var_os("FAKE_NVML")
            .and_then(|path| std::fs::read_to_string(path).ok())
            .unwrap_or_default();
        let values = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Self { values }
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// A number, 0 where there is none.
    pub(crate) fn number(&self, key: &str) -> u64 {
        self.text(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// A return code, 0 where there is none.
    pub(crate) fn code(&self, key: &str) -> u32 {
        u32::try_from(self.number(key)).unwrap_or(u32::MAX)
    }

    /// How many GPUs are named, from `gpu.0` on without a gap.
    pub(crate) fn gpus(&self) -> u32 {
        (0..)
            .take_while(|index| {
                let prefix = format!("gpu.{index}.");
                self.values.keys().any(|key| key.starts_with(&prefix))
            })
            .last()
            .map_or(0, |index: u32| index + 1)
    }

    pub(crate) fn log(&self, function: &str) {
        if let Some(path) = self.text("log")
            && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(path)
        {
            let _ = writeln!(file, "{function}");
        }
    }
}
