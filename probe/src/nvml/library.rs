//! Where NVML is found.

use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use shared::gpu::{ProbeProblem, ProblemCode};

use super::failure;

/// The environment variable that names an NVML library in place of the installed one: for
/// installations in unusual places, and for tests.
pub const LIBRARY_VARIABLE: &str = "LLM_LANDER_NVML_LIBRARY";

pub(super) fn from_environment() -> Option<PathBuf> {
    std::env::var_os(LIBRARY_VARIABLE)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Loads the library and starts a session.
pub(super) fn load(chosen: Option<&Path>) -> Result<Nvml, ProbeProblem> {
    if let Some(path) = chosen {
        return start(path).map_err(|error| match error {
            // The loader's own message would repeat the path, which may name a user.
            NvmlError::LibloadingError(_) => ProbeProblem::with_detail(
                if path.exists() {
                    ProblemCode::NvmlUnusable
                } else {
                    ProblemCode::NvmlNotFound
                },
                LIBRARY_VARIABLE.into(),
            ),
            error => failure::problem(&error),
        });
    }
    let mut first = None;
    for path in installed() {
        match start(&path) {
            Ok(nvml) => return Ok(nvml),
            Err(NvmlError::LibloadingError(error)) => {
                let code = if path.is_absolute() && path.exists() {
                    ProblemCode::NvmlUnusable
                } else {
                    ProblemCode::NvmlNotFound
                };
                first.get_or_insert(ProbeProblem::with_detail(code, error.to_string()));
            }
            Err(error) => return Err(failure::problem(&error)),
        }
    }
    Err(first.unwrap_or_else(|| ProbeProblem::new(ProblemCode::NvmlNotFound)))
}

fn start(path: &Path) -> Result<Nvml, NvmlError> {
    Nvml::builder().lib_path(path.as_os_str()).init()
}

/// Where drivers put the library: the loader's own search first, then WSL's and NixOS' folders.
#[cfg(not(windows))]
fn installed() -> Vec<PathBuf> {
    [
        "libnvidia-ml.so.1",
        "/usr/lib/wsl/lib/libnvidia-ml.so.1",
        "/run/opengl-driver/lib/libnvidia-ml.so.1",
    ]
    .map(PathBuf::from)
    .to_vec()
}

/// Where drivers put the library. By full paths alone: the loader's own search would take a
/// file of that name from the current folder.
#[cfg(windows)]
fn installed() -> Vec<PathBuf> {
    [
        ("SystemRoot", r"System32\nvml.dll"),
        ("ProgramW6432", r"NVIDIA Corporation\NVSMI\nvml.dll"),
    ]
    .into_iter()
    .filter_map(|(variable, rest)| {
        let root = PathBuf::from(std::env::var_os(variable)?);
        root.is_absolute().then(|| root.join(rest))
    })
    .collect()
}
