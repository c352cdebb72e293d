//! What a person should know of a model that was read.

use std::path::PathBuf;

use shared::text::Language;

use crate::mib;

/// What a person should know of a model that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Warning {
    /// A GGUF file that ends before its tensor data does.
    CutShort {
        path: PathBuf,
        length: u64,
        expected: u64,
    },
    /// An architecture without known rules.
    Conservative { architecture: String },
    /// A GGUF file, planned as the checkpoint it was made of.
    AsCheckpoint { name: String },
    /// A quantized checkpoint, which the converter to GGUF unpacks.
    Unpacked { packed: String, format: String },
    /// Weights in 16 bits, taken as the engine loads them.
    TakenAs { format: String },
    /// A checkpoint in single precision, which the engine loads in 16 bits.
    SinglePrecision,
    /// A configuration that does not say its checkpoint's type.
    TypeOpen { source: String },
    /// A configuration, with nothing said of the weights' format.
    FormatOpen { source: String, format: String },
    /// A model of which only a handful of numbers is known.
    StandIn,
    /// A pattern of `--override-tensor` that is found in no tensor's name.
    PatternWithoutTensors { pattern: String },
    /// An option that changes nothing, for what is not there.
    WithoutEffect {
        option: &'static str,
        lacking: Lacking,
    },
}

/// What an option needs to have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// Layers with experts.
    Experts,
    /// Something that drafts.
    Draft,
    /// A projector.
    Projector,
}

impl Lacking {
    fn words(self, language: Language) -> &'static str {
        match self {
            Self::Experts => language.pick(
                "このモデルにはエキスパートがありません",
                "this model has no experts",
            ),
            Self::Draft => language.pick(
                "下書きをするもの(--model-draft、--spec-type draft-mtp)がありません",
                "nothing drafts (--model-draft, --spec-type draft-mtp)",
            ),
            Self::Projector => language.pick(
                "プロジェクター(--mmproj)がありません",
                "there is no projector (--mmproj)",
            ),
        }
    }
}

impl Warning {
    /// Whether it is of what engines make of the model, not of the model itself.
    pub(crate) fn is_of_engines(&self) -> bool {
        matches!(
            self,
            Self::Unpacked { .. } | Self::TakenAs { .. } | Self::SinglePrecision
        )
    }

    /// Whether it is of the type of a checkpoint's numbers, which matters to engines that keep it.
    pub(crate) fn is_of_type(&self) -> bool {
        matches!(self, Self::TypeOpen { .. })
    }

    /// One line.
    pub(crate) fn message(&self, language: Language) -> String {
        match (self, language) {
            (
                Self::CutShort {
                    path,
                    length,
                    expected,
                },
                Language::Ja,
            ) => format!(
                "「{}」のテンソルデータがないか、途中で切れています({} MiB 中 {} MiB)。計算はヘッダーだけで行えます",
                path.display(),
                mib::format(*expected),
                mib::format(*length)
            ),
            (
                Self::CutShort {
                    path,
                    length,
                    expected,
                },
                Language::En,
            ) => format!(
                "the tensor data of “{}” is missing or cut short ({} of {} MiB); the header suffices for the answer",
                path.display(),
                mib::format(*length),
                mib::format(*expected)
            ),
            (Self::Conservative { architecture }, Language::Ja) => format!(
                "「{architecture}」の規則は分からないため、全層が全文脈をキャッシュすると仮定した控えめな見積もりです"
            ),
            (Self::Conservative { architecture }, Language::En) => format!(
                "the rules of “{architecture}” are not known: a conservative bound, in which every layer caches the whole context"
            ),
            (Self::AsCheckpoint { name }, Language::Ja) => format!(
                "vLLM は「{name}」の GGUF を読まないため、BF16 の元のモデルとして計算します"
            ),
            (Self::AsCheckpoint { name }, Language::En) => format!(
                "vLLM does not read the GGUF file of “{name}”: calculated as the original model in BF16"
            ),
            (Self::Unpacked { packed, format }, Language::Ja) => format!(
                "llama.cpp への変換では {packed} の重みが {format} に戻るので、{format} で計算します(--quant Q4_K_M などで指定できます)"
            ),
            (Self::Unpacked { packed, format }, Language::En) => format!(
                "the converter to GGUF unpacks weights in {packed}: calculated in {format} (choose with --quant Q4_K_M, say)"
            ),
            (Self::TakenAs { format }, Language::Ja) => format!(
                "重みは {format} に量子化したものとします(--quant で変えられます)"
            ),
            (Self::TakenAs { format }, Language::En) => {
                format!("the weights are taken as quantized to {format} (another with --quant)")
            }
            (Self::SinglePrecision, language) => language
                .pick(
                    "重みは F32 ですが、このエンジンは 16 ビット(bfloat16 か float16)に変換して読み込みます。その大きさで計算します",
                    "the weights are F32, which this engine loads in 16 bits (bfloat16 or float16): calculated so",
                )
                .into(),
            (Self::TypeOpen { source }, Language::Ja) => format!(
                "「{source}」に dtype がないので bfloat16 とし、起動コマンドでもそう指定します(--quant F32 などで変えられます)"
            ),
            (Self::TypeOpen { source }, Language::En) => format!(
                "“{source}” says no dtype: taken as bfloat16, which the command asks for (another with --quant F32, say)"
            ),
            (Self::FormatOpen { source, format }, Language::Ja) => format!(
                "「{source}」は重みの形式を定めていないので {format} とします(--quant Q4_K_M などで指定できます)"
            ),
            (Self::FormatOpen { source, format }, Language::En) => format!(
                "“{source}” leaves the weights' format open; taken as {format} (choose with --quant Q4_K_M, say)"
            ),
            (Self::PatternWithoutTensors { pattern }, Language::Ja) => format!(
                "--override-tensor の「{pattern}」は、このモデルのどのテンソルの名前にも見つかりません"
            ),
            (Self::PatternWithoutTensors { pattern }, Language::En) => format!(
                "“{pattern}” of --override-tensor is found in no name of this model's tensors"
            ),
            (Self::WithoutEffect { option, lacking }, Language::Ja) => {
                format!("{option} は効果がありません({})", lacking.words(language))
            }
            (Self::WithoutEffect { option, lacking }, Language::En) => {
                format!("{option} changes nothing: {}", lacking.words(language))
            }
            (Self::StandIn, language) => language
                .pick(
                    "これらの数値を持つ密な Llama 型モデルとして計算します。本物の GGUF か config.json があれば、そのほうが正確です",
                    "calculated as a dense Llama of these numbers; the model's own GGUF file or config.json is more exact",
                )
                .into(),
        }
    }
}
