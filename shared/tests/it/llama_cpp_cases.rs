//! The measured cases of llama.cpp, parsed. Their fields are told in `tests/data/llama_cpp`.

use std::collections::BTreeMap;

use regex_lite::Regex;
use shared::engine::llama_cpp::{
    Additions, FlashAttention, LlamaCpp, SplitMode, TensorOverride, Version,
};
use shared::gpu::Device;
use shared::model::Model;
use shared::quant::TensorType;

use crate::data;

/// One case: what was asked of llama.cpp and what it did.
#[derive(Debug)]
pub struct Case {
    pub line: String,
    pub model: String,
    pub file_type: String,
    pub version: Version,
    pub backend: String,
    pub part: String,
    pub context: u64,
    pub settings: BTreeMap<String, String>,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    /// llama.cpp's own words.
    Refused(String),
    Planned(Planned),
}

/// Bytes, by buffer.
#[derive(Debug, Default)]
pub struct Planned {
    pub buffers: BTreeMap<String, Buffers>,
    pub output: u64,
    pub cells: u64,
    pub streams: u64,
    pub window_cells: u64,
    pub n_ctx: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Buffers {
    pub weights: u64,
    pub context: u64,
    pub compute: u64,
}

impl Planned {
    /// All buffers in host memory together.
    pub fn host(&self) -> Buffers {
        self.buffers.iter().filter(|(name, _)| !is_gpu(name)).fold(
            Buffers::default(),
            |sum, (_, buffers)| Buffers {
                weights: sum.weights + buffers.weights,
                context: sum.context + buffers.context,
                compute: sum.compute + buffers.compute,
            },
        )
    }

