//! How checkpoints store the matrices of linear layers where not one number after the other, and
//! the bytes of each part. A format is a file here and a line in [`Packing`].

mod awq;
mod bitsandbytes;
mod compressed_tensors;
mod exl2;
mod exl3;
mod fp8;
mod gptq;
mod hqq;
mod mxfp4;
mod mxfp8;
mod name;
mod nvfp4;

pub use awq::Awq;
pub use bitsandbytes::{Int8, Nf4};
pub use compressed_tensors::{PackedIntegers, ScaledInt8};
pub use exl2::Exl2;
pub use exl3::Exl3;
pub use fp8::{Fp8, ScaleOf};
pub use gptq::Gptq;
pub use hqq::Hqq;
pub use mxfp4::Mxfp4;
pub use mxfp8::Mxfp8;
pub use nvfp4::Nvfp4;

/// How the matrix of a linear layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// GPTQ.
    Gptq(Gptq),
    /// AWQ.
    Awq(Awq),
    /// Packed integers of compressed-tensors (W4A16, W8A16).
    PackedIntegers(PackedIntegers),
    /// 8-bit integers with a scale per channel or tensor (W8A8).
    ScaledInt8(ScaledInt8),
    /// 8-bit floating point.
    Fp8(Fp8),
    /// NVFP4.
    Nvfp4(Nvfp4),
    /// MXFP4.
    Mxfp4(Mxfp4),
    /// MXFP8.
    Mxfp8(Mxfp8),
    /// NF4 of bitsandbytes.
    Nf4(Nf4),
    /// `LLM.int8()` of bitsandbytes.
    Int8(Int8),
    /// HQQ.
    Hqq(Hqq),
    /// EXL2.
    Exl2(Exl2),
    /// EXL3.
    Exl3(Exl3),
}

/// Bytes of one packed matrix, part by part: engines drop some and merge others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts {
    /// The packed elements.
    pub elements: u64,
    /// Scales, of whatever level.
    pub scales: u64,
    /// Zero points.
    pub zeros: u64,
    /// The group of each input channel (`g_idx`), or another order of channels.
    pub order: u64,
    /// What is said of the matrix as a whole: its shape, a code book, markers.
    pub description: u64,
}

impl Parts {
    /// All of it; saturating.
    #[must_use]
    pub fn total(&self) -> u64 {
        [
            self.elements,
            self.scales,
            self.zeros,
            self.order,
            self.description,
        ]
        .iter()
        .fold(0, |sum, &bytes| u64::saturating_add(sum, bytes))
    }
}

impl Packing {
    /// Names of the packings that publishers and quantizers use most, widest first.
    pub const PUBLISHED: &'static [&'static str] = &[
        "fp8",
        "fp8-block128",
        "w8a8-int8",
        "int8",
        "gptq-int8-g128",
        "hqq-int4-g64",
        "nvfp4",
        "gptq-int4-g128",
        "awq-int4-g128",
        "w4a16-g128",
        "nf4",
        "nf4-double",
        "mxfp4",
        "exl3-4",
    ];

    /// Bytes of a matrix from `input` to `output` channels; `None` beyond `u64`.
    #[must_use]
    pub fn parts(&self, input: u64, output: u64) -> Option<Parts> {
        match self {
            Self::Gptq(format) => format.parts(input, output),
            Self::Awq(format) => format.parts(input, output),
            Self::PackedIntegers(format) => format.parts(input, output),
            Self::ScaledInt8(format) => format.parts(input, output),
            Self::Fp8(format) => format.parts(input, output),
            Self::Nvfp4(format) => format.parts(input, output),
            Self::Mxfp4(format) => format.parts(input, output),
            Self::Mxfp8(format) => format.parts(input, output),
            Self::Nf4(format) => format.parts(input, output),
            Self::Int8(format) => format.parts(input, output),
            Self::Hqq(format) => format.parts(input, output),
            Self::Exl2(format) => format.parts(input, output),
            Self::Exl3(format) => format.parts(input, output),
        }
    }

    /// Whether the bytes follow from the shape alone. EXL2 chooses bits for each row of groups
    /// when it quantizes, and says only their mean.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !matches!(self, Self::Exl2(_))
    }
}

/// Bytes of a 16-bit number.
const HALF: u64 = 2;
/// Bytes of a 32-bit number.
const WORD: u64 = 4;

/// Bytes of `count` integers of `bits`, packed in whole 32-bit words.
fn packed(count: u64, bits: u32) -> Option<u64> {
    count
        .checked_mul(bits.into())?
        .div_ceil(32)
        .checked_mul(WORD)
}

