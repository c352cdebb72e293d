//! The memory of one device.

use std::mem::MaybeUninit;

use nvml_wrapper::Device;
use nvml_wrapper::error::{NvmlError, nvml_sym, nvml_try};

/// `NVML_ERROR_ARGUMENT_VERSION_MISMATCH`, which the wrapper has no name for.
const VERSION_MISMATCH: u32 = 25;

/// Bytes as NVML gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) total: u64,
    pub(super) free: u64,
    pub(super) used: u64,
    /// `None` from drivers before R510, which count it as used.
    pub(super) reserved: Option<u64>,
}

/// The memory of a GPU or a MIG instance.
pub(super) fn read(device: &Device<'_>) -> Result<Memory, NvmlError> {
    match device.memory_info() {
        Ok(info) => Ok(Memory {
            total: info.total,
            free: info.free,
            used: info.used,
            reserved: Some(info.reserved),
        }),
        Err(error) if is_for_want_of_version_2(&error) => read_version_1(device),
        Err(error) => Err(error),
    }
}

fn is_for_want_of_version_2(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::FailedToLoadSymbol(_)
            | NvmlError::FunctionNotFound
            | NvmlError::InvalidArg
            | NvmlError::UnexpectedVariant(VERSION_MISMATCH)
    )
}

fn read_version_1(device: &Device<'_>) -> Result<Memory, NvmlError> {
    let function = nvml_sym(device.nvml().lib().nvmlDeviceGetMemoryInfo.as_ref())?;
    let mut info = MaybeUninit::zeroed();
    // SAFETY: the handle is of the session that `device` borrows, the struct is the one that
    // the function's own signature asks for, and all-zero is a value of its three integers.
    let info = unsafe {
        nvml_try(function(device.handle(), info.as_mut_ptr()))?;
        info.assume_init()
    };
    Ok(Memory {
        total: info.total,
        free: info.free,
        used: info.used,
        reserved: None,
    })
}
