//! What NVIDIA's driver says of the GPUs and their memory at this moment.
//!
//! [`read_gpus`] answers once; a [`GpuSource`] kept alive answers again and again, and recovers
//! by itself when the driver comes, goes or is replaced. With the feature `server` (on by
//! default) the same readings are served on localhost.
//!
//! Nothing that identifies a person or a machine is read: no processes, users, serial numbers
//! or UUIDs.

#![warn(missing_docs)]

pub mod doctor;
mod host_memory;
mod nvml;
#[cfg(feature = "server")]
pub mod server;

pub use nvml::{LIBRARY_VARIABLE, NvmlSource};

use shared::gpu::{GpuReport, ProbeProblem};

/// The version in reports.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The site that hosts the page: the one place where its address is written. The probe opens
/// it, and lets its scripts read the GPUs.
pub const HOSTED_SITE: &str = "https://llm-lander.github.io";

/// Where readings come from.
pub trait GpuSource: Send {
    /// Reads every GPU now.
    ///
    /// # Errors
    /// Why no GPU could be read. The next call tries again from the beginning.
    fn read(&mut self) -> Result<GpuReport, ProbeProblem>;

    /// Lets go of the driver until the next reading, so that an idle GPU may sleep.
    fn release(&mut self) {}
}

/// Reads every GPU of this machine once.
///
/// # Errors
/// Why no GPU could be read.
pub fn read_gpus() -> Result<GpuReport, ProbeProblem> {
    NvmlSource::from_environment().read()
}
