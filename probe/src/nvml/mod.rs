//! Readings through NVIDIA's management library.

mod failure;
mod library;
mod memory;
mod reading;

pub use library::LIBRARY_VARIABLE;

use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::{cuda_driver_version_major, cuda_driver_version_minor};
use shared::gpu::{GpuReport, ProbeProblem, ProblemCode, REPORT_SCHEMA};

use crate::{GpuSource, VERSION};

/// The GPUs as NVML reads them.
#[derive(Debug, Default)]
pub struct NvmlSource {
    library: Option<PathBuf>,
    session: Option<Nvml>,
}

impl NvmlSource {
    /// NVML as the driver installs it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The library that the environment variable [`LIBRARY_VARIABLE`] names, else NVML as the
    /// driver installs it.
    #[must_use]
    pub fn from_environment() -> Self {
        Self {
            library: library::from_environment(),
            session: None,
        }
    }

    /// This library instead of the installed one.
    #[must_use]
    pub fn with_library(path: impl Into<PathBuf>) -> Self {
        Self {
            library: Some(path.into()),
            session: None,
        }
    }

    /// The library named in place of the installed one.
    #[must_use]
    pub fn library(&self) -> Option<&Path> {
        self.library.as_deref()
    }

    fn read_once(&mut self) -> Result<GpuReport, ProbeProblem> {
        if self.session.is_none() {
            self.session = Some(library::load(self.library.as_deref())?);
        }
        self.session
            .as_ref()
            .map_or_else(|| Err(ProbeProblem::new(ProblemCode::Unknown)), report)
    }
}

impl GpuSource for NvmlSource {
    fn read(&mut self) -> Result<GpuReport, ProbeProblem> {
        let kept_from_before = self.session.is_some();
        let mut outcome = self.read_once();
        if outcome.is_err() {
            // A session does not outlive a change of driver under it: begin a new one.
            self.release();
            if kept_from_before {
                outcome = self.read_once();
            }
        }
        if !matches!(&outcome, Ok(report) if report.problems.is_empty()) {
            self.release();
        }
        outcome
    }

    fn release(&mut self) {
        self.session = None;
    }
}

fn report(nvml: &Nvml) -> Result<GpuReport, ProbeProblem> {
    let count = nvml
        .device_count()
        .map_err(|error| failure::problem(&error))?;
    let mut gpus = Vec::new();
    let mut problems = Vec::new();
    for index in 0..count {
        match reading::read(nvml, index) {
            Ok(reading) => gpus.push(reading),
            Err(problem) => problems.push(problem),
        }
    }
    if gpus.is_empty() {
        return Err(problems
            .first()
            .map_or_else(|| ProbeProblem::new(ProblemCode::NoGpu), ProbeProblem::from));
    }
    Ok(GpuReport {
        schema: REPORT_SCHEMA,
        probe: VERSION.into(),
        driver: nvml.sys_driver_version().ok(),
        cuda: nvml.sys_cuda_driver_version().ok().map(|version| {
            let (major, minor) = (
                cuda_driver_version_major(version),
                cuda_driver_version_minor(version),
            );
            format!("{major}.{minor}")
        }),
        gpus,
        problems,
    })
}
