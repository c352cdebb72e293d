//! What each method's fields say.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use super::modules::without_prefix;
use super::rules::{Patterns, Rules};
use crate::model::Method;
use crate::quant::{
    Awq, Fp8, Gptq, Hqq, Int8, Mxfp4, Mxfp8, Nf4, Nvfp4, PackedIntegers, Packing, ScaleOf,
    ScaledInt8,
};

type Object = Map<String, Value>;

/// More bits than any integer packing has: what stays in floats.
const PLAIN_BITS: u64 = 16;

/// The method that the configuration names; `None` where it names none.
pub(super) fn method(config: &Object) -> Option<Method> {
    let Some(name) = text(config, "quant_method") else {
        // ModelOpt's own file, whose object holds the algorithm.
        return inner(config)
            .get("quant_algo")
            .filter(|algorithm| algorithm.is_string())
            .map(|_| Method::ModelOpt);
    };
    Some(match name {
        "gptq" | "gptq_marlin" | "auto-round" | "intel/auto-round" | "auto_round" => Method::Gptq,
        "awq" | "awq_marlin" => Method::Awq,
        "compressed-tensors" | "compressed_tensors" => Method::CompressedTensors,
        "fp8" => Method::Fp8,
        "fbgemm_fp8" => Method::FbgemmFp8,
        "modelopt" | "modelopt_fp4" | "modelopt_mixed" => Method::ModelOpt,
        "mxfp4" => Method::Mxfp4,
        "bitsandbytes" => Method::BitsAndBytes,
        "hqq" => Method::Hqq,
        "exl2" => Method::Exl2,
        "exl3" => Method::Exl3,
        other => Method::Other(other.into()),
    })
}

/// Which module is packed how; `None` where the method's sizes are not known.
pub(super) fn rules<'a>(method: &Method, config: &'a Object) -> Option<Rules<'a>> {
    match method {
        Method::Gptq => integers(config, gptq),
        Method::Awq => integers(config, awq),
        Method::CompressedTensors => Some(groups(config)),
        Method::Fp8 | Method::FbgemmFp8 => fp8(config),
        Method::ModelOpt => Some(model_opt(config)),
        Method::Mxfp4 => Some(Rules {
            groups: vec![(only_experts(), Packing::Mxfp4(Mxfp4))],
            ignored: ignored(config),
            ..Rules::default()
        }),
        Method::BitsAndBytes => Some(bits_and_bytes(config)),
        Method::Hqq => hqq(config),
        Method::Exl2 | Method::Exl3 => exllama(method, config),
        Method::Other(_) => None,
    }
}

/// Whether the checkpoint asks for its KV cache in FP8.
pub(super) fn has_fp8_cache(config: &Object) -> bool {
    let stated = inner(config)
        .get("kv_cache_quant_algo")
        .and_then(Value::as_str);
    let scheme = config.get("kv_cache_scheme").and_then(Value::as_object);
    stated == Some("FP8")
        || scheme.is_some_and(|scheme| {
            scheme.get("num_bits").and_then(Value::as_u64) == Some(8)
                && text(scheme, "type").is_none_or(|kind| kind == "float")
        })
}

/// The object that holds ModelOpt's fields: they stand one level deeper in its own file.
fn inner(config: &Object) -> &Object {
    let nested = config.get("quantization").and_then(Value::as_object);
    nested.unwrap_or(config)
}

fn text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field)?.as_str()
}

fn flag(object: &Object, field: &str) -> bool {
    object.get(field).and_then(Value::as_bool).unwrap_or(false)
}

fn number(object: &Object, field: &str) -> Option<u32> {
    u32::try_from(object.get(field)?.as_u64()?).ok()
}

/// The group size, where it is one: -1 and null mean the whole channel.
fn group_size(object: &Object) -> Option<u32> {
    let own = number(object, "group_size").or_else(|| number(object, "q_group_size"));
    own.filter(|&size| size > 0)
}

