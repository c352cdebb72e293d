//! Values of options, from text.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use shared::engine::Precision;
use shared::engine::llama_cpp::{FlashAttention, LlamaCpp, SplitMode};
use shared::engine::sglang::{Ratio, StaticShare};
use shared::engine::transformers::{AttentionImplementation, Cache, Kernel};
use shared::engine::vllm::{self, Drafter, Utilization};
use shared::fit::Answer;
use shared::quant::{FileType, Packing, TensorType};
use shared::source::manual::parse_billions;
use shared::text::Language;

use crate::mib;

/// What a value should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Memory in MiB.
    Mebibytes,
    /// A context length.
    Context,
    /// A whole number not below this.
    AtLeast(u64),
    /// A number of layers, or all.
    Layers,
    /// Thousands of millions of parameters.
    Billions,
    /// A share of a tensor split.
    Share,
    /// `PATTERN=BUFFER`.
    Override,
    /// A share of a GPU's memory.
    Utilization,
    /// A whole number with vLLM's units, or all that fits.
    LengthOrAuto,
    /// A whole number with vLLM's units.
    WithUnit,
    /// One of these names.
    OneOf(String),
}

impl Expected {
    /// What to give, as a phrase.
    pub(crate) fn phrase(&self, language: Language) -> String {
        match self {
            Self::Mebibytes => language
                .pick(
                    "MiB 単位の 0 以上の数(例: 19101.03)を指定してください",
                    "give a number of MiB that is not negative, such as 19101.03",
                )
                .into(),
            Self::Context => language
                .pick(
                    "1 以上のトークン数(例: 32768 または 32k)を指定してください",
                    "give a number of tokens from 1 on, such as 32768 or 32k",
                )
                .into(),
            Self::AtLeast(minimum) => match language {
                Language::Ja => format!("{minimum} 以上の整数を指定してください"),
                Language::En => format!("give a whole number from {minimum} on"),
            },
            Self::Layers => language
                .pick(
                    "層の数、または all を指定してください",
                    "give a number of layers, or all",
                )
                .into(),
            Self::Billions => language
                .pick(
                    "10 億単位のパラメーター数(例: 8.2)を指定してください",
                    "give thousands of millions of parameters, such as 8.2",
                )
                .into(),
            Self::Share => language
                .pick(
                    "GPU ごとの割合をコンマ区切りで(例: 3,1)指定してください",
                    "give a share for each GPU with commas between, such as 3,1",
                )
                .into(),
            Self::Override => language
                .pick(
                    "「正規表現=置き場所」(例: exps=CPU)を指定してください",
                    "give PATTERN=BUFFER, such as exps=CPU",
                )
                .into(),
            Self::Utilization => language
                .pick(
                    "0 より大きく 1 以下の小数(例: 0.92)を指定してください",
                    "give a share above 0 and up to 1, such as 0.92",
                )
                .into(),
            Self::LengthOrAuto => language
                .pick(
                    "1 以上のトークン数(例: 32768 または 32K)か auto を指定してください",
                    "give a number of tokens from 1 on, such as 32768 or 32K, or auto",
                )
                .into(),
            Self::WithUnit => language
                .pick(
                    "1 以上の整数を指定してください。K・M・G(1024 倍ごと)か k・m・g(1000 倍ごと)を付けられます",
                    "give a whole number from 1 on; K, M, G (of 1024) or k, m, g (of 1000) may follow",
                )
                .into(),
            Self::OneOf(names) => match language {
                Language::Ja => format!("使える値: {names}"),
                Language::En => format!("it takes: {names}"),
            },
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.phrase(Language::En))
    }
}

impl Error for Expected {}

/// Memory in MiB, as bytes.
pub(super) fn mebibytes(text: &str) -> Result<u64, Expected> {
    mib::parse(text).ok_or(Expected::Mebibytes)
}

