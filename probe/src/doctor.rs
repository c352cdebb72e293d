//! Step by step, why a GPU is not seen, and what to do about it.

use std::io;

use shared::gpu::{GpuFailure, GpuReading, GpuReport, ProbeProblem};
use shared::text::{Language, UserMessage};

use crate::{GpuSource, LIBRARY_VARIABLE, NvmlSource};

const MEBIBYTE: u64 = 1024 * 1024;

/// How one step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Worth knowing, right or wrong by itself.
    Note,
    /// What stands in the way.
    Bad,
}

impl Mark {
    /// The mark as printed at the start of a line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "[ok]",
            Self::Note => "[--]",
            Self::Bad => "[!!]",
        }
    }
}

/// What one step found.
#[derive(Debug)]
pub enum Finding {
    /// The kernel driver runs, of this version.
    KernelDriver(String),
    /// The kernel driver is not loaded.
    NoKernelDriver,
    /// Windows' driver serves this Linux (WSL 2).
    WindowsSubsystem,
    /// This program runs in a container.
    Container,
    /// The driver's device file opens.
    DeviceFile(&'static str),
    /// The driver's device file does not open.
    NoDeviceFile(&'static str, io::Error),
    /// Another library than the installed one is used.
    LibraryChosen(String),
    /// NVML answers.
    Nvml {
        /// Version of the driver.
        driver: Option<String>,
        /// CUDA version that the driver supports.
        cuda: Option<String>,
    },
    /// No GPU could be read.
    NoReading(ProbeProblem),
    /// A GPU that can be read.
    Gpu(GpuReading),
    /// A GPU that cannot be read.
    GpuFailure(GpuFailure),
}

impl Finding {
    /// How the step went.
    #[must_use]
    pub fn mark(&self) -> Mark {
        match self {
            Self::KernelDriver(_)
            | Self::WindowsSubsystem
            | Self::DeviceFile(_)
            | Self::Nvml { .. }
            | Self::Gpu(_) => Mark::Good,
            Self::Container | Self::LibraryChosen(_) => Mark::Note,
            Self::NoKernelDriver
            | Self::NoDeviceFile(..)
            | Self::NoReading(_)
            | Self::GpuFailure(_) => Mark::Bad,
        }
    }

    /// What was found, in one line.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let unknown = || language.pick("不明", "unknown").to_owned();
        match self {
            Self::KernelDriver(version) => match language {
                Language::Ja => format!("カーネルドライバー: {version}"),
                Language::En => format!("kernel driver: {version}"),
            },
            Self::NoKernelDriver => language
                .pick(
                    "カーネルドライバーが読み込まれていません(/proc/driver/nvidia がありません)",
                    "the kernel driver is not loaded (there is no /proc/driver/nvidia)",
                )
                .into(),
            Self::WindowsSubsystem => language
                .pick(
                    "WSL 2: Windows のドライバーを使います",
                    "WSL 2: the driver is that of Windows",
                )
                .into(),
            Self::Container => language
                .pick("コンテナーの中で動いています", "running inside a container")
                .into(),
            Self::DeviceFile(path) => match language {
                Language::Ja => format!("デバイスファイル {path} を開けます"),
                Language::En => format!("the device file {path} opens"),
            },
            Self::NoDeviceFile(path, error) => match language {
                Language::Ja => format!("デバイスファイル {path} を開けません ({error})"),
                Language::En => format!("the device file {path} does not open ({error})"),
            },
            Self::LibraryChosen(path) => match language {
                Language::Ja => format!("{LIBRARY_VARIABLE} により {path} を使います"),
                Language::En => format!("{LIBRARY_VARIABLE} names {path}"),
            },
            Self::Nvml { driver, cuda } => {
                let driver = driver.clone().unwrap_or_else(unknown);
                let cuda = cuda.clone().unwrap_or_else(unknown);
                match language {
                    Language::Ja => format!("NVML: 応答あり(ドライバー {driver}、CUDA {cuda})"),
                    Language::En => format!("NVML answers (driver {driver}, CUDA {cuda})"),
                }
            }
            Self::NoReading(problem) => problem.message(language),
            Self::Gpu(gpu) => gpu_text(gpu, language),
            Self::GpuFailure(failure) => ProbeProblem::from(failure).message(language),
        }
    }

    /// What to do, where something stands in the way.
    #[must_use]
    pub fn cure(&self, language: Language) -> Option<String> {
        match self {
            Self::NoReading(problem) => Some(problem.hint(language)),
            Self::GpuFailure(failure) => Some(ProbeProblem::from(failure).hint(language)),
            Self::NoDeviceFile(_, error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Some(
                    language
                        .pick(
                            "自分のユーザーを video または render グループに加え、ログインし直してください",
                            "add your user to the group video or render, and log in again",
                        )
                        .into(),
                )
            }
            _ => None,
        }
    }
}

fn gpu_text(gpu: &GpuReading, language: Language) -> String {
    let (index, name) = (gpu.index, &gpu.name);
    let free = gpu.free / MEBIBYTE;
    let total = gpu
        .total
        .map_or_else(|| "?".into(), |total| (total / MEBIBYTE).to_string());
    let mut text = match language {
        Language::Ja => format!("GPU {index}: {name} 空き {free} MiB / 全体 {total} MiB"),
        Language::En => format!("GPU {index}: {name}, {free} MiB free of {total} MiB"),
    };
    if gpu.unified {
        text.push_str(language.pick("(ホストとの共有メモリー)", " (memory shared with the host)"));
    }
    if let Some(mig) = &gpu.mig {
        let count = mig.instances.len();
        text.push_str(&match language {
            Language::Ja => format!("(MIG インスタンス {count} 個)"),
            Language::En => format!(" ({count} MIG instances)"),
        });
    }
    text
}

/// Looks at everything between this program and the GPU.
#[must_use]
pub fn examine(source: &mut NvmlSource) -> Vec<Finding> {
    let outcome = source.read();
    let mut findings = system(outcome.is_ok());
    if let Some(library) = source.library() {
        findings.push(Finding::LibraryChosen(library.display().to_string()));
    }
    match outcome {
        Ok(report) => findings.extend(seen(report)),
        Err(problem) => findings.push(Finding::NoReading(problem)),
    }
    findings
}

/// Whether at least one GPU can be read.
#[must_use]
pub fn is_gpu_seen(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| matches!(finding, Finding::Gpu(_)))
}

