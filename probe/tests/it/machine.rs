//! A machine with GPUs that do not exist.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// One GPU with distinct figures that do not add up: whoever computes one from the others fails.
pub(crate) const ONE_GPU: &str = "
    gpu.0.name = NVIDIA GeForce RTX 4090
    gpu.0.total = 25757220864
    gpu.0.free = 20029000001
    gpu.0.used = 5252988007
    gpu.0.reserved = 475232803
    gpu.0.cc = 8.9
";

/// The state of the machine, in a folder of its own that goes with it.
pub(crate) struct Machine {
    folder: PathBuf,
    library: PathBuf,
}

impl Machine {
    pub(crate) fn new(state: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "llm-lander-probe-test-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let machine = Self {
            folder,
            library: fake_library(),
        };
        machine.set(state);
        machine
    }

    /// A machine whose NVML is at this path in its folder, or will be.
    pub(crate) fn with_library(state: &str, name: &str) -> Self {
        let mut machine = Self::new(state);
        machine.library = machine.path(name);
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Changes the machine, all at once.
    pub(crate) fn set(&self, state: &str) {
        let new = self.path("state.new");
        fs::write(&new, state).unwrap();
        fs::rename(new, self.path("state")).unwrap();
    }

    /// One GPU with this many bytes free.
    pub(crate) fn set_free(&self, free: u64) {
        self.set(&ONE_GPU.replace("20029000001", &free.to_string()));
    }

    /// Puts the stand-in where [`Self::with_library`] said.
    pub(crate) fn install(&self) {
        let new = self.path("library.new");
        fs::copy(fake_library(), &new).unwrap();
        fs::rename(new, &self.library).unwrap();
    }

    /// The line of a state file that logs calls, and where.
    pub(crate) fn log(&self) -> (String, PathBuf) {
        let path = self.path("calls");
        (format!("log = {}\n", path.display()), path)
    }

    /// The program on this machine, in English unless `arguments` say otherwise.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-lander-probe"));
        command
            .args(arguments)
            .env("LLM_LANDER_NVML_LIBRARY", &self.library)
            .env("FAKE_NVML", self.path("state"))
            .env("LANG", "en_US.UTF-8")
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES");
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// How often functions whose names begin so have been called.
pub(crate) fn calls(log: &Path, function: &str) -> usize {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with(function))
        .count()
}

/// The stand-in, which cargo builds into the folder of the tests that depend on it.
pub(crate) fn fake_library() -> PathBuf {
    let name = format!(
        "{}fake_nvml{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let path = std::env::current_exe().unwrap().with_file_name(name);
    assert!(path.exists(), "{} has not been built", path.display());
    path
}