/// A context length; `k` counts 1024 tokens, `m` as many of those.
pub(super) fn context(text: &str) -> Result<u64, Expected> {
    let thousands = text.strip_suffix(['k', 'K']).map(|digits| (digits, 1024));
    let millions = || Some((text.strip_suffix(['m', 'M'])?, 1024 * 1024));
    let (digits, unit) = thousands.or_else(millions).unwrap_or((text, 1));
    whole(digits)
        .and_then(|number| number.checked_mul(unit))
        .filter(|&tokens| tokens > 0)
        .ok_or(Expected::Context)
}

/// A whole number.
pub(super) fn count(text: &str) -> Result<u64, Expected> {
    whole(text).ok_or(Expected::AtLeast(0))
}

/// A whole number from 1 on.
pub(super) fn positive(text: &str) -> Result<u64, Expected> {
    whole(text)
        .filter(|&number| number > 0)
        .ok_or(Expected::AtLeast(1))
}

/// A GPU's number.
pub(super) fn index(text: &str) -> Result<u32, Expected> {
    whole(text)
        .and_then(|number| u32::try_from(number).ok())
        .ok_or(Expected::AtLeast(0))
}

/// Digits alone: no sign, no separators.
fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A number of GPU layers; `None` inside for all of them.
pub(super) fn layers(text: &str) -> Result<Layers, Expected> {
    match text {
        "all" | "-1" => Ok(Layers(None)),
        _ => whole(text)
            .map(|layers| Layers(Some(layers)))
            .ok_or(Expected::Layers),
    }
}

/// Layers on the GPUs, where `None` is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layers(pub(crate) Option<u64>);

/// Thousands of millions of parameters, as a whole number.
pub(super) fn billions(text: &str) -> Result<u64, Expected> {
    parse_billions(text).map_err(|_| Expected::Billions)
}

/// A share of a tensor split.
pub(super) fn share(text: &str) -> Result<f32, Expected> {
    text.parse()
        .ok()
        .filter(|share: &f32| share.is_finite() && *share >= 0.0)
        .ok_or(Expected::Share)
}

/// A share of a GPU's memory.
pub(super) fn utilization(text: &str) -> Result<Utilization, Expected> {
    Utilization::from_decimal(text).ok_or(Expected::Utilization)
}

/// A share of the free memory, or `auto`.
pub(super) fn static_share(text: &str) -> Result<StaticShare, Expected> {
    StaticShare::from_name(text).ok_or(Expected::Utilization)
}

/// A ratio of SGLang's.
pub(super) fn ratio(text: &str) -> Result<Ratio, Expected> {
    Ratio::from_decimal(text).ok_or(Expected::Utilization)
}

/// A whole number from 1 on, with the units that vLLM's own options take: `K`, `M`, `G` and `T`
/// of 1024, `k`, `m`, `g` and `t` of 1000.
pub(super) fn with_unit(text: &str) -> Result<u64, Expected> {
    let (digits, unit) = match text.char_indices().last() {
        Some((place, last)) if last.is_ascii_alphabetic() => {
            let base: u64 = if last.is_ascii_uppercase() {
                1024
            } else {
                1000
            };
            let power = "kmgt".find(last.to_ascii_lowercase());
            let power = power.and_then(|power| u32::try_from(power + 1).ok());
            let digits = text.get(..place).unwrap_or_default();
            (digits, power.and_then(|power| base.checked_pow(power)))
        }
        _ => (text, Some(1)),
    };
    whole(digits)
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .filter(|&number| number > 0)
        .ok_or(Expected::WithUnit)
}

/// A context length, or as long as fits.
pub(super) fn length_or_auto(text: &str) -> Result<LengthOrAuto, Expected> {
    match text {
        "auto" | "-1" => Ok(LengthOrAuto(None)),
        _ => with_unit(text)
            .map(|length| LengthOrAuto(Some(length)))
            .map_err(|_| Expected::LengthOrAuto),
    }
}

/// A context length, where `None` is as long as fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LengthOrAuto(pub(crate) Option<u64>);