fn seen(report: GpuReport) -> impl Iterator<Item = Finding> {
    let nvml = Finding::Nvml {
        driver: report.driver,
        cuda: report.cuda,
    };
    let gpus = report.gpus.into_iter().map(Finding::Gpu);
    let failures = report.problems.into_iter().map(Finding::GpuFailure);
    std::iter::once(nvml).chain(gpus).chain(failures)
}

/// What the system shows of the driver. Where NVML works, what is missing here does not matter.
#[cfg(target_os = "linux")]
fn system(works: bool) -> Vec<Finding> {
    use std::path::Path;

    const CONTROL: &str = "/dev/nvidiactl";
    let mut findings = Vec::new();
    let in_container = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|path| Path::new(path).exists());
    if in_container {
        findings.push(Finding::Container);
    }
    if Path::new("/dev/dxg").exists() {
        findings.push(Finding::WindowsSubsystem);
        return findings;
    }
    match std::fs::read_to_string("/proc/driver/nvidia/version") {
        Ok(version) => findings.push(Finding::KernelDriver(kernel_driver_version(&version))),
        Err(_) if works => {}
        Err(_) => findings.push(Finding::NoKernelDriver),
    }
    match std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(CONTROL)
    {
        Ok(_) => findings.push(Finding::DeviceFile(CONTROL)),
        Err(_) if works => {}
        Err(error) => findings.push(Finding::NoDeviceFile(CONTROL, error)),
    }
    findings
}

#[cfg(not(target_os = "linux"))]
fn system(_works: bool) -> Vec<Finding> {
    Vec::new()
}

/// The version among the words of the driver's own line, else the line.
#[cfg(target_os = "linux")]
fn kernel_driver_version(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split_whitespace()
        .find(|word| word.contains('.') && word.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
        .unwrap_or(line)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::gpu::ProblemCode;

    #[test]
    #[cfg(target_os = "linux")]
    fn finds_the_version_in_the_drivers_line() {
        for (line, version) in [
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\nGCC version:",
                "550.54.14",
            ),
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build",
                "580.65.06",
            ),
            ("something else", "something else"),
        ] {
            assert_eq!(kernel_driver_version(line), version);
        }
    }

    #[test]
    fn what_stands_in_the_way_comes_with_a_cure() {
        let problem = ProbeProblem::new(ProblemCode::DriverMismatch);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        for finding in [
            Finding::NoReading(problem),
            Finding::NoDeviceFile("/dev/nvidiactl", denied),
        ] {
            assert_eq!(finding.mark(), Mark::Bad);
            for language in [Language::Ja, Language::En] {
                assert!(!finding.text(language).contains('\n'));
                assert!(finding.cure(language).is_some());
            }
        }
    }
}