    /// The buffers of one GPU.
    pub fn gpu(&self, index: usize) -> Buffers {
        let gpu = |prefix: &str| self.buffers.get(&format!("{prefix}{index}")).copied();
        gpu("CUDA").or_else(|| gpu("Vulkan")).unwrap_or_default()
    }
}

fn is_gpu(name: &str) -> bool {
    name.ends_with(|c: char| c.is_ascii_digit())
}

/// Every measured case of a real model.
pub fn all() -> Vec<Case> {
    read("llama_cpp/cases.tsv.gz")
}

/// A few cases of every architecture, on models cut down to a few layers.
pub fn architectures() -> Vec<Case> {
    read("llama_cpp/architectures.tsv.gz")
}

/// Settings drawn at random, on models of every kind.
pub fn random() -> Vec<Case> {
    read("llama_cpp/random.tsv.gz")
}

/// Models with prediction layers that draft, cut down to a few layers: both contexts together.
pub fn predictions() -> Vec<Case> {
    read("llama_cpp/predictions.tsv.gz")
}

fn read(path: &str) -> Vec<Case> {
    let text = String::from_utf8(data::gunzip(path)).unwrap();
    text.lines().map(parse).collect()
}

fn parse(line: &str) -> Case {
    let fields: Vec<&str> = line.split('\t').collect();
    let [
        model,
        file_type,
        version,
        backend,
        part,
        context,
        settings,
        outcome,
    ] = fields[..]
    else {
        panic!("not eight fields: {line}");
    };
    let settings = settings
        .split(';')
        .filter_map(|setting| setting.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    Case {
        line: line.into(),
        model: model.into(),
        file_type: file_type.into(),
        version: Version::from_name(version).unwrap(),
        backend: backend.into(),
        part: part.into(),
        context: context.parse().unwrap(),
        settings,
        outcome: match outcome.strip_prefix("error:") {
            Some(reason) => Outcome::Refused(reason.into()),
            None => Outcome::Planned(planned(outcome)),
        },
    }
}

fn planned(text: &str) -> Planned {
    let mut planned = Planned::default();
    for (name, value) in text.split(';').map(|field| field.split_once('=').unwrap()) {
        let numbers: Vec<u64> = value
            .split(',')
            .map(|number| number.parse().unwrap())
            .collect();
        match (name, numbers.as_slice()) {
            ("output", &[output]) => planned.output = output,
            ("n_ctx", &[n_ctx]) => planned.n_ctx = n_ctx,
            ("mem", &[cells, streams, window_cells]) => {
                planned.cells = cells;
                planned.streams = streams;
                planned.window_cells = window_cells;
            }
            (_, &[weights, context, compute]) => {
                planned.buffers.insert(
                    name.into(),
                    Buffers {
                        weights,
                        context,
                        compute,
                    },
                );
            }
            _ => panic!("unknown field {name}={value}"),
        }
    }
    planned
}

impl Case {
    /// GPUs of the machine measured on.
    pub fn gpus(&self) -> usize {
        if self.part == "dual" { 2 } else { 1 }
    }

    /// The GPUs of a case that says how much of each is free and of which generation they are.
    pub fn devices(&self) -> Vec<Device> {
        let capability: u32 = self.settings["cc"].parse().unwrap();
        let free = self.settings["devices"].split(',').enumerate();
        free.map(|(index, free)| Device {
            compute_capability: Some((capability / 100, capability % 100 / 10)),
            ..Device::with_free(format!("CUDA{index}"), free.parse().unwrap())
        })
        .collect()
    }

    /// Whether all that the case sets is a setting of ours: not weights in host memory that is not
    /// pinned, which GPUs do not copy from, nor results for embeddings.
    pub fn has_known_settings(&self) -> bool {
        let unpinned = match &self.outcome {
            Outcome::Planned(planned) => planned.buffers.get("CPU").copied().unwrap_or_default(),
            Outcome::Refused(_) => Buffers::default(),
        };
        unpinned.weights == 0 && !self.settings.contains_key("embeddings")
    }

    /// The settings as ours.
    pub fn engine(&self, model: &Model) -> LlamaCpp {
        let text = |name: &str| self.settings.get(name).map(String::as_str);
        let number = |name: &str| text(name).map(|value| value.parse::<i64>().unwrap());
        let positive = |name: &str| number(name).map(|value| u64::try_from(value).unwrap());
        let flag = |name: &str| number(name).is_some_and(|value| value != 0);
        let cache_type = |name: &str| text(name).map(|value| TensorType::from_name(value).unwrap());
        let defaults = LlamaCpp::default();
        LlamaCpp {
            version: self.version,
            cache_type_k: cache_type("type_k").unwrap_or(defaults.cache_type_k),
            cache_type_v: cache_type("type_v").unwrap_or(defaults.cache_type_v),
            flash_attention: match text("fa") {
                Some("off") => FlashAttention::Off,
                Some("auto") => FlashAttention::Auto,
                _ => FlashAttention::On,
            },
            batch_size: positive("n_batch").unwrap_or(2048),
            ubatch_size: positive("n_ubatch").unwrap_or(512),
            parallel: positive("n_parallel").unwrap_or(1),
            kv_unified: flag("kv_unified"),
            swa_full: flag("swa_full"),
            gpu_layers: number("ngl").and_then(|layers| u64::try_from(layers).ok()),
            // -1: all of them.
            cpu_moe_layers: number("n_cpu_moe")
                .map_or(0, |layers| u64::try_from(layers).unwrap_or(10_000)),
            tensor_overrides: text("ot")
                .map(|given| tensor_override(given, model))
                .into_iter()
                .collect(),
            tensor_split: text("tensor_split")
                .map(|split| {
                    split
                        .split(',')
                        .map(|share| share.parse().unwrap())
                        .collect()
                })
                .unwrap_or_default(),
            split_mode: if number("split_mode") == Some(0) {
                SplitMode::None
            } else {
                SplitMode::Layer
            },
            main_gpu: positive("main_gpu").map_or(0, |gpu| usize::try_from(gpu).unwrap()),
            kv_offload: !flag("no_kv_offload"),
            op_offload: !flag("no_op_offload"),
            outputs_max: match positive("draft_tokens") {
                Some(_) => None,
                None => Some(positive("n_outputs_max").unwrap_or(0)),
            },
            additions: Additions {
                prediction: positive("draft_tokens").is_some(),
                draft_tokens: positive("draft_tokens").unwrap_or(defaults.additions.draft_tokens),
                ..defaults.additions
            },
            ..defaults
        }
    }
}

fn tensor_override(given: &str, model: &Model) -> TensorOverride {
    let (pattern, buffer) = given.rsplit_once('=').unwrap();
    let regex = Regex::new(pattern).unwrap();
    TensorOverride::resolve(pattern, buffer, model, |name| regex.is_match(name))
}
