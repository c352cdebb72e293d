//! A model from a handful of numbers, for when there is no file to read.
//!
//! The numbers leave much open, so this is a stand-in: a dense Llama whose layers all cache the
//! whole context. The vocabulary is taken to be [`VOCABULARY`] entries and the embedding to be
//! the output matrix as well, so that all weights count on the device; the feed-forward networks
//! take up what the parameter count leaves, to the element.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::model::{
    Attention, FeedForward, Geometry, HeadAttention, Layer, Model, Span, Tensor, Traits,
};
use crate::quant::TensorType;
use crate::text::{Language, UserMessage};

/// Entries of the vocabulary that the stand-in has; a quarter of them where that would be more
/// than a quarter of the parameters.
const VOCABULARY: u64 = 131_072;
/// Feed-forward widths are multiples of this, so that every quantization has whole blocks.
const WIDTH_STEP: u64 = 256;
/// More layers than any model has.
const MAX_LAYERS: u64 = 2_000;
/// Wider than any model.
const MAX_WIDTH: u64 = 1 << 20;
/// More parameters than any model has.
const MAX_PARAMETERS: u64 = 1_000_000_000_000_000;

/// What a person knows of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManualGeometry {
    /// Parameters.
    pub parameters: u64,
    /// Layers.
    pub layers: u64,
    /// Width of the residual stream.
    pub hidden_size: u64,
    /// Query heads.
    pub attention_heads: u64,
    /// KV heads; as many as query heads where not given.
    pub key_value_heads: Option<u64>,
    /// Elements of one head; the hidden size over the query heads where not given.
    pub head_dim: Option<u64>,
}

/// Why numbers do not make a model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManualError {
    /// Not a number of billions such as `30.5`.
    NotANumber {
        /// What was given.
        value: String,
    },
    /// A number that no model has.
    OutOfRange {
        /// The number's name.
        field: &'static str,
        /// The value given.
        value: u64,
        /// The smallest value taken.
        minimum: u64,
        /// The largest value taken.
        maximum: u64,
    },
    /// The query heads are not a multiple of the KV heads.
    HeadsNotDivisible {
        /// Query heads.
        attention_heads: u64,
        /// KV heads.
        key_value_heads: u64,
    },
    /// The hidden size is not a multiple of the query heads, and the head size is not given.
    HeadDimUnknown {
        /// The hidden size.
        hidden_size: u64,
        /// Query heads.
        attention_heads: u64,
    },
    /// Fewer parameters than the other numbers need.
    TooFewParameters {
        /// Parameters given.
        parameters: u64,
        /// Parameters needed.
        needed: u64,
    },
}

