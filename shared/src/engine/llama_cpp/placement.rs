//! Which device each layer and each tensor goes to.
//!
//! Source: llama.cpp 0.5.0 and 0.6.0, `llama-model.cpp` (`load_tensors`) and
//! `llama-model-loader.cpp` (`create_tensor`); equal to the engine in every measured case.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::profile::decimal;
use super::settings::{LlamaCpp, SplitMode};
use crate::engine::EngineError;
use crate::gpu::Device;
use crate::model::{Layer, Model, RecurrentState, Span, Tensor};

/// A place for tensors: one of the GPUs, or host memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// The GPU of this index.
    Gpu(usize),
    /// Host memory.
    Host,
}

/// The place of every layer, the output "layer" last, and of tensors sent elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    layers: Vec<Place>,
    /// Places of tensors sent elsewhere, first match first.
    overrides: Vec<(BTreeSet<String>, Place)>,
    /// First layers whose experts stay on the host.
    cpu_moe_layers: usize,
    /// Layers on GPUs, the output layer counted.
    pub(super) offloaded: usize,
    /// Whether prediction layers are loaded.
    predicts: bool,
    /// The first GPU that is in use.
    first: usize,
    /// Compute capability of each GPU, where known.
    capabilities: Vec<Option<(u32, u32)>>,
}

impl LlamaCpp {
    /// The first GPU that is in use.
    fn first_gpu(&self) -> usize {
        match self.split_mode {
            SplitMode::Layer => 0,
            SplitMode::None => self.main_gpu,
        }
    }

    /// The GPU that large batches of what lies on the host are computed on.
    pub(super) fn offload_to(&self) -> Option<Place> {
        self.op_offload.then_some(Place::Gpu(self.first_gpu()))
    }
}

/// A tensor and where it lies.
#[derive(Debug)]
pub(super) struct Located<'a> {
    pub(super) tensor: &'a Tensor,
    /// The block that the name places it in.
    pub(super) block: Option<usize>,
    /// The name, in a block what follows `blk.N.`.
    pub(super) name: &'a str,
    /// Where an override sends it.
    pub(super) overridden: Option<Place>,
    /// Where its copies lie.
    pub(super) copies: Copies,
}

impl Located<'_> {
    /// A table of RoPE factors.
    pub(super) fn is_rope_table(&self) -> bool {
        (self.block.is_none() || self.name.starts_with("rope_f")) && self.tensor.is_rope_table()
    }
}

/// Places of a tensor's copies, of which there is nearly always one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Copies {
    first: Option<Place>,
    others: Vec<Place>,
}

impl Copies {
    fn one(place: Place) -> Self {
        Self {
            first: Some(place),
            others: Vec::new(),
        }
    }

