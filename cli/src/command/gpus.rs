//! `gpus`: the live reading.

use shared::gpu::{GpuReading, GpuReport, ProbeProblem};
use shared::text::{Language, UserMessage};

use super::Outcome;
use crate::failure::Failure;
use crate::mib;
use crate::output::Terminal;
use crate::output::table::{Align, Table};

/// Tells what NVML says of the GPUs at this moment.
///
/// # Errors
/// Why there is no reading.
pub(super) fn run(terminal: &mut Terminal) -> Result<Outcome, Failure> {
    let report = llm_lander_probe::read_gpus()?;
    if terminal.json {
        // The same object as the probe's `GET /v1/gpus`.
        terminal.write_json(&report)?;
    } else {
        terminal.write(page(&report, terminal.language))?;
        for failure in &report.problems {
            terminal.warn(&ProbeProblem::from(failure).message(terminal.language));
        }
    }
    Ok(Outcome::Answered)
}

fn page(report: &GpuReport, language: Language) -> String {
    let mut table = Table::new(&[
        Align::Right,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ]);
    table.head(&language.pick(
        [
            "番号",
            "名前",
            "空き MiB",
            "全体 MiB",
            "使用中 MiB",
            "CC",
            "",
        ],
        [
            "index",
            "name",
            "free MiB",
            "total MiB",
            "used MiB",
            "CC",
            "",
        ],
    ));
    for gpu in &report.gpus {
        table.row(row(gpu, language));
        for instance in gpu.mig.iter().flat_map(|mig| &mig.instances) {
            table.row(vec![
                format!("{}.{}", gpu.index, instance.index),
                instance.name.clone(),
                mib::format(instance.free),
                mib::format(instance.total),
                mib::format(instance.used),
                String::new(),
                "MIG".into(),
            ]);
        }
    }
    let unknown = || language.pick("不明", "unknown").to_owned();
    format!(
        "driver: {}  cuda: {}\n{table}\n",
        report.driver.clone().unwrap_or_else(unknown),
        report.cuda.clone().unwrap_or_else(unknown),
    )
}

fn row(gpu: &GpuReading, language: Language) -> Vec<String> {
    let amount = |bytes: Option<u64>| bytes.map_or_else(|| "-".into(), mib::format);
    let unified = language.pick("ホストと共有", "shared with the host");
    vec![
        gpu.index.to_string(),
        gpu.name.clone(),
        mib::format(gpu.free),
        amount(gpu.total),
        amount(gpu.used),
        gpu.compute_capability
            .map_or_else(|| "-".into(), |(major, minor)| format!("{major}.{minor}")),
        if gpu.unified {
            unified.into()
        } else {
            String::new()
        },
    ]
}