/// Groups of `size` along `extent`; one where the whole extent is one group.
fn groups(extent: u64, size: Option<u32>) -> u64 {
    size.map_or(1, |size| extent.div_ceil(u64::from(size).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Llama 3.1 8B: `o_proj` and `down_proj`, as vLLM 0.33.0 creates them.
    const OUTPUT: (u64, u64) = (4_096, 4_096);
    const DOWN: (u64, u64) = (14_336, 4_096);

    fn parts(packing: Packing, (input, output): (u64, u64)) -> Parts {
        packing.parts(input, output).unwrap()
    }

    #[test]
    fn gptq_and_awq_have_scales_and_zeros_per_group() {
        let gptq = |bits, group_size| {
            Packing::Gptq(Gptq {
                bits,
                group_size,
                act_order: false,
            })
        };
        let of = |packing, shape| {
            let parts = parts(packing, shape);
            (parts.elements, parts.scales, parts.zeros)
        };
        assert_eq!(of(gptq(4, Some(128)), DOWN), (29_360_128, 917_504, 229_376));
        assert_eq!(
            of(gptq(4, Some(32)), DOWN),
            (29_360_128, 3_670_016, 917_504)
        );
        assert_eq!(of(gptq(8, Some(128)), DOWN), (58_720_256, 917_504, 458_752));
        assert_eq!(of(gptq(4, None), DOWN), (29_360_128, 8_192, 2_048));
        // Three bits: 96 of 32 elements, in words.
        assert_eq!(
            of(gptq(3, Some(128)), OUTPUT),
            (4_096 * 384 * 4, 262_144, 32 * 384 * 4)
        );
        assert_eq!(parts(gptq(4, Some(128)), DOWN).order, 14_336 * 4);
        let awq = Packing::Awq(Awq {
            bits: 4,
            group_size: Some(128),
        });
        assert_eq!(of(awq, DOWN), (29_360_128, 917_504, 229_376));
        assert_eq!(parts(awq, DOWN).order, 0);
    }

    #[test]
    fn eight_bits_have_scales_of_their_own_kind() {
        let fp8 = |scale, static_input| {
            parts(
                Packing::Fp8(Fp8 {
                    scale,
                    static_input,
                }),
                DOWN,
            )
        };
        assert_eq!(fp8(ScaleOf::Tensor, true).total(), 58_720_256 + 8);
        assert_eq!(fp8(ScaleOf::Channel, false).total(), 58_720_256 + 16_384);
        let block = ScaleOf::Block {
            rows: 128,
            columns: 128,
        };
        assert_eq!(fp8(block, false).total(), 58_720_256 + 14_336);
    }

    #[test]
    fn four_bits_of_floating_point() {
        let nvfp4 = Packing::Nvfp4(Nvfp4 { static_input: true });
        assert_eq!(parts(nvfp4, DOWN).total(), 29_360_128 + 3_670_016 + 8);
        let mxfp4 = Packing::Mxfp4(Mxfp4);
        assert_eq!(parts(mxfp4, DOWN).total(), 29_360_128 + 1_835_008);
    }

    /// As bitsandbytes 0.50.2 makes them.
    #[test]
    fn normal_floats_have_a_scale_per_block() {
        let nf4 = |double_quant, shape| parts(Packing::Nf4(Nf4 { double_quant }), shape);
        let small = (1_024, 512);
        assert_eq!(nf4(false, small).total(), 262_144 + 32_768 + 64);
        assert_eq!(
            nf4(true, small).total(),
            262_144 + 8_192 + 128 + 1_024 + 4 + 64
        );
        let large = (512, 2_048);
        assert_eq!(nf4(false, large).total(), 524_288 + 65_536 + 64);
        assert_eq!(
            nf4(true, large).total(),
            524_288 + 16_384 + 256 + 1_024 + 4 + 64
        );
        let int8 = parts(Packing::Int8(Int8), small);
        assert_eq!(int8.total(), 524_288 + 4 * 512);
    }

    #[test]
    fn sizes_beyond_everything_are_none() {
        let every = [
            Packing::Gptq(Gptq {
                bits: 8,
                group_size: Some(1),
                act_order: true,
            }),
            Packing::Nf4(Nf4 { double_quant: true }),
            Packing::Hqq(Hqq {
                bits: 8,
                group_size: Some(1),
            }),
            Packing::Exl2(Exl2 {
                millibits: u32::MAX,
            }),
            Packing::Exl3(Exl3 { millibits: 8_000 }),
            Packing::Mxfp4(Mxfp4),
        ];
        for packing in every {
            assert_eq!(packing.parts(u64::MAX, u64::MAX), None, "{packing:?}");
        }
    }
}
