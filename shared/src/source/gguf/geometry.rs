//! From a GGUF header to a model's geometry.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::architecture::{self, Memory, Recurrence};
use super::error::GgufError;
use super::header::Header;
use super::value::Value;
use crate::model::{
    Attention, Experts, FeedForward, Geometry, HeadAttention, Indexer, LatentAttention, Layer,
    Model, RecurrentState, Routing, Span, Tensor, Traits,
};
use crate::quant::FileType;

/// More layers than any model has.
const MAX_LAYERS: u64 = 10_000;
/// A dimension larger than any model has.
const MAX_DIMENSION: u64 = 1 << 32;

/// The model that a header describes.
///
/// # Errors
/// Where the file is no language model, or its metadata is missing, contradictory or absurd.
pub fn read_model(header: &Header, name: &str) -> Result<Model, GgufError> {
    let architecture = header.architecture()?;
    let kind = header
        .metadata
        .get("general.type")
        .and_then(Value::as_str)
        .unwrap_or("model");
    if architecture == "clip" || kind != "model" {
        let kind = if kind == "model" { architecture } else { kind };
        return Err(GgufError::NotALanguageModel { kind: kind.into() });
    }
    let reader = Reader {
        metadata: &header.metadata,
        architecture,
        tensors: TensorIndex::new(header),
    };
    let layer_count = reader.required("block_count")?;
    if !(1..=MAX_LAYERS).contains(&layer_count) {
        return Err(reader.invalid("block_count", layer_count));
    }
    let embedding_length = reader.required("embedding_length")?;
    let vocabulary_size = reader.vocabulary_size();
    let memory = architecture::memory(architecture)
        .filter(|_| !architecture::has_unmodelled_cache(architecture));
    let passes = architecture::passes(architecture, reader.number("num_loops"));
    if layer_count.saturating_mul(passes) > MAX_LAYERS {
        return Err(reader.invalid("num_loops", passes));
    }
    let mut layers = Vec::new();
    for _ in 0..passes {
        for index in 0..layer_count {
            layers.push(reader.layer(index, layer_count, embedding_length, memory)?);
        }
    }
    if architecture == "graniteswitch" {
        layers.extend(layers.first().map(switching_head));
    }
    Ok(Model {
        name: name.into(),
        architecture: architecture.into(),
        weights_format: weights_format(header),
        trained_context_length: reader.number("context_length").filter(|&length| length > 0),
        vocabulary_size,
        embedding_length,
        input_length: embedding_length.saturating_mul(
            reader
                .number("n_deepstack_layers")
                .unwrap_or(0)
                .saturating_add(1),
        ),
        layers,
        tensors: header
            .tensors
            .iter()
            .map(|info| info.tensor.clone())
            .collect(),
        quantization: None,
        vision: None,
        stretched_context_length: None,
        traits: reader.traits(),
        geometry: if memory.is_some() {
            Geometry::Known
        } else {
            Geometry::Conservative
        },
    })
}

/// The head that finds each token's adapter in Granite Switch, which caches like a layer
/// (`models/granite-switch.cpp`, `router_layer`).
fn switching_head(layer: &Layer) -> Layer {
    let attention = match layer.attention {
        Attention::Heads(heads) => Attention::Heads(HeadAttention {
            query_heads: 1,
            kv_heads: 1,
            ..heads
        }),
        attention => attention,
    };
    Layer {
        attention,
        feed_forward: FeedForward::default(),
        ..layer.clone()
    }
}

/// The file's own word for its mix of types, or the type that holds most of its bytes.
fn weights_format(header: &Header) -> String {
    let stated = header.metadata.get("general.file_type");
    if let Some(file_type) = stated.and_then(Value::as_u64).and_then(FileType::from_id) {
        return file_type.name().into();
    }
    let mut bytes = BTreeMap::new();
    for info in &header.tensors {
        let sum: &mut u64 = bytes.entry(info.tensor.tensor_type).or_default();
        *sum = sum.saturating_add(info.tensor.bytes());
    }
    bytes
        .into_iter()
        .max_by_key(|&(_, bytes)| bytes)
        .map_or_else(
            || "?".into(),
            |(tensor_type, _)| tensor_type.name().to_uppercase(),
        )
}

/// Each block's tensors by the part of their name after `blk.N.`.
struct TensorIndex<'a> {
    blocks: Vec<BTreeMap<&'a str, &'a Tensor>>,
    others: BTreeMap<&'a str, &'a Tensor>,
}

