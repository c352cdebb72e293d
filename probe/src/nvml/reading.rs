//! One GPU.

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use shared::gpu::{GpuFailure, GpuReading, Mig, MigInstance, ProblemCode};

use super::failure;
use super::memory::{self, Memory};
use crate::host_memory;

/// `NVML_DEVICE_MIG_ENABLE`.
const MIG_ENABLED: u32 = 1;

pub(super) fn read(nvml: &Nvml, index: u32) -> Result<GpuReading, GpuFailure> {
    let failed = |error: NvmlError| {
        let problem = failure::problem(&error);
        GpuFailure {
            index,
            code: problem.code,
            detail: problem.detail,
        }
    };
    let device = nvml.device_by_index(index).map_err(failed)?;
    let mig = mig(&device);
    let mut reading = GpuReading {
        index,
        name: name(&device),
        total: None,
        free: 0,
        used: None,
        reserved: None,
        unified: false,
        mig,
        compute_capability: compute_capability(&device),
    };
    match memory::read(&device) {
        Ok(memory) => whole(&mut reading, memory),
        Err(NvmlError::NotSupported) => shared_with_host(&mut reading)?,
        Err(error @ NvmlError::NoPermission) => {
            reading.free = roomiest_instance(&reading).ok_or_else(|| failed(error))?;
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(reading)
}

fn whole(reading: &mut GpuReading, memory: Memory) {
    reading.total = Some(memory.total);
    reading.free = memory.free;
    reading.used = Some(memory.used);
    reading.reserved = memory.reserved;
}

/// GB10 and Jetson have no memory of their own to report.
fn shared_with_host(reading: &mut GpuReading) -> Result<(), GpuFailure> {
    let host = host_memory::read().ok_or(GpuFailure {
        index: reading.index,
        code: ProblemCode::MemoryNotReported,
        detail: None,
    })?;
    reading.unified = true;
    reading.total = Some(host.total);
    reading.free = host.available;
    Ok(())
}

/// What is left to go by where a GPU in MIG mode keeps its own figures to administrators.
fn roomiest_instance(reading: &GpuReading) -> Option<u64> {
    let instances = &reading.mig.as_ref()?.instances;
    instances.iter().map(|instance| instance.free).max()
}

fn name(device: &Device<'_>) -> String {
    device.name().unwrap_or_else(|_| "NVIDIA GPU".into())
}

fn compute_capability(device: &Device<'_>) -> Option<(u32, u32)> {
    let capability = device.cuda_compute_capability().ok()?;
    Some((
        capability.major.try_into().ok()?,
        capability.minor.try_into().ok()?,
    ))
}

/// The instances of a GPU in MIG mode; `None` of every other, and of GPUs that do not know it.
fn mig(device: &Device<'_>) -> Option<Mig> {
    if device.mig_mode().ok()?.current != MIG_ENABLED {
        return None;
    }
    // Slots are counted, not instances: those that are empty give an error.
    let slots = device.mig_device_count().unwrap_or(0);
    let instances = (0..slots)
        .filter_map(|index| instance(device, index))
        .collect();
    Some(Mig { instances })
}

fn instance(device: &Device<'_>, index: u32) -> Option<MigInstance> {
    let instance = device.mig_device_by_index(index).ok()?;
    let memory = memory::read(&instance).ok()?;
    Some(MigInstance {
        index,
        name: name(&instance),
        total: memory.total,
        free: memory.free,
        used: memory.used,
        reserved: memory.reserved,
    })
}
