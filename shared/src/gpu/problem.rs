//! Why there is no reading, and what to do about it.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{Language, UserMessage};

/// Where the codes are explained; the code itself is the anchor.
const REFERENCE: &str =
    "https://github.com/LLM-Lander/LLM-Lander/blob/main/docs/probe_api.md#problem-";

/// The reasons, each with a stable name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemCode {
    /// The NVML library is not on this machine.
    NvmlNotFound,
    /// The library that was found is not a working NVML.
    NvmlUnusable,
    /// The library is there, the kernel driver is not.
    DriverNotLoaded,
    /// The library and the running kernel driver are of different versions.
    DriverMismatch,
    /// The driver runs and sees no GPU.
    NoGpu,
    /// The GPU does not answer any more.
    GpuLost,
    /// The GPU has to be reset before it can be used again.
    GpuResetRequired,
    /// The system does not let this user ask the driver.
    Permission,
    /// The driver does not tell this GPU's memory, and it is not the host's either.
    MemoryNotReported,
    /// What the probe answered is not a report that this version understands.
    ReportUnreadable,
    /// Another error of the driver.
    Unknown,
}

impl ProblemCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::NvmlNotFound,
        Self::NvmlUnusable,
        Self::DriverNotLoaded,
        Self::DriverMismatch,
        Self::NoGpu,
        Self::GpuLost,
        Self::GpuResetRequired,
        Self::Permission,
        Self::MemoryNotReported,
        Self::ReportUnreadable,
        Self::Unknown,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NvmlNotFound => "nvml_not_found",
            Self::NvmlUnusable => "nvml_unusable",
            Self::DriverNotLoaded => "driver_not_loaded",
            Self::DriverMismatch => "driver_mismatch",
            Self::NoGpu => "no_gpu",
            Self::GpuLost => "gpu_lost",
            Self::GpuResetRequired => "gpu_reset_required",
            Self::Permission => "permission",
            Self::MemoryNotReported => "memory_not_reported",
            Self::ReportUnreadable => "report_unreadable",
            Self::Unknown => "unknown",
        }
    }

    /// The code of this name; [`Self::Unknown`] for names that a later probe may send.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|code| code.name() == name)
            .unwrap_or(Self::Unknown)
    }

    fn title(self, language: Language) -> &'static str {
        match self {
            Self::NvmlNotFound => language.pick(
                "NVIDIA の管理ライブラリ(NVML)が見つかりません",
                "the NVIDIA management library (NVML) was not found",
            ),
            Self::NvmlUnusable => language.pick(
                "見つかったライブラリは NVML として使えません",
                "the library that was found does not work as NVML",
            ),
            Self::DriverNotLoaded => language.pick(
                "NVIDIA ドライバーが動いていません",
                "the NVIDIA driver is not loaded",
            ),
            Self::DriverMismatch => language.pick(
                "NVIDIA ドライバーとライブラリのバージョンが一致しません",
                "the NVIDIA driver and its library are of different versions",
            ),
            Self::NoGpu => language.pick(
                "ドライバーは動いていますが、GPU が見つかりません",
                "the driver runs, but sees no GPU",
            ),
            Self::GpuLost => language.pick(
                "GPU が応答しなくなりました",
                "the GPU has stopped answering",
            ),
            Self::GpuResetRequired => language.pick(
                "GPU のリセットが必要です",
                "the GPU has to be reset before it can be used",
            ),
            Self::Permission => language.pick(
                "NVIDIA ドライバーにアクセスする権限がありません",
                "no permission to ask the NVIDIA driver",
            ),
            Self::MemoryNotReported => language.pick(
                "ドライバーがこの GPU のメモリー量を返しません",
                "the driver does not report this GPU's memory",
            ),
            Self::ReportUnreadable => language.pick(
                "プローブの応答を読み取れません",
                "the probe's answer could not be read",
            ),
            Self::Unknown => language.pick(
                "NVIDIA ドライバーがエラーを返しました",
                "the NVIDIA driver returned an error",
            ),
        }
    }

    fn cure(self, language: Language) -> &'static str {
        match self {
            Self::NvmlNotFound => language.pick(
                "NVIDIA ドライバーをインストールしてください。コンテナーでは --gpus all を付けて起動します。NVIDIA 以外の GPU では空き VRAM を手で入力してください",
                "install the NVIDIA driver; start containers with --gpus all; for other makers' GPUs enter the free VRAM by hand",
            ),
            Self::NvmlUnusable => language.pick(
                "NVIDIA ドライバーを入れ直してください。LLM_LANDER_NVML_LIBRARY を設定しているなら、そのパスを確かめてください",
                "reinstall the NVIDIA driver; if LLM_LANDER_NVML_LIBRARY is set, check the path in it",
            ),
            Self::DriverNotLoaded => language.pick(
                "Linux では「sudo modprobe nvidia」を試し、だめなら再起動してください。コンテナーでは --gpus all が要ります。Secure Boot が有効なら、モジュールの署名も確かめてください",
                "on Linux try “sudo modprobe nvidia”, else restart the machine; containers need --gpus all; with Secure Boot, check that the module is signed",
            ),
            Self::DriverMismatch => language.pick(
                "ドライバーの更新直後に起こります。再起動してください",
                "this follows a driver update: restart the machine",
            ),
            Self::NoGpu => language.pick(
                "「lspci | grep -i nvidia」で GPU が見えるか確かめてください。コンテナーでは --gpus all が要ります",
                "see whether “lspci | grep -i nvidia” shows the GPU; containers need --gpus all",
            ),
            Self::GpuLost => language.pick(
                "再起動してください。繰り返すなら電源と PCIe の接続を確かめてください",
                "restart the machine; if it happens again, check the power supply and the PCIe connection",
            ),
            Self::GpuResetRequired => language.pick(
                "GPU を使うプログラムをすべて終えてから「sudo nvidia-smi --gpu-reset」を実行するか、再起動してください",
                "stop what uses the GPU and run “sudo nvidia-smi --gpu-reset”, or restart the machine",
            ),
            Self::Permission => language.pick(
                "/dev/nvidia* を読み書きできるユーザーで実行してください(多くの環境では video グループ)",
                "run as a user who may read and write /dev/nvidia* (on many systems: the group video)",
            ),
            Self::MemoryNotReported => language.pick(
                "空き VRAM を手で入力してください(nvidia-smi の表示から)",
                "enter the free VRAM by hand, as nvidia-smi shows it",
            ),
            Self::ReportUnreadable => language.pick(
                "プローブとページを同じバージョンに更新してください",
                "update the probe and the page to the same version",
            ),
            Self::Unknown => language.pick(
                "「nvidia-smi」が動くか確かめてください。原因は「llm-lander-probe doctor」で調べられます",
                "see whether “nvidia-smi” works; “llm-lander-probe doctor” looks for the cause",
            ),
        }
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ProblemCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::from_name(&name))
    }
}

