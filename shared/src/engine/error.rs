//! What engines refuse, and why.

use alloc::format;
use alloc::string::String;

use crate::text::{Language, Phrase, UserMessage};

/// Why an engine cannot plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineError {
    /// No device was given.
    NoDevice,
    /// A quantized value cache without flash attention.
    QuantizedValueCacheNeedsFlashAttention {
        /// The type asked for.
        cache_type: String,
    },
    /// The cache type's block does not divide the head size.
    HeadNotDivisible {
        /// `K` or `V`.
        side: &'static str,
        /// The type asked for.
        cache_type: String,
        /// Elements of one block of the type.
        block: u64,
        /// Elements of one head.
        head_dim: u64,
    },
    /// Different types for keys and values where only the keys are stored.
    MixedCacheTypes {
        /// Type asked for the keys.
        key: String,
        /// Type asked for the values.
        value: String,
    },
    /// The engine has no such cache type.
    UnknownCacheType {
        /// The name given.
        name: String,
        /// Names that it takes.
        known: &'static str,
    },
    /// The model's cache follows rules that we do not know for this engine.
    UnsupportedModel {
        /// The architecture.
        architecture: String,
        /// What is missing.
        reason: &'static str,
    },
    /// The model caches nothing and generates nothing: context length has no meaning.
    NotGenerative {
        /// The architecture.
        architecture: String,
    },
    /// A setting outside what the engine takes.
    InvalidSetting {
        /// The setting, by its command-line name.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is taken, in Japanese and English.
        expected: Phrase,
    },
    /// A share of the device was asked for that is not free.
    ShareNotFree {
        /// Name of the device.
        device: String,
        /// Bytes of the share.
        requested: u64,
        /// Bytes free.
        free: u64,
    },
    /// Tensor parallelism cannot share this out evenly.
    NotDivisibleByRanks {
        /// What is to be shared out.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// Among how many.
        ranks: u64,
    },
    /// Fewer devices than the parallel sizes need.
    TooFewDevices {
        /// Devices needed.
        needed: u64,
        /// Devices given.
        given: u64,
    },
    /// The engine has the cache type, but not for this model's attention.
    CacheTypeNotForModel {
        /// The type asked for.
        cache_type: &'static str,
        /// The architecture.
        architecture: String,
    },
    /// The engine does not load weights in this format.
    WeightsNotForEngine {
        /// The format.
        format: String,
        /// Formats that it loads.
        takes: &'static str,
    },
    /// The engine has no graph for the architecture.
    ArchitectureNotLoaded {
        /// The architecture.
        architecture: String,
    },
    /// The model drafts for another, of whose tensors or caches it makes use.
    DraftsForAnother {
        /// The architecture.
        architecture: String,
    },
    /// The engine's kernels need a newer GPU.
    DeviceTooOld {
        /// Name of the device.
        device: String,
        /// Its compute capability.
        capability: (u32, u32),
        /// The lowest that the engine runs on.
        needed: (u32, u32),
    },
    /// A quantized cache has no place for layers without full attention.
    QuantizedCacheNeedsFullAttention {
        /// The architecture.
        architecture: String,
        /// The kind of layer that it has besides, by the engine's name.
        layer: &'static str,
    },
    /// The model's layers keep caches that cannot be managed as one kind.
    NeedsHybridCacheManager {
        /// The architecture.
        architecture: String,
    },
    /// Multi-token prediction of a model without prediction layers.
    NoPredictionLayers {
        /// The model.
        model: String,
    },
    /// An adapter changes a tensor that the model has not, or not in this shape.
    AdapterOfOtherModel {
        /// The adapter's tensor.
        tensor: String,
    },
    /// A size exceeds 2^64 bytes.
    TooLarge,
}

