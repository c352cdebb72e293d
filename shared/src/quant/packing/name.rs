//! Names of packings, as `--quant` takes them and answers show them.

use alloc::format;
use alloc::string::{String, ToString};

use super::{
    Awq, Exl2, Exl3, Fp8, Gptq, Hqq, Int8, Mxfp4, Mxfp8, Nf4, Nvfp4, PackedIntegers, Packing,
    ScaleOf, ScaledInt8,
};

/// The group size that publishers use where a name gives none.
const USUAL_GROUP: u32 = 128;
/// The same of HQQ.
const USUAL_HQQ_GROUP: u32 = 64;

impl Packing {
    /// The name, for example `gptq-int4-g128`.
    #[must_use]
    pub fn name(&self) -> String {
        match *self {
            Self::Gptq(gptq) => {
                let order = if gptq.act_order { "-actorder" } else { "" };
                let group = group_name(gptq.group_size);
                format!("gptq-int{}{group}{order}", gptq.bits)
            }
            Self::Awq(awq) => format!("awq-int{}{}", awq.bits, group_name(awq.group_size)),
            Self::PackedIntegers(packed) => {
                let zeros = if packed.symmetric { "" } else { "-asym" };
                format!(
                    "w{}a16{}{zeros}",
                    packed.bits,
                    group_name(packed.group_size)
                )
            }
            Self::ScaledInt8(_) => "w8a8-int8".into(),
            Self::Fp8(fp8) => match fp8.scale {
                ScaleOf::Tensor => "fp8".into(),
                ScaleOf::Channel => "fp8-channel".into(),
                ScaleOf::Block { rows, .. } => format!("fp8-block{rows}"),
            },
            Self::Nvfp4(nvfp4) if nvfp4.static_input => "nvfp4".into(),
            Self::Nvfp4(_) => "nvfp4a16".into(),
            Self::Mxfp4(_) => "mxfp4".into(),
            Self::Mxfp8(_) => "mxfp8".into(),
            Self::Nf4(nf4) if nf4.double_quant => "nf4-double".into(),
            Self::Nf4(_) => "nf4".into(),
            Self::Int8(_) => "int8".into(),
            Self::Hqq(hqq) => format!("hqq-int{}{}", hqq.bits, group_name(hqq.group_size)),
            Self::Exl2(exl2) => format!("exl2-{}", thousandths(exl2.millibits)),
            Self::Exl3(exl3) => format!("exl3-{}", thousandths(exl3.millibits)),
        }
    }

    /// The packing of this name, whatever its case. Bits and group size may be left out where
    /// publishers agree on them: `gptq`, `awq-int4`, `exl3-4.0bpw`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (method, options) = name.split_once('-').unwrap_or((&name, ""));
        let fp8 = |scale| {
            Self::Fp8(Fp8 {
                scale,
                static_input: false,
            })
        };
        if let Some(bits) = method
            .strip_prefix('w')
            .and_then(|rest| rest.strip_suffix("a16"))
        {
            let options = Options::read(options)?;
            return Some(Self::PackedIntegers(PackedIntegers {
                bits: bits
                    .parse()
                    .ok()
                    .filter(|bits| [2, 3, 4, 8].contains(bits))?,
                group_size: options.group(USUAL_GROUP),
                symmetric: !options.asymmetric,
                act_order: options.act_order,
            }));
        }
        Some(match (method, options) {
            ("fp8", "") => fp8(ScaleOf::Tensor),
            ("fp8", "channel") => fp8(ScaleOf::Channel),
            ("fp8", block) => {
                let size = block
                    .strip_prefix("block")?
                    .parse()
                    .ok()
                    .filter(|&size| size > 0)?;
                fp8(ScaleOf::Block {
                    rows: size,
                    columns: size,
                })
            }
            ("w8a8", "" | "int8") => Self::ScaledInt8(ScaledInt8 {
                per_channel: true,
                static_input: false,
            }),
            ("w8a8", "fp8") => fp8(ScaleOf::Channel),
            ("nvfp4", "") => Self::Nvfp4(Nvfp4 { static_input: true }),
            ("nvfp4a16", "") => Self::Nvfp4(Nvfp4 {
                static_input: false,
            }),
            ("mxfp4", "") => Self::Mxfp4(Mxfp4),
            ("mxfp8", "") => Self::Mxfp8(Mxfp8),
            ("nf4" | "bnb", "" | "nf4") => Self::Nf4(Nf4 {
                double_quant: false,
            }),
            ("nf4", "double") => Self::Nf4(Nf4 { double_quant: true }),
            ("int8", "") | ("bnb", "int8") => Self::Int8(Int8),
            ("exl2", bits) => Self::Exl2(Exl2 {
                millibits: millibits(bits)?,
            }),
            ("exl3", bits) => Self::Exl3(Exl3 {
                millibits: millibits(bits)?,
            }),
            ("gptq", options) => {
                let options = Options::read(options)?;
                Self::Gptq(Gptq {
                    bits: options.bits.unwrap_or(4),
                    group_size: options.group(USUAL_GROUP),
                    act_order: options.act_order,
                })
            }
            ("awq", options) => {
                let options = Options::read(options)?;
                Self::Awq(Awq {
                    bits: options.bits.unwrap_or(4),
                    group_size: options.group(USUAL_GROUP),
                })
            }
            ("hqq", options) => {
                let options = Options::read(options)?;
                Self::Hqq(Hqq {
                    bits: options.bits.unwrap_or(4),
                    group_size: options.group(USUAL_HQQ_GROUP),
                })
            }
            _ => return None,
        })
    }
}