impl<'a> TensorIndex<'a> {
    fn new(header: &'a Header) -> Self {
        let mut blocks: Vec<BTreeMap<&str, &Tensor>> = Vec::new();
        let mut others = BTreeMap::new();
        for info in &header.tensors {
            let tensor = &info.tensor;
            let rest = tensor
                .name
                .strip_prefix("blk.")
                .and_then(|rest| rest.split_once('.'));
            match (tensor.block(), rest) {
                (Some(block), Some((_, rest))) if block < 10_000 => {
                    if blocks.len() <= block {
                        blocks.resize_with(block + 1, BTreeMap::new);
                    }
                    blocks[block].insert(rest, tensor);
                }
                _ => {
                    others.insert(tensor.name.as_str(), tensor);
                }
            }
        }
        Self { blocks, others }
    }

    fn of_block(&self, block: u64) -> Option<&BTreeMap<&'a str, &'a Tensor>> {
        self.blocks.get(usize::try_from(block).ok()?)
    }

    fn get(&self, block: u64, name: &str) -> Option<&'a Tensor> {
        self.of_block(block)?.get(name).copied()
    }

    fn has_prefix(&self, block: u64, prefix: &str) -> bool {
        self.of_block(block).is_some_and(|names| {
            names
                .range(prefix..)
                .next()
                .is_some_and(|(name, _)| name.starts_with(prefix))
        })
    }
}

struct Reader<'a> {
    metadata: &'a BTreeMap<String, Value>,
    architecture: &'a str,
    tensors: TensorIndex<'a>,
}

