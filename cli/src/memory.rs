//! The GPUs that an answer is for, and what must stay free on them.

use shared::fit::Budget;
use shared::gpu::{Device, GpuReport, find_card};

use crate::arguments::{Memory, UsageError};
use crate::failure::Failure;
use crate::output::Terminal;

/// What must stay free.
pub(crate) fn budget(memory: &Memory) -> Budget {
    let default = Budget::default();
    Budget {
        safety_margin: memory.safety_margin_mb.unwrap_or(default.safety_margin),
        runtime_overhead: memory.runtime_overhead_mb,
        answer: memory.answer.unwrap_or(default.answer),
    }
}

/// The GPUs: by hand, from the catalogue, or live.
///
/// # Errors
/// Unknown cards and numbers, and why there is no live reading.
pub(crate) fn devices(memory: &Memory, terminal: &mut Terminal) -> Result<Vec<Device>, Failure> {
    if !memory.gpu.is_empty() {
        return cards(memory, terminal);
    }
    if memory.free_vram_mb.is_empty() {
        let report = llm_lander_probe::read_gpus()?;
        return Ok(chosen(&report, &memory.gpu_index)?);
    }
    let devices = memory.free_vram_mb.iter().enumerate();
    Ok(devices
        .map(|(index, &free)| Device::with_free(format!("GPU {index}"), free))
        .collect())
}

fn chosen(report: &GpuReport, indices: &[u32]) -> Result<Vec<Device>, UsageError> {
    if indices.is_empty() {
        return Ok(report.gpus.iter().map(Device::from).collect());
    }
    let device = |&index: &u32| {
        let reading = report.gpus.iter().find(|reading| reading.index == index);
        reading.map(Device::from).ok_or_else(|| {
            let known: Vec<String> = report
                .gpus
                .iter()
                .map(|reading| reading.index.to_string())
                .collect();
            UsageError::NoSuchGpu {
                index,
                known: known.join(", "),
            }
        })
    };
    indices.iter().map(device).collect()
}

fn cards(memory: &Memory, terminal: &mut Terminal) -> Result<Vec<Device>, Failure> {
    let (amounts, names) = (&memory.free_vram_mb, &memory.gpu);
    if !amounts.is_empty() && names.len() != 1 && names.len() != amounts.len() {
        return Err(UsageError::DeviceCount {
            amounts: amounts.len(),
            cards: names.len(),
        }
        .into());
    }
    let count = names.len().max(amounts.len());
    let mut devices = Vec::new();
    for index in 0..count {
        let name = names
            .get(index)
            .or(names.first())
            .map_or("", String::as_str);
        let card = find_card(name)?;
        let mut device = card.device();
        match amounts.get(index) {
            Some(&free) => device.free = free,
            None => {
                let why = card.allocatable().basis.explanation(terminal.language);
                terminal.warn(&format!("{}: {why}", device.name));
            }
        }
        devices.push(device);
    }
    Ok(devices)
}