impl UserMessage for ManualError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotANumber { .. } => "manual_not_a_number",
            Self::OutOfRange { .. } => "manual_out_of_range",
            Self::HeadsNotDivisible { .. } => "manual_heads_not_divisible",
            Self::HeadDimUnknown { .. } => "manual_head_dim_unknown",
            Self::TooFewParameters { .. } => "manual_too_few_parameters",
        }
    }

    fn message(&self, language: Language) -> String {
        let ja = language == Language::Ja;
        match self {
            Self::NotANumber { value } if ja => {
                format!("パラメータ数「{value}」を読み取れません")
            }
            Self::NotANumber { value } => format!("\"{value}\" is not a number of billions"),
            Self::OutOfRange {
                field,
                value,
                minimum,
                maximum,
            } if ja => {
                format!("{field}の値{value}は範囲外です({minimum}〜{maximum})")
            }
            Self::OutOfRange {
                field,
                value,
                minimum,
                maximum,
            } => format!("{field} is {value}, outside {minimum} to {maximum}"),
            Self::HeadsNotDivisible {
                attention_heads,
                key_value_heads,
            } if ja => format!(
                "クエリヘッド数{attention_heads}がKVヘッド数{key_value_heads}で割り切れません"
            ),
            Self::HeadsNotDivisible {
                attention_heads,
                key_value_heads,
            } => format!(
                "{attention_heads} attention heads are not a multiple of {key_value_heads} \
                 key-value heads"
            ),
            Self::HeadDimUnknown {
                hidden_size,
                attention_heads,
            } if ja => {
                format!("隠れ層の幅{hidden_size}がヘッド数{attention_heads}で割り切れません")
            }
            Self::HeadDimUnknown {
                hidden_size,
                attention_heads,
            } => format!(
                "hidden size {hidden_size} is not a multiple of {attention_heads} attention heads"
            ),
            Self::TooFewParameters { parameters, needed } if ja => {
                format!("パラメータ数{parameters}では足りません(最低{needed})")
            }
            Self::TooFewParameters { parameters, needed } => {
                format!(
                    "{parameters} parameters are too few for this geometry, which needs {needed}"
                )
            }
        }
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::NotANumber { .. } => language.pick(
                "10億単位の小数で指定してください(例: 30.5)",
                "Give billions as a decimal number, for example 30.5",
            ),
            Self::OutOfRange { .. } | Self::HeadsNotDivisible { .. } => language.pick(
                "モデルカードやconfig.jsonの値を確かめてください",
                "Check the number on the model's card or in its config.json",
            ),
            Self::HeadDimUnknown { .. } => {
                language.pick("--head-dimを指定してください", "Give --head-dim as well")
            }
            Self::TooFewParameters { .. } => language.pick(
                "パラメータ数と層数・幅の組み合わせを確かめてください",
                "Check that the parameters, layers and hidden size belong to one model",
            ),
        }
        .to_string()
    }
}

/// The number of parameters that a decimal number of billions (`30.5`) stands for, to the digit;
/// digits beyond one parameter are dropped.
///
/// # Errors
/// Anything but digits with at most one point, and more parameters than any model has.
pub fn parse_billions(text: &str) -> Result<u64, ManualError> {
    const DIGITS: usize = 9;
    let not_a_number = || ManualError::NotANumber { value: text.into() };
    let trimmed = text.trim();
    let number = trimmed.strip_suffix(['b', 'B']).unwrap_or(trimmed);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits_only(whole) || !digits_only(fraction) {
        return Err(not_a_number());
    }
    let mut digits = String::from(whole);
    for place in 0..DIGITS {
        digits.push(
            fraction
                .as_bytes()
                .get(place)
                .map_or('0', |&digit| digit.into()),
        );
    }
    let parameters = digits.parse().unwrap_or(u64::MAX);
    in_range("parameters", parameters, MAX_PARAMETERS)
}

fn in_range(field: &'static str, value: u64, maximum: u64) -> Result<u64, ManualError> {
    if (1..=maximum).contains(&value) {
        Ok(value)
    } else {
        Err(ManualError::OutOfRange {
            field,
            value,
            minimum: 1,
            maximum,
        })
    }
}