fn listed<'a>(object: &'a Object, field: &str) -> impl Iterator<Item = &'a str> {
    let list = object.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// The modules that stay as they are, under the names that the methods give the list.
fn ignored(config: &Object) -> Patterns<'_> {
    let inner = inner(config);
    Patterns::new(
        [
            "modules_to_not_convert",
            "ignored_layers",
            "ignore",
            "exclude_modules",
            "llm_int8_skip_modules",
            "skip_modules",
        ]
        .into_iter()
        .flat_map(move |field| listed(inner, field)),
    )
}

fn every() -> Patterns<'static> {
    Patterns::new(core::iter::once("Linear"))
}

fn only_experts() -> Patterns<'static> {
    Patterns::new(core::iter::once("experts"))
}

fn gptq(object: &Object) -> Option<Packing> {
    let bits = number(object, "bits")?;
    Some(Packing::Gptq(Gptq {
        bits,
        group_size: group_size(object),
        act_order: flag(object, "desc_act"),
    }))
}

fn awq(object: &Object) -> Option<Packing> {
    let bits = number(object, "bits").or_else(|| number(object, "w_bit"))?;
    Some(Packing::Awq(Awq {
        bits,
        group_size: group_size(object),
    }))
}

/// GPTQ, AWQ and AutoRound: one packing, and modules that differ from it.
fn integers<'a>(config: &'a Object, read: fn(&Object) -> Option<Packing>) -> Option<Rules<'a>> {
    let in_awq_layout = text(config, "packing_format").is_some_and(|name| name.contains("awq"));
    let read: fn(&Object) -> Option<Packing> = if in_awq_layout { awq } else { read };
    let packing = read(config)?;
    // What a module's own object leaves out is the whole's.
    let own = |object: &Object| {
        let mut merged = config.clone();
        merged.extend(
            object
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        let is_plain = merged.get("bits").and_then(Value::as_u64) >= Some(PLAIN_BITS);
        if is_plain { None } else { read(&merged) }
    };
    let mut rules = Rules {
        ignored: ignored(config),
        head: flag(config, "lm_head").then_some(packing),
        ..Rules::default()
    };
    if let Some(dynamic) = config.get("dynamic").and_then(Value::as_object) {
        for (expression, object) in dynamic {
            let (expression, is_negative) = match expression.strip_prefix("-:") {
                Some(rest) => (rest, true),
                None => (expression.strip_prefix("+:").unwrap_or(expression), false),
            };
            let object = object.as_object().filter(|_| !is_negative);
            rules.expressions.push((expression, object.and_then(&own)));
        }
    }
    if let Some(extra) = config.get("extra_config").and_then(Value::as_object) {
        for (name, object) in extra {
            let packing = object.as_object().and_then(&own);
            rules.layers.push((without_prefix(name), packing));
        }
        rules.layers.sort_unstable_by_key(|(name, _)| *name);
    }
    let inside = config
        .get("modules_in_block_to_quantize")
        .and_then(Value::as_array);
    let patterns = match inside {
        Some(lists) => Patterns::new(lists.iter().flat_map(|entry| match entry {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            other => other.as_str().into_iter().collect(),
        })),
        None => every(),
    };
    rules.groups.push((patterns, packing));
    Some(rules)
}

/// FP8 of whole checkpoints, per tensor or block.
fn fp8(config: &Object) -> Option<Rules<'_>> {
    let block = config.get("weight_block_size").and_then(Value::as_array);
    let scale = match block.map(Vec::as_slice) {
        Some([rows, columns]) => ScaleOf::Block {
            rows: u32::try_from(rows.as_u64()?).ok()?,
            columns: u32::try_from(columns.as_u64()?).ok()?,
        },
        Some(_) => return None,
        None if text(config, "quant_method") == Some("fbgemm_fp8") => ScaleOf::Channel,
        None => ScaleOf::Tensor,
    };
    let packing = Packing::Fp8(Fp8 {
        scale,
        // FBGEMM's has a bound of the activations beside.
        static_input: text(config, "activation_scheme") == Some("static")
            || config.contains_key("activation_scale_ub"),
    });
    Some(Rules {
        layers: own_algorithms(config),
        ignored: ignored(config),
        groups: vec![(every(), packing)],
        ..Rules::default()
    })
}