impl Reader<'_> {
    fn key(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.architecture)
    }

    fn value(&self, suffix: &str) -> Option<&Value> {
        self.metadata.get(&self.key(suffix))
    }

    fn invalid(&self, suffix: &str, value: u64) -> GgufError {
        GgufError::InvalidValue {
            key: self.key(suffix),
            value: value.to_string(),
        }
    }

    /// A dimension, where it is there and not absurd.
    fn number(&self, suffix: &str) -> Option<u64> {
        self.value(suffix)
            .and_then(Value::as_u64)
            .filter(|&number| number < MAX_DIMENSION)
    }

    fn required(&self, suffix: &str) -> Result<u64, GgufError> {
        let key = self.key(suffix);
        match self.metadata.get(&key) {
            None => Err(GgufError::MissingKey { key }),
            Some(value) => match value.as_u64() {
                Some(number) if (1..MAX_DIMENSION).contains(&number) => Ok(number),
                _ => Err(GgufError::InvalidValue {
                    key,
                    value: format!("{value:?}"),
                }),
            },
        }
    }

    /// A number that is the same for all layers or has one entry each.
    fn per_layer(&self, suffix: &str, layer: u64) -> Result<Option<u64>, GgufError> {
        match self.value(suffix) {
            None => Ok(None),
            Some(Value::Integers(values)) => {
                let entry = usize::try_from(layer)
                    .ok()
                    .and_then(|layer| values.get(layer));
                match entry.map(|&value| u64::try_from(value)) {
                    Some(Ok(value)) if value < MAX_DIMENSION => Ok(Some(value)),
                    _ => Err(GgufError::InvalidValue {
                        key: self.key(suffix),
                        value: format!("{} entries", values.len()),
                    }),
                }
            }
            Some(value) => match value.as_u64() {
                Some(number) if number < MAX_DIMENSION => Ok(Some(number)),
                _ => Err(GgufError::InvalidValue {
                    key: self.key(suffix),
                    value: format!("{value:?}"),
                }),
            },
        }
    }

    fn vocabulary_size(&self) -> u64 {
        let embedding = self.tensors.others.get("token_embd.weight");
        embedding
            .map(|tensor| tensor.dimensions[1])
            .or_else(|| self.number("vocab_size"))
            .or_else(|| {
                self.metadata
                    .get("tokenizer.ggml.tokens")
                    .and_then(Value::array_length)
            })
            .unwrap_or(0)
    }

    fn layer(
        &self,
        index: u64,
        count: u64,
        embedding_length: u64,
        memory: Option<Memory>,
    ) -> Result<Layer, GgufError> {
        let next_token = self.number("nextn_predict_layers").unwrap_or(0);
        let decoder_layers = count.saturating_sub(next_token);
        // Whether an unknown architecture loads them is not known: taken for yes.
        let next_token_prediction = index >= decoder_layers && memory.is_some();
        let recurrent = if self.is_recurrent(index, decoder_layers, memory)? {
            self.recurrent_state(embedding_length)?
        } else if self.architecture == "deepseek4" && !next_token_prediction {
            self.compressor(index)?
        } else {
            None
        };
        let attends = match memory {
            Some(Memory::Recurrent | Memory::None) => false,
            Some(Memory::Hybrid(_)) => recurrent.is_none(),
            Some(Memory::Attention | Memory::Both) | None => true,
        };
        let attention = if attends {
            self.attention(index, count, decoder_layers, embedding_length)?
        } else {
            Attention::None
        };
        Ok(Layer {
            attention,
            recurrent,
            indexer: self.indexer(index),
            feed_forward: self.feed_forward(index)?,
            next_token_prediction,
        })
    }

    fn attention(
        &self,
        index: u64,
        count: u64,
        decoder_layers: u64,
        embedding_length: u64,
    ) -> Result<Attention, GgufError> {
        let query_heads = self.per_layer("attention.head_count", index)?.unwrap_or(0);
        let kv_heads = self
            .per_layer("attention.head_count_kv", index)?
            .unwrap_or(query_heads);
        if kv_heads == 0 {
            return Ok(Attention::None);
        }
        // A pattern by period ends with the decoder's layers, a list may go on.
        let listed = matches!(
            self.value("attention.sliding_window_pattern"),
            Some(Value::Integers(list)) if u64::try_from(list.len()).is_ok_and(|len| index < len)
        );
        let span = if index < decoder_layers || listed || self.architecture == "deepseek4" {
            self.span(index, decoder_layers)?
        } else {
            Span::Full
        };
        // The engine divides by the first layer's heads, whatever the other layers have.
        let first_heads = self.per_layer("attention.head_count", 0)?.unwrap_or(0);
        let default_dim = embedding_length.checked_div(first_heads).unwrap_or(0);
        let dim = |kind: &str| {
            let full = self.number(&format!("attention.{kind}_length"));
            match span {
                Span::Full => full,
                _ => self
                    .number(&format!("attention.{kind}_length_swa"))
                    .or(full),
            }
            .unwrap_or(default_dim)
        };
        let (key_dim, value_dim) = (dim("key"), dim("value"));
        let latent = self
            .number("attention.key_length_mla")
            .zip(self.number("attention.value_length_mla"))
            .filter(|&(key, value)| key > 0 && value > 0);
        if let Some((head_key_dim, head_value_dim)) = latent {
            let rank = self.number("attention.kv_lora_rank");
            let latent_dim = match span {
                Span::Full => rank,
                _ => self.number("attention.kv_lora_rank_swa").or(rank),
            }
            .unwrap_or(value_dim);
            return Ok(Attention::Latent(LatentAttention {
                query_heads,
                latent_dim,
                rope_dim: key_dim
                    .checked_sub(latent_dim)
                    .ok_or_else(|| self.invalid("attention.key_length", key_dim))?,
                key_dim: head_key_dim,
                value_dim: head_value_dim,
                span,
            }));
        }
        let shared = self.number("attention.shared_kv_layers").unwrap_or(0);
        let own = architecture::layers_with_own_cache(self.architecture, count, shared);
        Ok(Attention::Heads(HeadAttention {
            query_heads,
            kv_heads,
            key_dim,
            value_dim,
            span,
            shares_cache: index >= own,
        }))
    }

    /// How far back a layer looks, by the file's pattern or the architecture's.
    fn span(&self, index: u64, count: u64) -> Result<Span, GgufError> {
        let rule = architecture::window_rule(self.architecture, count);
        let patterned = architecture::window_pattern_required(self.architecture);
        if rule.is_none() && !patterned {
            return Ok(Span::Full);
        }
        let stated = self.number("attention.sliding_window");
        // Files say 0 to turn windows off.
        let window = match (stated, rule) {
            (Some(window), Some(rule)) if window > 0 => rule.fixed_window.or(stated),
            (Some(window), _) => Some(window),
            (None, rule) => rule.and_then(|rule| rule.default_window),
        };
        let Some(window) = window.filter(|&window| window > 0) else {
            return Ok(Span::Full);
        };
        let pattern = self.value("attention.sliding_window_pattern");
        let (period, full_first) = match (pattern, rule) {
            (Some(Value::Integers(_)), _) => {
                let slides = self.per_layer("attention.sliding_window_pattern", index)?;
                return Ok(if slides == Some(0) {
                    Span::Full
                } else {
                    Span::Sliding { window }
                });
            }
            (Some(value), rule) => (
                value.as_u64().unwrap_or(0),
                rule.is_some_and(|rule| rule.full_first),
            ),
            (None, Some(rule)) => (rule.period, rule.full_first),
            (None, None) => {
                let key = self.key("attention.sliding_window_pattern");
                return Err(GgufError::MissingKey { key });
            }
        };
        let full_at = if full_first {
            0
        } else {
            period.saturating_sub(1)
        };
        let slides = match period {
            0 => true,
            _ => index % period != full_at,
        };
        Ok(match (slides, rule.is_some_and(|rule| rule.chunked)) {
            (false, _) => Span::Full,
            (true, false) => Span::Sliding { window },
            (true, true) => Span::Chunked { chunk: window },
        })
    }

    /// Whether a layer holds a recurrent state.
    fn is_recurrent(
        &self,
        index: u64,
        decoder_layers: u64,
        memory: Option<Memory>,
    ) -> Result<bool, GgufError> {
        let has = |prefix| self.tensors.has_prefix(index, prefix);
        let without = |suffix| Ok::<_, GgufError>(self.per_layer(suffix, index)? == Some(0));
        Ok(match memory {
            Some(Memory::Recurrent | Memory::Both) => true,
            Some(Memory::Attention | Memory::None) => false,
            None => has("ssm_") || has("shortconv.") || has("time_mix_"),
            Some(Memory::Hybrid(_)) if index >= decoder_layers => false,
            Some(Memory::Hybrid(Recurrence::NoHeads)) => without("attention.head_count_kv")?,
            Some(Memory::Hybrid(Recurrence::NoHeadsNoNetwork)) => {
                without("attention.head_count_kv")? && without("feed_forward_length")?
            }
            Some(Memory::Hybrid(Recurrence::AllBut { interval })) => {
                match self.per_layer("attention.recurrent_layers", index)? {
                    Some(listed) => listed != 0,
                    None => {
                        let stated = self.number("full_attention_interval");
                        let interval = stated.unwrap_or(interval).max(1);
                        !(index + 1).is_multiple_of(interval)
                    }
                }
            }
        })
    }

    fn recurrent_state(&self, embedding_length: u64) -> Result<Option<RecurrentState>, GgufError> {
        if let Some(head_dim) = self.number("wkv.head_size") {
            return Ok(Some(RecurrentState::Rwkv {
                embedding: embedding_length,
                head_dim,
                token_shifts: self.number("token_shift_count").unwrap_or(2),
            }));
        }
        // Sizes of states follow from the first layer's heads.
        let heads = self.per_layer("attention.head_count", 0)?.unwrap_or(0);
        if self.architecture == "minimax-01" {
            let head_dim = self
                .number("attention.key_length")
                .or_else(|| embedding_length.checked_div(heads));
            return Ok(Some(RecurrentState::Lightning {
                heads,
                head_dim: head_dim.unwrap_or(0),
            }));
        }
        if let Some(conv_kernel) = self.number("shortconv.l_cache") {
            return Ok(Some(RecurrentState::ShortConvolution {
                width: embedding_length,
                conv_kernel,
            }));
        }
        let conv_kernel = self.required("ssm.conv_kernel")?;
        if let Some(head_dim) = self.number("kda.head_dim") {
            return Ok(Some(RecurrentState::KimiDelta {
                heads,
                head_dim,
                conv_kernel,
            }));
        }
        let inner = self.required("ssm.inner_size")?;
        let state = self.required("ssm.state_size")?;
        let groups = self.number("ssm.group_count").unwrap_or(0);
        let heads = self.number("ssm.time_step_rank").unwrap_or(0);
        let gated_delta = matches!(
            self.architecture,
            "qwen3next" | "qwen35" | "qwen35moe" | "qwen4exp"
        );
        Ok(Some(if gated_delta {
            RecurrentState::GatedDeltaNet {
                key_heads: groups,
                key_dim: state,
                value_heads: heads,
                value_dim: inner.checked_div(heads).unwrap_or(0),
                conv_kernel,
            }
        } else if groups > 0 {
            RecurrentState::Mamba2 {
                inner,
                state,
                groups,
                heads,
                conv_kernel,
            }
        } else {
            RecurrentState::Mamba {
                inner,
                state,
                conv_kernel,
            }
        }))
    }

    /// The compressor of a layer's keys, where it has one.
    fn compressor(&self, index: u64) -> Result<Option<RecurrentState>, GgufError> {
        let ratio = self
            .per_layer("attention.compress_ratios", index)?
            .unwrap_or(0);
        let indexer = self.indexer(index);
        Ok((ratio > 0).then(|| RecurrentState::Compressor {
            ratio,
            key_dim: self.number("attention.key_length").unwrap_or(0),
            indexer_dim: indexer.map_or(0, |indexer| indexer.key_dim),
        }))
    }

    /// The layer's own indexer: the others read another layer's selection. Files that do not
    /// list the layers have the tensors where they have the indexer.
    fn indexer(&self, index: u64) -> Option<Indexer> {
        let key_dim = self.number("attention.indexer.key_length")?;
        let owns = match self.per_layer("attention.indexer.types", index) {
            Ok(Some(full)) => full != 0,
            _ => self.tensors.has_prefix(index, "indexer."),
        };
        owns.then(|| Indexer {
            heads: self.number("attention.indexer.head_count").unwrap_or(0),
            key_dim,
            top_k: self.number("attention.indexer.top_k").unwrap_or(0),
        })
    }

    fn traits(&self) -> Traits {
        let is = |suffix, truth| self.value(suffix) == Some(&Value::Bool(truth));
        let states = |suffix| self.value(suffix).is_some();
        let is_float = |suffix| matches!(self.value(suffix), Some(&Value::Float(x)) if x != 0.0);
        let is_array = |suffix| matches!(self.value(suffix), Some(Value::SkippedArray { .. }));
        let image_sections = match self.value("rope.dimension_sections") {
            Some(Value::Integers(sections)) => {
                sections.len() > 1 && sections[..2].iter().all(|&section| section > 0)
            }
            _ => false,
        };
        Traits {
            subtracts_mean: states("attention.layer_norm_epsilon")
                && !states("attention.layer_norm_rms_epsilon"),
            tempers_queries: is_float("attention.temperature_scale"),
            rotates: !is("rope.scaling.finetuned", false),
            has_image_positions: image_sections,
            follows_attention: is("use_parallel_residual", false),
            normalizes_results: is("swin_norm", true),
            keeps_stream_between_passes: is("skip_loop_final_norm", true),
            fast_cycles: self.number("hrm.l_cycles").unwrap_or(0),
            residual_block_length: self.number("attn_res.block_size").unwrap_or(0),
            bounds_decay: states("kda.gate_lower_bound"),
            clamps_experts: is_float("swiglu_clamp_exp") || is_array("swiglu_clamp_exp"),
            leaves_rest_of_groups: is("attention.indexer.kpool_select_tail", false),
            bounds_both_factors: is_float("activation.situ_linear_beta"),
        }
    }

    fn routing(&self) -> Routing {
        let scale = self.value("expert_weights_scale");
        Routing {
            groups: self.number("expert_group_count").unwrap_or(0),
            kept_groups: self.number("expert_group_used_count").unwrap_or(0),
            normalizes: matches!(self.value("expert_weights_norm"), Some(Value::Bool(true))),
            scales: matches!(scale, Some(&Value::Float(scale)) if scale != 0.0 && scale != 1.0),
        }
    }

    /// Widths are taken from the tensors where they are there: they cannot be wrong.
    fn feed_forward(&self, index: u64) -> Result<FeedForward, GgufError> {
        let stated = self.per_layer("feed_forward_length", index)?.unwrap_or(0);
        let get = |name| self.tensors.get(index, name);
        let experts = get("ffn_down_exps.weight").map(|down| Experts {
            count: down.dimensions[2],
            used: self.number("expert_used_count").unwrap_or(0),
            length: down.dimensions[0],
            shared_length: get("ffn_down_shexp.weight").map_or(0, |shared| shared.dimensions[0]),
            routing: self.routing(),
        });
        let length = match (
            get("ffn_down.weight").or_else(|| get("ffn_up.weight")),
            experts,
        ) {
            (Some(tensor), _) if tensor.name.ends_with("ffn_down.weight") => tensor.dimensions[0],
            (Some(tensor), _) => tensor.dimensions[1],
            (None, Some(_)) => 0,
            (None, None) => stated,
        };
        Ok(FeedForward { length, experts })
    }
}