impl ManualGeometry {
    /// The stand-in for a model of these numbers, in BF16; its elements add up to the parameter
    /// count.
    ///
    /// # Errors
    /// Numbers that no model has, that contradict each other, or that need more parameters.
    pub fn model(&self, name: &str) -> Result<Model, ManualError> {
        let attention = self.attention()?;
        let layers = in_range("layers", self.layers, MAX_LAYERS)?;
        let parameters = in_range("parameters", self.parameters, MAX_PARAMETERS)?;
        let hidden = self.hidden_size;
        let vocabulary = match VOCABULARY {
            entries if entries * hidden <= parameters / 4 => entries,
            entries => entries / 4,
        };
        // All factors are bounded above, so that nothing here exceeds 2^63.
        let queries = attention.query_heads * attention.key_dim;
        let keys = attention.kv_heads * attention.key_dim;
        let around = 2 * hidden + 2 * hidden * queries + 2 * hidden * keys;
        let fixed = vocabulary * hidden + hidden + layers * around;
        let step = 3 * hidden * WIDTH_STEP;
        let needed = fixed + layers * step;
        let Some(spare) = parameters.checked_sub(needed) else {
            return Err(ManualError::TooFewParameters { parameters, needed });
        };
        // Whole steps of width, shared out over the layers; the rest is less than one step.
        let (steps, rest) = (spare / step, spare % step);
        let mut parts = Parts::default();
        parts.add("token_embd.weight", &[hidden, vocabulary]);
        parts.add("output_norm.weight", &[hidden]);
        let mut blocks = Vec::new();
        for index in 0..layers {
            let more = u64::from(index < steps % layers);
            let length = (1 + steps / layers + more) * WIDTH_STEP;
            parts.block(index, hidden, queries, keys, length);
            blocks.push(Layer {
                attention: Attention::Heads(attention),
                recurrent: None,
                indexer: None,
                feed_forward: FeedForward {
                    length,
                    experts: None,
                },
                next_token_prediction: false,
            });
        }
        parts.rest(layers - 1, rest);
        Ok(Model {
            name: name.into(),
            architecture: "llama".into(),
            weights_format: "BF16".into(),
            trained_context_length: None,
            vocabulary_size: vocabulary,
            embedding_length: hidden,
            input_length: hidden,
            layers: blocks,
            tensors: parts.tensors,
            quantization: None,
            vision: None,
            stretched_context_length: None,
            traits: Traits::default(),
            geometry: Geometry::Conservative,
        })
    }

    fn attention(&self) -> Result<HeadAttention, ManualError> {
        let hidden_size = in_range("hidden_size", self.hidden_size, MAX_WIDTH)?;
        let query_heads = in_range("attention_heads", self.attention_heads, MAX_WIDTH)?;
        let kv_heads = in_range(
            "key_value_heads",
            self.key_value_heads.unwrap_or(query_heads),
            query_heads,
        )?;
        if !query_heads.is_multiple_of(kv_heads) {
            return Err(ManualError::HeadsNotDivisible {
                attention_heads: query_heads,
                key_value_heads: kv_heads,
            });
        }
        let head_dim = match self.head_dim {
            Some(head_dim) => in_range("head_dim", head_dim, MAX_WIDTH / query_heads)?,
            None if hidden_size.is_multiple_of(query_heads) => hidden_size / query_heads,
            None => {
                return Err(ManualError::HeadDimUnknown {
                    hidden_size,
                    attention_heads: query_heads,
                });
            }
        };
        Ok(HeadAttention {
            query_heads,
            kv_heads,
            key_dim: head_dim,
            value_dim: head_dim,
            span: Span::Full,
            shares_cache: false,
        })
    }
}

/// Tensors in the making.
#[derive(Default)]
struct Parts {
    tensors: Vec<Tensor>,
}

impl Parts {
    fn add(&mut self, name: &str, dimensions: &[u64]) {
        let mut extents = [1; 4];
        for (extent, &dimension) in extents.iter_mut().zip(dimensions) {
            *extent = dimension;
        }
        let kind = match dimensions {
            [_] => TensorType::F32,
            _ => TensorType::Bf16,
        };
        // The numbers are in range, so the tensor is of a size.
        self.tensors.extend(Tensor::new(name.into(), extents, kind));
    }

    fn block(&mut self, index: u64, hidden: u64, queries: u64, keys: u64, length: u64) {
        for (name, dimensions) in [
            ("attn_q", [hidden, queries]),
            ("attn_k", [hidden, keys]),
            ("attn_v", [hidden, keys]),
            ("attn_output", [queries, hidden]),
            ("ffn_gate", [hidden, length]),
            ("ffn_up", [hidden, length]),
            ("ffn_down", [length, hidden]),
        ] {
            self.add(&format!("blk.{index}.{name}.weight"), &dimensions);
        }
        for name in ["attn_norm", "ffn_norm"] {
            self.add(&format!("blk.{index}.{name}.weight"), &[hidden]);
        }
    }