/// What stands behind a method, `-` between: `int4`, `g128`, `channel`, `actorder`, `asym`.
#[derive(Default)]
struct Options {
    bits: Option<u32>,
    group_size: Option<u32>,
    per_channel: bool,
    act_order: bool,
    asymmetric: bool,
}

impl Options {
    fn read(text: &str) -> Option<Self> {
        let mut options = Self::default();
        for word in text.split('-').filter(|word| !word.is_empty()) {
            match word {
                "channel" => options.per_channel = true,
                "actorder" => options.act_order = true,
                "asym" => options.asymmetric = true,
                _ => {
                    if let Some(size) = word.strip_prefix('g') {
                        let size = size.parse().ok().filter(|&size: &u32| size > 0)?;
                        options.group_size = Some(size);
                    } else {
                        let bits = word.strip_prefix("int")?.parse().ok()?;
                        options.bits = Some(bits).filter(|bits| [1, 2, 3, 4, 8].contains(bits));
                        options.bits?;
                    }
                }
            }
        }
        Some(options)
    }

    fn group(&self, usual: u32) -> Option<u32> {
        (!self.per_channel).then(|| self.group_size.unwrap_or(usual))
    }
}

fn group_name(size: Option<u32>) -> String {
    size.map_or_else(|| "-channel".into(), |size| format!("-g{size}"))
}

/// A number of bits in thousandths, without the zeros at its end: `4.65`, `4`.
fn thousandths(millibits: u32) -> String {
    let text = format!("{}.{:03}", millibits / 1_000, millibits % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Bits as people write them, in thousandths: `4.65`, `4.0bpw`.
fn millibits(text: &str) -> Option<u32> {
    let text = text.strip_suffix("bpw").unwrap_or(text);
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || rest.len() > 3 || !digits(whole) || !digits(rest) {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let mut rest_thousandths: u32 = if rest.is_empty() {
        0
    } else {
        rest.parse().ok()?
    };
    for _ in rest.len()..3 {
        rest_thousandths *= 10;
    }
    let all = whole.checked_mul(1_000)?.checked_add(rest_thousandths)?;
    (1_000..=16_000).contains(&all).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for name in [
            "gptq-int4-g128",
            "gptq-int3-g64",
            "gptq-int8-channel",
            "gptq-int4-g32-actorder",
            "awq-int4-g128",
            "w4a16-g128",
            "w4a16-g32-asym",
            "w8a16-channel",
            "w8a8-int8",
            "fp8",
            "fp8-channel",
            "fp8-block128",
            "nvfp4",
            "nvfp4a16",
            "mxfp4",
            "mxfp8",
            "nf4",
            "nf4-double",
            "int8",
            "hqq-int4-g64",
            "exl2-4.65",
            "exl3-4",
            "exl3-2.25",
        ] {
            let packing = Packing::from_name(name);
            assert_eq!(packing.map(|packing| packing.name()).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_publishers_agree_on_may_be_left_out() {
        for (short, full) in [
            ("GPTQ", "gptq-int4-g128"),
            ("awq", "awq-int4-g128"),
            ("gptq-g32", "gptq-int4-g32"),
            ("hqq", "hqq-int4-g64"),
            ("w4a16", "w4a16-g128"),
            ("exl3-4.0bpw", "exl3-4"),
            ("bnb-nf4", "nf4"),
            ("w8a8", "w8a8-int8"),
        ] {
            let packing = Packing::from_name(short);
            assert_eq!(packing.map(|packing| packing.name()).as_deref(), Some(full));
        }
        for none in [
            "",
            "q4_k_m",
            "gptq-int5",
            "gptq-g0",
            "awq-x",
            "exl3",
            "exl3-99",
            "fp8-block0",
            "w5a16",
            "exl2-4.6543",
            "exl2-4.-1",
        ] {
            assert_eq!(Packing::from_name(none), None, "{none}");
        }
    }
}