impl UserMessage for EngineError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoDevice => "no_device",
            Self::QuantizedValueCacheNeedsFlashAttention { .. } => {
                "quantized_v_needs_flash_attention"
            }
            Self::HeadNotDivisible { .. } => "head_not_divisible",
            Self::MixedCacheTypes { .. } => "mixed_cache_types",
            Self::UnknownCacheType { .. } => "unknown_cache_type",
            Self::UnsupportedModel { .. } => "unsupported_model",
            Self::NotGenerative { .. } => "not_generative",
            Self::InvalidSetting { .. } => "invalid_setting",
            Self::ShareNotFree { .. } => "share_not_free",
            Self::NotDivisibleByRanks { .. } => "not_divisible_by_ranks",
            Self::TooFewDevices { .. } => "too_few_devices",
            Self::CacheTypeNotForModel { .. } => "cache_type_not_for_model",
            Self::WeightsNotForEngine { .. } => "weights_not_for_engine",
            Self::ArchitectureNotLoaded { .. } => "architecture_not_loaded",
            Self::DraftsForAnother { .. } => "drafts_for_another",
            Self::DeviceTooOld { .. } => "device_too_old",
            Self::QuantizedCacheNeedsFullAttention { .. } => "quantized_cache_needs_full_attention",
            Self::NeedsHybridCacheManager { .. } => "needs_hybrid_cache_manager",
            Self::NoPredictionLayers { .. } => "no_prediction_layers",
            Self::AdapterOfOtherModel { .. } => "adapter_of_other_model",
            Self::TooLarge => "too_large",
        }
    }

    fn message(&self, language: Language) -> String {
        match self {
            Self::NoDevice => language
                .pick("GPU が 1 つも指定されていません", "no GPU was given")
                .into(),
            Self::QuantizedValueCacheNeedsFlashAttention { cache_type } => match language {
                Language::Ja => {
                    format!("V キャッシュの量子化({cache_type})には Flash Attention が必要です")
                }
                Language::En => format!("a quantized V cache ({cache_type}) needs flash attention"),
            },
            Self::HeadNotDivisible {
                side,
                cache_type,
                block,
                head_dim,
            } => match language {
                Language::Ja => format!(
                    "{side} キャッシュの型 {cache_type}(ブロック {block})では head_dim={head_dim} を割り切れません"
                ),
                Language::En => format!(
                    "{side} cache type {cache_type} has blocks of {block}, which do not divide head_dim={head_dim}"
                ),
            },
            Self::MixedCacheTypes { key, value } => match language {
                Language::Ja => {
                    format!("このモデル(MLA)では K({key})と V({value})に別の型を使えません")
                }
                Language::En => format!(
                    "this model (MLA) does not take different K ({key}) and V ({value}) cache types"
                ),
            },
            Self::UnknownCacheType { name, .. } => match language {
                Language::Ja => format!("KV キャッシュの型「{name}」はこのエンジンにありません"),
                Language::En => format!("the engine has no KV cache type “{name}”"),
            },
            Self::UnsupportedModel {
                architecture,
                reason,
            } => match language {
                Language::Ja => {
                    format!("アーキテクチャ「{architecture}」のメモリ規則が未対応です({reason})")
                }
                Language::En => format!(
                    "the memory rules of architecture “{architecture}” are not known ({reason})"
                ),
            },
            Self::NotGenerative { architecture } => match language {
                Language::Ja => format!("「{architecture}」は KV キャッシュを持たないモデルです"),
                Language::En => format!("“{architecture}” models keep no KV cache"),
            },
            Self::InvalidSetting { name, value, .. } => match language {
                Language::Ja => format!("{name} の値「{value}」は使えません"),
                Language::En => format!("{name} does not take “{value}”"),
            },
            Self::ShareNotFree {
                device,
                requested,
                free,
            } => {
                let (requested, free) = (requested >> 20, free >> 20);
                match language {
                    Language::Ja => format!(
                        "{device} の空き {free} MiB は、確保しようとする {requested} MiB に足りません"
                    ),
                    Language::En => format!(
                        "{device} has {free} MiB free, less than the {requested} MiB asked for"
                    ),
                }
            }
            Self::NotDivisibleByRanks { what, count, ranks } => match language {
                Language::Ja => {
                    format!("{what} の数 {count} は、テンソル並列数 {ranks} で割り切れません")
                }
                Language::En => {
                    format!("{count} {what} cannot be shared out evenly among {ranks} GPUs")
                }
            },
            Self::TooFewDevices { needed, given } => match language {
                Language::Ja => format!("GPU が {needed} 枚必要ですが、{given} 枚しかありません"),
                Language::En => format!("{needed} GPUs are needed, {given} were given"),
            },
            Self::CacheTypeNotForModel {
                cache_type,
                architecture,
            } => match language {
                Language::Ja => format!(
                    "KV キャッシュの型 {cache_type} は「{architecture}」のアテンションでは使えません"
                ),
                Language::En => format!(
                    "KV cache type {cache_type} is not for the attention of “{architecture}”"
                ),
            },
            Self::WeightsNotForEngine { format, .. } => match language {
                Language::Ja => format!("重みの形式 {format} は、このエンジンでは読み込めません"),
                Language::En => format!("the engine does not load weights in {format}"),
            },
            Self::ArchitectureNotLoaded { architecture } => match language {
                Language::Ja => {
                    format!("llama.cpp はこのアーキテクチャ({architecture})を読み込めません")
                }
                Language::En => {
                    format!("llama.cpp does not load models of this architecture ({architecture})")
                }
            },
            Self::DraftsForAnother { architecture } => match language {
                Language::Ja => format!(
                    "「{architecture}」は、別のモデルのために下書きをするモデルで、単独では動きません"
                ),
                Language::En => format!(
                    "“{architecture}” models draft tokens for another model and do not run alone"
                ),
            },
            Self::DeviceTooOld {
                device,
                capability: (major, minor),
                needed: (needed_major, needed_minor),
            } => match language {
                Language::Ja => format!(
                    "{device}(Compute Capability {major}.{minor})では、このエンジンは動きません({needed_major}.{needed_minor} 以上が必要です)"
                ),
                Language::En => format!(
                    "the engine does not run on {device} (compute capability {major}.{minor}); it needs {needed_major}.{needed_minor} or newer"
                ),
            },
            Self::QuantizedCacheNeedsFullAttention {
                architecture,
                layer,
            } => match language {
                Language::Ja => format!(
                    "「{architecture}」には全トークンを見る注意以外の層({layer})があるため、量子化キャッシュ(QuantizedCache)を使えません"
                ),
                Language::En => format!(
                    "“{architecture}” has layers other than full attention ({layer}), which QuantizedCache does not take"
                ),
            },
            Self::NeedsHybridCacheManager { architecture } => match language {
                Language::Ja => format!(
                    "「{architecture}」は種類の違うキャッシュを併せ持つため、ハイブリッド管理を無効にできません"
                ),
                Language::En => format!(
                    "“{architecture}” mixes kinds of caches, so the hybrid manager cannot be off"
                ),
            },
            Self::NoPredictionLayers { model } => match language {
                Language::Ja => format!("「{model}」には MTP(複数トークン予測)の層がありません"),
                Language::En => format!("“{model}” has no layers for multi-token prediction"),
            },
            Self::AdapterOfOtherModel { tensor } => match language {
                Language::Ja => format!("LoRA の {tensor} に対応するテンソルがモデルにありません"),
                Language::En => format!("the model has no tensor that LoRA's {tensor} fits"),
            },
            Self::TooLarge => language
                .pick(
                    "サイズが 2^64 バイトを超えます",
                    "a size exceeds 2^64 bytes",
                )
                .into(),
        }
    }

    fn hint(&self, language: Language) -> String {
        match self {
            Self::NoDevice => language
                .pick(
                    "空き VRAM を指定してください(例: --free-vram-mb 24000)",
                    "give the free VRAM, for example --free-vram-mb 24000",
                )
                .into(),
            Self::QuantizedValueCacheNeedsFlashAttention { .. } => language
                .pick(
                    "--flash-attn on にするか、V を f16 にしてください",
                    "use --flash-attn on, or keep V in f16",
                )
                .into(),
            Self::HeadNotDivisible { .. } => language
                .pick(
                    "KV キャッシュを f16 にしてください",
                    "keep the KV cache in f16",
                )
                .into(),
            Self::MixedCacheTypes { .. } => language
                .pick(
                    "K と V に同じ型を指定してください",
                    "give K and V the same type",
                )
                .into(),
            Self::UnknownCacheType { known, .. } => match language {
                Language::Ja => format!("使える型: {known}"),
                Language::En => format!("it takes: {known}"),
            },
            Self::UnsupportedModel { .. } => language
                .pick(
                    "別のエンジンかモデルを選んでください",
                    "choose another engine or model",
                )
                .into(),
            Self::NotGenerative { .. } => language
                .pick(
                    "文章を生成するモデルを選んでください",
                    "choose a model that generates text",
                )
                .into(),
            Self::InvalidSetting {
                expected: ("", ""), ..
            } => language.pick("値を確かめてください", "check the value").into(),
            Self::InvalidSetting { expected, .. } => match language {
                Language::Ja => format!("使える値: {}", expected.0),
                Language::En => format!("it takes {}", expected.1),
            },
            Self::ShareNotFree { .. } => language
                .pick(
                    "--gpu-memory-utilization を下げるか、ほかのプログラムを終了してください",
                    "lower --gpu-memory-utilization, or close other programs",
                )
                .into(),
            Self::NotDivisibleByRanks { .. } => language
                .pick(
                    "--tensor-parallel-size を約数に変えてください",
                    "choose a --tensor-parallel-size that divides it",
                )
                .into(),
            Self::TooFewDevices { .. } => language
                .pick(
                    "並列数を減らすか、GPU を追加で指定してください",
                    "lower the parallel sizes, or give more GPUs",
                )
                .into(),
            Self::CacheTypeNotForModel { .. } => language
                .pick("auto か fp8 にしてください", "use auto or fp8")
                .into(),
            Self::WeightsNotForEngine { takes, .. } => match language {
                Language::Ja => format!("読み込める形式(--quant): {takes}"),
                Language::En => format!("it loads (--quant): {takes}"),
            },
            Self::ArchitectureNotLoaded { .. } => language
                .pick(
                    "vLLM か Transformers を選んでください(--backend vllm、--backend transformers)",
                    "choose vLLM or Transformers (--backend vllm, --backend transformers)",
                )
                .into(),
            Self::DraftsForAnother { .. } => language
                .pick(
                    "元のモデルを選び、このファイルを --model-draft に渡してください",
                    "give the model that it was trained for, and this file as --model-draft",
                )
                .into(),
            Self::DeviceTooOld { .. } => language
                .pick(
                    "この GPU では llama.cpp(--backend llama.cpp)か Ollama を使ってください",
                    "use llama.cpp (--backend llama.cpp) or Ollama on this GPU",
                )
                .into(),
            Self::QuantizedCacheNeedsFullAttention { .. } => language
                .pick(
                    "FP16(DynamicCache か StaticCache)で使ってください",
                    "use FP16 (DynamicCache or StaticCache)",
                )
                .into(),
            Self::NeedsHybridCacheManager { .. } => language
                .pick(
                    "--disable-hybrid-kv-cache-manager を外してください",
                    "leave --disable-hybrid-kv-cache-manager out",
                )
                .into(),
            Self::NoPredictionLayers { .. } => language
                .pick(
                    "MTP(--spec-type、--speculative-method)を使わないか、その層を含むモデルを指定してください",
                    "do without MTP (--spec-type, --speculative-method), or give a model with those layers",
                )
                .into(),
            Self::AdapterOfOtherModel { .. } => language
                .pick(
                    "このモデルのために作られた LoRA を指定してください",
                    "give an adapter that was made for this model",
                )
                .into(),
            Self::TooLarge => language
                .pick(
                    "モデルの寸法とコンテキスト長を確かめてください",
                    "check the model's dimensions and the context length",
                )
                .into(),
        }
    }
}
