//! Live readings of GPUs: the wire types of the probe's `GET /v1/gpus`.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::problem::{ProbeProblem, ProblemCode};
use super::{Device, fragment};

/// The version of the report's form that is written here.
pub const REPORT_SCHEMA: u32 = 1;

/// The answer of the probe: every GPU that could be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuReport {
    /// Version of the form; [`REPORT_SCHEMA`].
    pub schema: u32,
    /// Version of the probe.
    pub probe: String,
    /// Version of the driver, as it names itself.
    #[serde(default)]
    pub driver: Option<String>,
    /// CUDA version that the driver supports, such as `13.0`.
    #[serde(default)]
    pub cuda: Option<String>,
    /// The GPUs, in NVML's order.
    pub gpus: Vec<GpuReading>,
    /// The GPUs that are there and could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<GpuFailure>,
}

/// One GPU. Bytes are as the driver gives them at that moment; none is computed from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuReading {
    /// NVML's index, as `nvidia-smi` shows it.
    pub index: u32,
    /// Name of the product.
    pub name: String,
    /// Bytes in all; `null` where the driver keeps it to administrators (MIG).
    #[serde(default)]
    pub total: Option<u64>,
    /// Bytes free. Of a GPU in MIG mode that keeps its own figure to administrators, those of
    /// its roomiest instance.
    pub free: u64,
    /// Bytes in use. With `reserved` known they are counted without it, else with it.
    #[serde(default)]
    pub used: Option<u64>,
    /// Bytes that the driver keeps for itself; `null` where an old driver does not tell.
    #[serde(default)]
    pub reserved: Option<u64>,
    /// Whether the memory is the host's (GB10, Jetson): then `total` and `free` are the host's
    /// own, and NVML's nothing.
    #[serde(default)]
    pub unified: bool,
    /// The instances of a GPU in MIG mode, `null` of every other.
    #[serde(default)]
    pub mig: Option<Mig>,
    /// CUDA compute capability as major and minor.
    #[serde(default)]
    pub compute_capability: Option<(u32, u32)>,
}

/// What a GPU in MIG mode is divided into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mig {
    /// The instances, each a device of its own to programs.
    pub instances: Vec<MigInstance>,
}

/// One MIG instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigInstance {
    /// Index within the GPU.
    pub index: u32,
    /// Name of the product with the instance's profile.
    pub name: String,
    /// Bytes in all.
    pub total: u64,
    /// Bytes free.
    pub free: u64,
    /// Bytes in use.
    pub used: u64,
    /// Bytes that the driver keeps for itself, where it tells.
    #[serde(default)]
    pub reserved: Option<u64>,
}

/// A GPU that is there and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuFailure {
    /// NVML's index.
    pub index: u32,
    /// What kept it from being read.
    pub code: ProblemCode,
    /// What the driver said.
    #[serde(default)]
    pub detail: Option<String>,
}

impl From<&GpuFailure> for ProbeProblem {
    /// The problem of this one GPU, with its index.
    fn from(failure: &GpuFailure) -> Self {
        let index = failure.index;
        Self::with_detail(
            failure.code,
            match &failure.detail {
                Some(detail) => format!("GPU {index}: {detail}"),
                None => format!("GPU {index}"),
            },
        )
    }
}

impl GpuReport {
    /// Reads a report as the probe answers it.
    ///
    /// # Errors
    /// [`ProblemCode::ReportUnreadable`] where it is no report, or one of a later form.
    pub fn from_json(json: &[u8]) -> Result<Self, ProbeProblem> {
        let report: Self = serde_json::from_slice(json).map_err(|error| {
            ProbeProblem::with_detail(ProblemCode::ReportUnreadable, format!("{error}"))
        })?;
        if report.schema == REPORT_SCHEMA {
            Ok(report)
        } else {
            Err(ProbeProblem::with_detail(
                ProblemCode::ReportUnreadable,
                format!("schema {}", report.schema),
            ))
        }
    }

    /// The report as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings and integers alone: there is nothing that JSON cannot hold.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The report for the fragment of the page's address, `gpus=…`, without the `#`.
    #[must_use]
    pub fn to_fragment(&self) -> String {
        fragment::write(self.to_json().as_bytes())
    }

    /// The report in the fragment of an address, with or without the `#`; `None` where it
    /// carries none.
    #[must_use]
    pub fn from_fragment(text: &str) -> Option<Result<Self, ProbeProblem>> {
        Some(Self::from_json(Self::in_fragment(text)?.as_bytes()))
    }

    /// The JSON in the fragment of an address; empty where it cannot be decoded, `None` where the
    /// fragment carries none.
    #[must_use]
    pub fn in_fragment(text: &str) -> Option<String> {
        let bytes = fragment::read(text)?;
        Some(String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default())
    }

    /// Every device that a program can be placed on: the GPUs, and of those in MIG mode the
    /// instances.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        self.gpus.iter().flat_map(GpuReading::devices).collect()
    }
}

impl GpuReading {
    /// The devices that a program can be placed on: the GPU, or its MIG instances.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        match &self.mig {
            Some(mig) if !mig.instances.is_empty() => mig
                .instances
                .iter()
                .map(|instance| self.device_of(instance))
                .collect(),
            _ => vec![self.whole()],
        }
    }

    fn whole(&self) -> Device {
        Device {
            name: self.name.clone(),
            free: self.free,
            total: self.total,
            compute_capability: self.compute_capability,
        }
    }

    fn device_of(&self, instance: &MigInstance) -> Device {
        Device {
            name: instance.name.clone(),
            free: instance.free,
            total: Some(instance.total),
            compute_capability: self.compute_capability,
        }
    }
}