/// One `PATTERN=BUFFER`.
pub(super) fn tensor_override(text: &str) -> Result<(String, String), Expected> {
    match text.rsplit_once('=') {
        Some((pattern, buffer)) if !pattern.is_empty() && !buffer.is_empty() => {
            Ok((pattern.into(), buffer.into()))
        }
        _ => Err(Expected::Override),
    }
}

/// One of several names, which completions offer and errors list.
fn one_of<T>(
    names: impl IntoIterator<Item = impl Into<PossibleValue>>,
    find: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T>
where
    T: Clone + Send + Sync + 'static,
{
    let values: Vec<PossibleValue> = names.into_iter().map(Into::into).collect();
    let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    let all = names.join(", ");
    PossibleValuesParser::new(values)
        .try_map(move |name| find(&name).ok_or_else(|| Expected::OneOf(all.clone())))
}

/// A precision of the KV cache.
pub(super) fn precision() -> impl TypedValueParser<Value = Precision> {
    let names = Precision::ALL.into_iter().map(|precision| match precision {
        Precision::Fp16 => "fp16",
        Precision::Int8 => "int8",
        Precision::Int4 => "int4",
    });
    one_of(names, Precision::from_name)
}

/// A type of llama.cpp's KV cache.
pub(super) fn cache_type() -> impl TypedValueParser<Value = TensorType> {
    one_of(
        LlamaCpp::CACHE_TYPES.into_iter().map(TensorType::name),
        |name| {
            let mut types = LlamaCpp::CACHE_TYPES.into_iter();
            types.find(|known| known.name() == name)
        },
    )
}

/// A type of vLLM's KV cache.
pub(super) fn kv_cache_dtype() -> impl TypedValueParser<Value = vllm::CacheType> {
    one_of(
        vllm::CacheType::ALL.into_iter().map(vllm::CacheType::name),
        vllm::CacheType::from_name,
    )
}

/// Which truth an answer tells.
pub(super) fn answer() -> impl TypedValueParser<Value = Answer> {
    one_of(Answer::ALL.into_iter().map(Answer::name), Answer::from_name)
}

/// A format of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A mix of llama-quantize.
    File(FileType),
    /// A packing of checkpoints.
    Packed(Packing),
}

impl Format {
    fn from_name(name: &str) -> Option<Self> {
        let file_type = FileType::from_name(name).map(Self::File);
        file_type.or_else(|| Packing::from_name(name).map(Self::Packed))
    }
}

/// Names of formats: those listed, and the packings that differ from them in a number.
#[derive(Clone)]
struct Formats<P>(P);