    /// What is left of the parameters, as whole blocks of any quantization and a remainder.
    fn rest(&mut self, index: u64, elements: u64) {
        let (rows, remainder) = (elements / WIDTH_STEP, elements % WIDTH_STEP);
        if rows > 0 {
            self.add(&format!("blk.{index}.ffn_rest.weight"), &[WIDTH_STEP, rows]);
        }
        if remainder > 0 {
            self.add(&format!("blk.{index}.ffn_rest.bias"), &[remainder]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quant::{FileType, quantize};

    const LLAMA_8B: ManualGeometry = ManualGeometry {
        parameters: 8_030_261_248,
        layers: 32,
        hidden_size: 4_096,
        attention_heads: 32,
        key_value_heads: Some(8),
        head_dim: Some(128),
    };

    #[test]
    fn billions_are_exact() {
        for (text, parameters) in [
            ("30.5", 30_500_000_000),
            ("8", 8_000_000_000),
            (" 0.6B ", 600_000_000),
            (".5", 500_000_000),
            ("7.", 7_000_000_000),
            ("0.123456789123", 123_456_789),
        ] {
            assert_eq!(parse_billions(text), Ok(parameters), "{text}");
        }
        for text in ["", ".", "-1", "1e3", "30,5", "b", "1.2.3", "NaN", "１"] {
            let error = parse_billions(text).unwrap_err();
            assert!(matches!(error, ManualError::NotANumber { .. }), "{text}");
        }
        for text in ["0", "0.0000000001", "1000001", "99999999999999999999999"] {
            let error = parse_billions(text).unwrap_err();
            assert!(matches!(error, ManualError::OutOfRange { .. }), "{text}");
        }
    }

    #[test]
    fn elements_add_up_to_the_parameters() {
        for parameters in [8_030_261_248, 8_000_000_000, 2_000_000_001, 70_553_706_497] {
            let geometry = ManualGeometry {
                parameters,
                ..LLAMA_8B
            };
            assert_eq!(geometry.model("x").unwrap().parameters(), parameters);
        }
    }

    #[test]
    fn the_stand_in_is_as_large_as_the_model() {
        let stand_in = quantize(&LLAMA_8B.model("x").unwrap(), FileType::Q4KM).unwrap();
        let real = crate::catalogue::find("llama3.1:8b").unwrap();
        let real = real.model(None).unwrap();
        let ratio = stand_in.weights_bytes() * 100 / real.weights_bytes();
        assert!((98..=102).contains(&ratio), "{ratio} %");
        assert_eq!(
            stand_in.layers[0].attention, real.layers[0].attention,
            "the cache is the same"
        );
    }

    #[test]
    fn what_is_not_given_follows() {
        let geometry = ManualGeometry {
            key_value_heads: None,
            head_dim: None,
            ..LLAMA_8B
        };
        let Attention::Heads(heads) = geometry.model("x").unwrap().layers[0].attention else {
            panic!("attention");
        };
        assert_eq!((heads.kv_heads, heads.key_dim), (32, 128));
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |geometry: ManualGeometry| geometry.model("x").unwrap_err().code();
        let base = LLAMA_8B;
        assert_eq!(
            refused(ManualGeometry { layers: 0, ..base }),
            "manual_out_of_range"
        );
        assert_eq!(
            refused(ManualGeometry {
                key_value_heads: Some(7),
                ..base
            }),
            "manual_heads_not_divisible"
        );
        assert_eq!(
            refused(ManualGeometry {
                hidden_size: 4_095,
                head_dim: None,
                ..base
            }),
            "manual_head_dim_unknown"
        );
        assert_eq!(
            refused(ManualGeometry {
                parameters: 1_000_000_000,
                ..base
            }),
            "manual_too_few_parameters"
        );
        let widest = ManualGeometry {
            parameters: MAX_PARAMETERS,
            layers: MAX_LAYERS,
            hidden_size: MAX_WIDTH,
            attention_heads: MAX_WIDTH,
            key_value_heads: None,
            head_dim: Some(1),
        };
        assert_eq!(refused(widest), "manual_too_few_parameters");
    }
}