    fn two(first: Place, second: Place) -> Self {
        Self {
            first: Some(first),
            others: Vec::from([second]),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Place> {
        self.first.into_iter().chain(self.others.iter().copied())
    }

    /// Where the first copy lies.
    pub(super) fn first(&self) -> Option<Place> {
        self.first
    }

    /// Where the last copy lies.
    pub(super) fn last(&self) -> Option<Place> {
        self.others.last().copied().or(self.first)
    }
}

impl FromIterator<Place> for Copies {
    fn from_iter<T: IntoIterator<Item = Place>>(places: T) -> Self {
        let mut places = places.into_iter();
        Self {
            first: places.next(),
            others: places.collect(),
        }
    }
}

impl Placement {
    /// Distributes the layers of `model` over `devices`.
    pub(super) fn new(
        settings: &LlamaCpp,
        model: &Model,
        devices: &[Device],
    ) -> Result<Self, EngineError> {
        if devices.is_empty() {
            return Err(EngineError::NoDevice);
        }
        if settings.main_gpu >= devices.len() && settings.split_mode == SplitMode::None {
            return Err(EngineError::InvalidSetting {
                name: "--main-gpu",
                value: settings.main_gpu.to_string(),
                expected: (
                    "指定した GPU の番号(0 から)",
                    "the index of a GPU that was given",
                ),
            });
        }
        // The output layer is offloaded first, then the last repeating layers.
        let units = model.layers.len() + 1;
        let offloaded = settings
            .gpu_layers
            .and_then(|layers| usize::try_from(layers).ok())
            .map_or(units, |layers| layers.min(units));
        let first = units - offloaded;
        let shares = cumulative_shares(settings, devices)?;
        let layers = (0..units)
            .map(|unit| {
                if unit < first {
                    return Place::Host;
                }
                if settings.split_mode == SplitMode::None {
                    return Place::Gpu(settings.main_gpu);
                }
                let fraction = ratio(unit - first, offloaded);
                let device = shares.iter().position(|&share| share > fraction);
                Place::Gpu(device.unwrap_or(devices.len() - 1))
            })
            .collect();
        let overrides = overrides(settings, devices.len())?;
        let cpu_moe_layers = usize::try_from(settings.cpu_moe_layers).unwrap_or(usize::MAX);
        Ok(Self {
            layers,
            overrides,
            cpu_moe_layers,
            offloaded,
            predicts: settings.additions.prediction,
            first: settings.first_gpu(),
            capabilities: devices
                .iter()
                .map(|device| device.compute_capability)
                .collect(),
        })
    }

    /// The place of a block, with its KV cache unless that is kept on the host.
    pub(super) fn layer(&self, index: usize) -> Place {
        self.layers.get(index).copied().unwrap_or(Place::Host)
    }

    /// The compute capability of a GPU, where known; for the host that of the first GPU, which does
    /// its work on large batches.
    pub(super) fn capability(&self, place: Place) -> Option<(u32, u32)> {
        let index = match place {
            Place::Gpu(index) => index,
            Place::Host => self.first,
        };
        self.capabilities.get(index).copied().flatten()
    }

    /// Whether there is more than one GPU, in use or not.
    pub(super) fn has_several_gpus(&self) -> bool {
        self.capabilities.len() > 1
    }

    /// The place of the output norm and the logits.
    pub(super) fn output(&self) -> Place {
        self.layers.last().copied().unwrap_or(Place::Host)
    }

    /// Every tensor where it lies.
    pub(super) fn locate<'a>(&self, model: &'a Model) -> Vec<Located<'a>> {
        let tensors = model.tensors.iter();
        tensors.map(|tensor| self.located(model, tensor)).collect()
    }