/// Why there is no reading. On the wire: a problem document (RFC 9457) with `code` and `hint`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProbeProblem {
    /// The reason.
    pub code: ProblemCode,
    /// What the driver or the system said, where it adds something.
    #[serde(default)]
    pub detail: Option<String>,
}

impl ProbeProblem {
    /// A problem that its code says all of.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        Self { code, detail: None }
    }

    /// A problem with what the driver or the system said.
    #[must_use]
    pub fn with_detail(code: ProblemCode, detail: String) -> Self {
        Self {
            code,
            detail: Some(detail),
        }
    }

    /// Reads a problem document.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The problem document, one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for ProbeProblem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Problem", 6)?;
        let reference = format!("{REFERENCE}{}", self.code.name());
        document.serialize_field("type", &reference)?;
        document.serialize_field("title", self.code.title(Language::En))?;
        document.serialize_field("status", &503)?;
        document.serialize_field("code", &self.code)?;
        document.serialize_field("detail", &self.detail)?;
        document.serialize_field("hint", self.code.cure(Language::En))?;
        document.end()
    }
}

impl UserMessage for ProbeProblem {
    fn code(&self) -> &'static str {
        self.code.name()
    }

    fn message(&self, language: Language) -> String {
        let title = self.code.title(language);
        match &self.detail {
            Some(detail) => format!("{title} ({detail})"),
            None => title.into(),
        }
    }

    fn hint(&self, language: Language) -> String {
        self.code.cure(language).into()
    }
}

impl fmt::Display for ProbeProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message(Language::En))
    }
}

impl core::error::Error for ProbeProblem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_come_back() {
        for code in ProblemCode::ALL {
            assert_eq!(ProblemCode::from_name(code.name()), code);
        }
        assert_eq!(ProblemCode::from_name("of_2030"), ProblemCode::Unknown);
    }

    #[test]
    fn documents_survive_the_wire() {
        for code in ProblemCode::ALL {
            for problem in [
                ProbeProblem::new(code),
                ProbeProblem::with_detail(code, "\"x\"\n".into()),
            ] {
                let json = problem.to_json();
                assert_eq!(ProbeProblem::from_json(json.as_bytes()), Some(problem));
                assert!(json.contains("\"hint\":\"") && json.contains("\"status\":503"));
            }
        }
    }

    #[test]
    fn messages_are_one_line_in_both_languages() {
        for code in ProblemCode::ALL {
            let problem = ProbeProblem::new(code);
            for language in [Language::Ja, Language::En] {
                for text in [problem.message(language), problem.hint(language)] {
                    assert!(
                        !text.contains('\n') && !text.ends_with(['.', '。']),
                        "{text}"
                    );
                }
            }
            assert_ne!(problem.message(Language::Ja), problem.message(Language::En));
        }
    }
}