impl From<&GpuReading> for Device {
    /// The GPU; in MIG mode, where a program sees one instance alone, the roomiest.
    fn from(reading: &GpuReading) -> Self {
        reading
            .mig
            .iter()
            .flat_map(|mig| &mig.instances)
            .max_by_key(|instance| instance.free)
            .map_or_else(|| reading.whole(), |instance| reading.device_of(instance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn reading() -> GpuReading {
        GpuReading {
            index: 0,
            name: "NVIDIA GeForce RTX 4090".into(),
            total: Some(25_757_220_864),
            free: 20_029_000_000,
            used: Some(5_252_988_032),
            reserved: Some(475_232_832),
            unified: false,
            mig: None,
            compute_capability: Some((8, 9)),
        }
    }

    fn instance(index: u32, free: u64) -> MigInstance {
        MigInstance {
            index,
            name: format!("NVIDIA A100-SXM4-40GB MIG 1g.5gb #{index}"),
            total: 5_100_273_664,
            free,
            used: 5_100_273_664 - free,
            reserved: None,
        }
    }

    fn report(gpus: Vec<GpuReading>) -> GpuReport {
        GpuReport {
            schema: REPORT_SCHEMA,
            probe: "0.1.0".into(),
            driver: Some("580.65.06".into()),
            cuda: Some("13.0".into()),
            gpus,
            problems: Vec::new(),
        }
    }

    #[test]
    fn the_wire_form_is_the_contract() {
        assert_eq!(
            report(vec![reading()]).to_json(),
            r#"{"schema":1,"probe":"0.1.0","driver":"580.65.06","cuda":"13.0","gpus":[{"index":0,"name":"NVIDIA GeForce RTX 4090","total":25757220864,"free":20029000000,"used":5252988032,"reserved":475232832,"unified":false,"mig":null,"compute_capability":[8,9]}]}"#
        );
    }

    #[test]
    fn reports_survive_the_wire_and_the_address() {
        let mut mig = reading();
        mig.index = 1;
        mig.total = None;
        mig.used = None;
        mig.reserved = None;
        mig.mig = Some(Mig {
            instances: vec![instance(0, 1), instance(1, 2)],
        });
        let mut sent = report(vec![reading(), mig]);
        sent.driver = None;
        sent.problems.push(GpuFailure {
            index: 2,
            code: ProblemCode::GpuLost,
            detail: Some("GPU が応答しません".into()),
        });
        assert_eq!(
            GpuReport::from_json(sent.to_json().as_bytes()).as_ref(),
            Ok(&sent)
        );
        let fragment = sent.to_fragment();
        assert!(fragment.starts_with("gpus="));
        assert!(
            fragment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte))
        );
        for text in [
            fragment.clone(),
            format!("#{fragment}"),
            format!("#x=1&{fragment}"),
        ] {
            assert_eq!(GpuReport::from_fragment(&text), Some(Ok(sent.clone())));
        }
    }

    #[test]
    fn fields_to_come_and_fields_left_out_are_no_obstacle() {
        let json = r#"{"schema":1,"probe":"9.9","new":{},"gpus":[{"index":3,"name":"X","free":7,"power":1}]}"#;
        let report = GpuReport::from_json(json.as_bytes()).unwrap();
        assert_eq!(report.gpus[0].free, 7);
        assert_eq!(report.gpus[0].total, None);
        assert!(!report.gpus[0].unified);
    }

    #[test]
    fn other_forms_are_refused() {
        for json in [
            "",
            "[]",
            r#"{"schema":2,"probe":"x","gpus":[]}"#,
            r#"{"schema":1,"probe":"x","gpus":[{"index":0,"name":"X","free":-1}]}"#,
        ] {
            let problem = GpuReport::from_json(json.as_bytes()).unwrap_err();
            assert_eq!(problem.code, ProblemCode::ReportUnreadable, "{json}");
        }
        assert_eq!(GpuReport::from_fragment("#model=qwen3"), None);
        for text in ["gpus=", "gpus=%7B", "gpus=a", "gpus=eyJ9"] {
            assert!(GpuReport::from_fragment(text).unwrap().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reading_becomes_a_device() {
        let device = Device::from(&reading());
        assert_eq!(device.free, 20_029_000_000);
        assert_eq!(device.total, Some(25_757_220_864));
        assert_eq!(device.compute_capability, Some((8, 9)));
    }

    #[test]
    fn of_a_gpu_in_mig_mode_the_instances_are_the_devices() {
        let mut gpu = reading();
        gpu.mig = Some(Mig {
            instances: vec![instance(0, 10), instance(1, 30), instance(2, 20)],
        });
        assert_eq!(Device::from(&gpu).free, 30);
        assert_eq!(report(vec![reading(), gpu.clone()]).devices().len(), 4);
        gpu.mig = Some(Mig {
            instances: Vec::new(),
        });
        assert_eq!(Device::from(&gpu).name, gpu.name);
        assert_eq!(gpu.devices()[0].name.to_string(), gpu.name);
    }
}