/// The groups of compressed-tensors, which ModelOpt writes too.
fn groups(config: &Object) -> Rules<'_> {
    let format = text(config, "format").unwrap_or_default();
    let groups = config.get("config_groups").and_then(Value::as_object);
    let mut rules = Rules {
        ignored: ignored(config),
        ..Rules::default()
    };
    for group in groups.into_iter().flat_map(Map::values) {
        let Some(group) = group.as_object() else {
            continue;
        };
        let own_format = text(group, "format").unwrap_or(format);
        if let Some(packing) = group_packing(group, own_format) {
            let targets = Patterns::new(listed(group, "targets"));
            rules.groups.push((targets, packing));
        }
    }
    rules
}

fn group_packing(group: &Object, format: &str) -> Option<Packing> {
    let weights = group.get("weights")?.as_object()?;
    let inputs = group.get("input_activations").and_then(Value::as_object);
    // A dynamic scale is not stored. NVFP4 has the global one stored all the same.
    let dynamic = inputs.and_then(|inputs| inputs.get("dynamic"));
    let static_input = inputs.is_some() && dynamic.and_then(Value::as_bool) != Some(true);
    let bits = number(weights, "num_bits")?;
    let is_float = text(weights, "type") == Some("float");
    let strategy = text(weights, "strategy");
    let group_size = group_size(weights);
    Some(match (is_float, bits) {
        (true, 4) if format.starts_with("mxfp4") || group_size == Some(32) => Packing::Mxfp4(Mxfp4),
        (true, 4) => Packing::Nvfp4(Nvfp4 { static_input }),
        (true, 8) if group_size == Some(32) => Packing::Mxfp8(Mxfp8),
        (true, 8) => Packing::Fp8(Fp8 {
            scale: match strategy {
                Some("channel") => ScaleOf::Channel,
                Some("block") => block_of(weights),
                _ => ScaleOf::Tensor,
            },
            static_input,
        }),
        (true, _) => return None,
        (false, 8) if inputs.is_some() => Packing::ScaledInt8(ScaledInt8 {
            per_channel: strategy != Some("tensor"),
            static_input,
        }),
        (false, _) => Packing::PackedIntegers(PackedIntegers {
            bits,
            group_size: group_size.filter(|_| strategy != Some("channel")),
            symmetric: weights.get("symmetric").and_then(Value::as_bool) != Some(false),
            act_order: text(weights, "actorder") == Some("group"),
        }),
    })
}

fn block_of(weights: &Object) -> ScaleOf {
    let size = |place: usize| {
        let list = weights.get("block_structure").and_then(Value::as_array);
        let own = list.and_then(|list| u32::try_from(list.get(place)?.as_u64()?).ok());
        own.filter(|&size| size > 0).unwrap_or(128)
    };
    ScaleOf::Block {
        rows: size(0),
        columns: size(1),
    }
}

/// ModelOpt: groups as in compressed-tensors, or one algorithm for all, or one for each layer.
fn model_opt(config: &Object) -> Rules<'_> {
    let own = inner(config);
    let mut rules = groups(own);
    rules.layers = own_algorithms(config);
    if rules.groups.is_empty()
        && let Some(packing) = algorithm(text(own, "quant_algo"), own)
    {
        rules.groups.push((every(), packing));
    }
    rules
}