    /// One tensor where it lies.
    pub(super) fn located<'a>(&self, model: &Model, tensor: &'a Tensor) -> Located<'a> {
        let (block, name) = match tensor.block_and_rest() {
            Some((block, name)) => (Some(block), name),
            None => (None, tensor.name.as_str()),
        };
        let overridden = self.overridden(tensor, block, name);
        Located {
            tensor,
            block,
            name,
            overridden,
            copies: self.copies(model, tensor, block, name, overridden),
        }
    }

    /// Where an override sends the tensor, if one does.
    fn overridden(&self, tensor: &Tensor, block: Option<usize>, name: &str) -> Option<Place> {
        let named = self
            .overrides
            .iter()
            .find(|(names, _)| names.contains(&tensor.name));
        if let Some(&(_, place)) = named {
            return Some(place);
        }
        (block? < self.cpu_moe_layers && is_expert(name)).then_some(Place::Host)
    }

    /// Whether GPUs hold all but the embeddings.
    pub(super) fn is_all_on_gpus(&self, model: &Model) -> bool {
        self.offloaded > model.layers.len() && !self.has_overrides()
    }

    /// Whether any tensor is sent elsewhere by name.
    pub(super) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty() || self.cpu_moe_layers > 0
    }

    /// Places that hold at least one block that `uses` what is asked for.
    pub(super) fn places_of_layers(
        &self,
        model: &Model,
        uses: impl Fn(&Layer) -> bool,
    ) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for (index, layer) in model.layers.iter().enumerate() {
            let place = self.layer(index);
            if uses(layer)
                && let Err(at) = places.binary_search(&place)
            {
                places.insert(at, place);
            }
        }
        places
    }

    /// Where a tensor's copies lie. Tensors of blocks that are not loaded have none.
    fn copies(
        &self,
        model: &Model,
        tensor: &Tensor,
        block: Option<usize>,
        rest: &str,
        overridden: Option<Place>,
    ) -> Copies {
        let place = |place| overridden.unwrap_or(place);
        if let Some(block) = block {
            return match model.layers.get(block) {
                Some(layer)
                    if layer.next_token_prediction
                        && !self.predicts
                        && !loaded_for_prediction(&model.architecture, rest) =>
                {
                    Copies::default()
                }
                Some(layer) if rest == "ssm_a" && !scans_on_cuda(layer) => {
                    Copies::one(place(Place::Host))
                }
                _ => Copies::one(place(self.layer(block))),
            };
        }
        let stem = rest.split('.').next().unwrap_or_default();
        match stem {
            "token_embd" if multiplies_with_input(&model.architecture) => {
                Copies::one(place(Place::Host))
            }
            "token_embd" if model.tensor("output.weight").is_none() => {
                let (input, output) = (place(Place::Host), place(self.output()));
                if input != output {
                    Copies::two(input, output)
                } else if loads_tied_output_twice(&model.architecture) {
                    Copies::two(input, input)
                } else {
                    Copies::one(input)
                }
            }
            "token_embd_norm" if self.embedding_norm_is_output(model) => {
                Copies::one(place(self.output()))
            }
            "token_embd" | "token_types" | "position_embd" | "per_layer_token_embd" => {
                Copies::one(place(Place::Host))
            }
            "token_embd_norm" | "per_layer_model_proj" | "per_layer_proj_norm" | "hrm" => {
                Copies::one(place(self.layer(0)))
            }
            _ if tensor.is_rope_table() => {
                // Gemma 4 rotates by the table in its full-attention layers only.
                let every = model.architecture != "gemma4";
                let uses = |layer: &Layer| every || layer.attention.span() == Some(Span::Full);
                let mut places: Vec<Place> = self
                    .places_of_layers(model, uses)
                    .into_iter()
                    .map(place)
                    .collect();
                places.dedup();
                places.into_iter().collect()
            }
            _ => Copies::one(place(self.output())),
        }
    }

    /// LFM2 files call their output norm `token_embd_norm`.
    fn embedding_norm_is_output(&self, model: &Model) -> bool {
        matches!(model.architecture.as_str(), "lfm2" | "lfm2moe")
    }
}

/// Whether a tensor of a block that predicts further tokens, `rest` after `blk.N.`, is loaded
/// although the block is not: some architectures mark only some of them to be left out
/// (`models/hy-v3.cpp`, `step35.cpp`, `cohere2moe.cpp`, `deepseek32.cpp`, `glm-dsa.cpp`).
fn loaded_for_prediction(architecture: &str, rest: &str) -> bool {
    let head = [
        "nextn.embed_tokens.",
        "nextn.shared_head_head.",
        "nextn.shared_head_norm.",
    ]
    .iter()
    .any(|name| rest.starts_with(name));
    let network = rest.starts_with("exp_probs_b")
        || (rest.starts_with("ffn_") && !rest.starts_with("ffn_norm"));
    match architecture {
        "hy_v3" => head || network,
        "step35" => {
            head || network
                || ["attn_gate.", "attn_q_norm.", "attn_k_norm.", "rope_"]
                    .iter()
                    .any(|name| rest.starts_with(name))
        }
        "cohere2moe" => head,
        "deepseek32" | "glm-dsa" => rest.starts_with("exp_probs_b"),
        _ => false,
    }
}