impl<P: TypedValueParser<Value = Format>> TypedValueParser for Formats<P> {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Format, clap::Error> {
        match value.to_str().and_then(Format::from_name) {
            Some(format) => Ok(format),
            None => self.0.parse_ref(command, argument, value),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// A mix of llama-quantize, or a packing of checkpoints.
pub(super) fn format() -> impl TypedValueParser<Value = Format> {
    let files = FileType::ALL.iter().map(|&known| {
        let value = PossibleValue::new(known.name());
        match known.name().strip_suffix("_M") {
            Some(short) if FileType::from_name(short) == Some(known) => value.alias(short),
            _ => value,
        }
    });
    let packings = Packing::PUBLISHED
        .iter()
        .map(|&name| PossibleValue::new(name));
    Formats(one_of(files.chain(packings), Format::from_name))
}

/// A class of Transformers' KV cache.
pub(super) fn cache() -> impl TypedValueParser<Value = Cache> {
    one_of(Cache::ALL.map(Cache::name), Cache::from_name)
}

/// How Transformers computes attention.
pub(super) fn attention() -> impl TypedValueParser<Value = AttentionImplementation> {
    one_of(
        AttentionImplementation::ALL.map(AttentionImplementation::name),
        AttentionImplementation::from_name,
    )
}

/// A kernel for GPTQ weights.
pub(super) fn kernel() -> impl TypedValueParser<Value = Kernel> {
    one_of(Kernel::ALL.map(Kernel::name), Kernel::from_name)
}

/// `on` or `off`.
pub(super) fn switch() -> impl TypedValueParser<Value = bool> {
    one_of(["on", "off"], |name| match name {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    })
}

/// A language of the output.
pub(super) fn language() -> impl TypedValueParser<Value = Language> {
    one_of(["ja", "en"], Language::from_tag)
}

/// `--flash-attn`.
pub(super) fn flash_attention() -> impl TypedValueParser<Value = FlashAttention> {
    one_of(["on", "off", "auto"], |name| match name {
        "on" => Some(FlashAttention::On),
        "off" => Some(FlashAttention::Off),
        "auto" => Some(FlashAttention::Auto),
        _ => None,
    })
}

/// `--spec-type`: whether the model's own prediction layers draft.
pub(super) fn speculation() -> impl TypedValueParser<Value = bool> {
    one_of(["none", "draft-simple", "draft-mtp"], |name| match name {
        "none" | "draft-simple" => Some(false),
        "draft-mtp" => Some(true),
        _ => None,
    })
}

/// `--speculative-method`.
pub(super) fn drafter() -> impl TypedValueParser<Value = Drafter> {
    one_of(["ngram", "mtp"], |name| match name {
        "ngram" => Some(Drafter::Ngram),
        "mtp" => Some(Drafter::Mtp),
        _ => None,
    })
}

/// `--split-mode`.
pub(super) fn split_mode() -> impl TypedValueParser<Value = SplitMode> {
    one_of(["layer", "none"], |name| match name {
        "layer" => Some(SplitMode::Layer),
        "none" => Some(SplitMode::None),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_in_tokens_and_in_k() {
        assert_eq!(context("32768"), Ok(32_768));
        assert_eq!(context("32k"), Ok(32_768));
        assert_eq!(context("128K"), Ok(131_072));
        assert_eq!(context("1M"), Ok(1_048_576));
        for text in [
            "0",
            "0k",
            "",
            "k",
            "-1",
            "1.5k",
            "99999999999999999999",
            "18014398509481984k",
        ] {
            assert_eq!(context(text), Err(Expected::Context), "{text}");
        }
    }

    #[test]
    fn units_are_those_of_vllm() {
        assert_eq!(with_unit("8192"), Ok(8_192));
        assert_eq!(with_unit("8K"), Ok(8_192));
        assert_eq!(with_unit("8k"), Ok(8_000));
        assert_eq!(with_unit("16G"), Ok(16 << 30));
        for text in ["", "K", "0", "-1", "1.5g", "8x", "8é", "99999999T"] {
            assert_eq!(with_unit(text), Err(Expected::WithUnit), "{text}");
        }
        assert_eq!(length_or_auto("auto"), Ok(LengthOrAuto(None)));
        assert_eq!(length_or_auto("-1"), Ok(LengthOrAuto(None)));
        assert_eq!(length_or_auto("32K"), Ok(LengthOrAuto(Some(32_768))));
        assert_eq!(length_or_auto("long"), Err(Expected::LengthOrAuto));
    }

    #[test]
    fn billions_are_exact() {
        assert_eq!(billions("8.2"), Ok(8_200_000_000));
        for text in ["0", "-1", "8,2", "x", "99999999999"] {
            assert_eq!(billions(text), Err(Expected::Billions), "{text}");
        }
    }

    #[test]
    fn patterns_may_hold_an_equals_sign() {
        let split = tensor_override("blk=.*=CUDA0");
        assert_eq!(split, Ok(("blk=.*".into(), "CUDA0".into())));
        for text in ["", "=", "a=", "=CPU", "a"] {
            assert_eq!(tensor_override(text), Err(Expected::Override), "{text}");
        }
    }

    #[test]
    fn shares_are_finite() {
        assert_eq!(share("3"), Ok(3.0));
        for text in ["-1", "inf", "NaN", "", "x"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