/// The packings of single layers (`quantized_layers`), sorted by name.
fn own_algorithms(config: &Object) -> Vec<(&str, Option<Packing>)> {
    let layers = inner(config)
        .get("quantized_layers")
        .and_then(Value::as_object);
    let mut own: Vec<(&str, Option<Packing>)> = layers
        .into_iter()
        .flatten()
        .filter_map(|(name, object)| {
            let object = object.as_object()?;
            let packing = algorithm(text(object, "quant_algo"), object);
            Some((without_prefix(name), packing))
        })
        .collect();
    own.sort_unstable_by_key(|(name, _)| *name);
    own
}

/// The packing of an algorithm by ModelOpt's name.
fn algorithm(name: Option<&str>, object: &Object) -> Option<Packing> {
    let fp8 = |scale, static_input| {
        Packing::Fp8(Fp8 {
            scale,
            static_input,
        })
    };
    Some(match name? {
        "FP8" => fp8(ScaleOf::Tensor, true),
        "FP8_PER_CHANNEL_PER_TOKEN" => fp8(ScaleOf::Channel, false),
        "FP8_PB_WO" | "FP8_PB_REAL" => fp8(
            ScaleOf::Block {
                rows: 128,
                columns: 128,
            },
            false,
        ),
        "NVFP4" | "NVFP4_AWQ" => Packing::Nvfp4(Nvfp4 { static_input: true }),
        "W4A16_NVFP4" | "W4A8_NVFP4_FP8" => Packing::Nvfp4(Nvfp4 {
            static_input: false,
        }),
        "MXFP4" | "W4A8_MXFP4_FP8" => Packing::Mxfp4(Mxfp4),
        "MXFP8" => Packing::Mxfp8(Mxfp8),
        "W4A16_AWQ" | "W4A8_AWQ" | "INT4_AWQ" => Packing::PackedIntegers(PackedIntegers {
            bits: 4,
            group_size: group_size(object).or(Some(128)),
            symmetric: true,
            act_order: false,
        }),
        "W8A16" | "W8A8_SQ_PER_CHANNEL" | "INT8" => Packing::ScaledInt8(ScaledInt8 {
            per_channel: true,
            static_input: false,
        }),
        _ => return None,
    })
}

fn bits_and_bytes(config: &Object) -> Rules<'_> {
    let packing = if flag(config, "load_in_4bit") || flag(config, "_load_in_4bit") {
        Packing::Nf4(Nf4 {
            double_quant: flag(config, "bnb_4bit_use_double_quant"),
        })
    } else {
        Packing::Int8(Int8)
    };
    Rules {
        ignored: ignored(config),
        groups: vec![(every(), packing)],
        ..Rules::default()
    }
}

fn hqq(config: &Object) -> Option<Rules<'_>> {
    let read = |object: &Object| {
        let own = object.get("weight_quant_params").and_then(Value::as_object);
        let own = own.unwrap_or(object);
        Some(Packing::Hqq(Hqq {
            bits: number(own, "nbits")?,
            group_size: group_size(own),
        }))
    };
    let object = config.get("quant_config").and_then(Value::as_object);
    let object = object.unwrap_or(config);
    let mut rules = Rules {
        ignored: ignored(config),
        ..Rules::default()
    };
    match read(object) {
        Some(packing) => rules.groups.push((every(), packing)),
        None => {
            for (name, own) in object {
                let packing = read(own.as_object()?)?;
                let patterns = Patterns::new(core::iter::once(name.as_str()));
                rules.groups.push((patterns, packing));
            }
        }
    }
    Some(rules)
}

fn exllama<'a>(method: &Method, config: &'a Object) -> Option<Rules<'a>> {
    let named = |field: &str| {
        let bits = config.get(field)?.as_number()?.to_string();
        // Thousandths are as fine as it needs to be.
        let end = bits
            .find('.')
            .map_or(bits.len(), |dot| (dot + 4).min(bits.len()));
        Packing::from_name(&format!("{}-{}", method.name(), bits.get(..end)?))
    };
    Some(Rules {
        groups: vec![(every(), named("bits")?)],
        head: named("head_bits").or_else(|| named("lm_head_bits")),
        ignored: ignored(config),
        ..Rules::default()
    })
}