/// Whether CUDA has a kernel for the layer's scan: the tensor that only the scan reads stays on
/// the host otherwise (`ggml-cuda.cu`, `supports_op`).
fn scans_on_cuda(layer: &Layer) -> bool {
    match layer.recurrent {
        Some(RecurrentState::Mamba2 {
            inner,
            state,
            heads,
            ..
        }) => {
            let head_dim = inner.checked_div(heads).unwrap_or(0);
            matches!(state, 96 | 128 | 256) && head_dim.is_multiple_of(16)
        }
        Some(RecurrentState::Mamba { inner, state, .. }) => {
            state == 16 && inner.is_multiple_of(128)
        }
        _ => true,
    }
}

/// These multiply with the embeddings where they are looked up, in host memory.
fn multiplies_with_input(architecture: &str) -> bool {
    architecture == "bitnet"
}

/// These load the tied output without looking for the copy that is there already.
fn loads_tied_output_twice(architecture: &str) -> bool {
    matches!(architecture, "gemma3n" | "gemma4")
}

/// Cumulative shares of the devices, the last one 1. The engine computes them in `f32`, so
/// that only `f32` gives its rounding.
fn cumulative_shares(settings: &LlamaCpp, devices: &[Device]) -> Result<Vec<f32>, EngineError> {
    let split = &settings.tensor_split;
    if split.len() > devices.len() || split.iter().any(|share| !share.is_finite() || *share < 0.0) {
        return Err(EngineError::InvalidSetting {
            name: "--tensor-split",
            value: split
                .iter()
                .map(|&share| decimal(share))
                .collect::<Vec<_>>()
                .join(","),
            expected: (
                "GPU ごとに 0 以上の割合を 1 つずつ",
                "one share, 0 or more, for each GPU",
            ),
        });
    }
    let share = |index: usize, device: &Device| -> f32 {
        if split.iter().all(|&share| share == 0.0) {
            #[allow(clippy::cast_precision_loss)]
            let free = device.free as f32;
            free
        } else {
            split.get(index).copied().unwrap_or(0.0)
        }
    };
    let mut sum = 0.0;
    let mut shares: Vec<f32> = devices
        .iter()
        .enumerate()
        .map(|(index, device)| {
            sum += share(index, device);
            sum
        })
        .collect();
    for cumulative in &mut shares {
        *cumulative /= sum;
    }
    Ok(shares)
}

/// `part / whole` as the engine computes it.
fn ratio(part: usize, whole: usize) -> f32 {
    #[allow(clippy::cast_precision_loss)]
    let ratio = part as f32 / whole as f32;
    ratio
}

fn overrides(
    settings: &LlamaCpp,
    device_count: usize,
) -> Result<Vec<(BTreeSet<String>, Place)>, EngineError> {
    let place = |buffer: &str| match buffer {
        "CPU" | "CUDA_Host" => Some(Place::Host),
        buffer => buffer
            .strip_prefix("CUDA")
            .and_then(|index| index.parse().ok())
            .filter(|&index| index < device_count)
            .map(Place::Gpu),
    };
    settings
        .tensor_overrides
        .iter()
        .map(|given| match place(&given.buffer) {
            Some(place) => Ok((given.tensors.clone(), place)),
            None => Err(EngineError::InvalidSetting {
                name: "--override-tensor",
                value: given.buffer.clone(),
                expected: (
                    "= の後は CPU か、CUDA0、CUDA1 など指定した GPU",
                    "CPU or CUDA0, CUDA1, … after the =",
                ),
            }),
        })
        .collect()
}

/// Whether `--n-cpu-moe` keeps the tensor of this name in its block on the CPU: the engine's own
/// pattern is `blk\.N\.ffn_(up|down|gate|gate_up)_(ch|)exps`.
fn is_expert(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("ffn_") else {
        return false;
    };
    ["up_", "down_", "gate_up_", "gate_"].iter().any(|part| {
        rest.strip_prefix(part)
            .is_some_and(|rest| rest.starts_with("exps") || rest.starts_with("chexps"))
    })
}
