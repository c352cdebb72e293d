//! Ollama.
//!
//! Source: Ollama 0.34, which runs llama-server (llama.cpp b10864): `llm/llama_server.go`
//! (`startLlamaServer`, `hasMTPDraft`, `mmprojFitTargetMiB`), `llm/server.go` (`NewLlamaServer`,
//! `PredictServerVRAM`), `server/sched.go` (`automaticGenerationBatch`,
//! `selectLlamaServerPlacement`), `api/types.go` (`DefaultOptions`), `docs/faq.mdx`.
//! Its own engine for GGUF files was removed before; versions that still have it plan by other
//! rules.
//!
//! The batch and the GPUs follow from the context: both go by a rough prediction of the memory,
//! the file and an f16 cache of every layer, held against what is free.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::OnceCell;

use super::words::{is_path, quote};
use super::{Profile, one_batch, one_type, with_own_build};
use crate::engine::llama_cpp::{
    Additions, CONTEXT_LIMIT, FlashAttention, LlamaCpp, Prepared, SplitMode,
};
use crate::engine::{DevicePlan, EngineError, Explanation, Figure, Plan, Planner};
use crate::gpu::Device;
use crate::model::{Attention, Model, Vision};
use crate::quant::TensorType;

/// Ollama.
#[derive(Debug)]
pub struct Ollama;

const TAKES: &[&str] = &[
    "--cache-type-k",
    "--cache-type-v",
    "--flash-attn",
    "--batch-size",
    "--ubatch-size",
    "--parallel",
    "--n-gpu-layers",
    "--split-mode",
    "--main-gpu",
];

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// llama-server's fit, which Ollama leaves the layers to, keeps this much free on each GPU
/// (`--fit-target`).
const FIT_TARGET: u64 = GIB;

/// Tokens that prediction layers draft (`draft_num_predict`).
const DRAFT_TOKENS: u64 = 4;

/// Batches that are chosen automatically.
const BATCHES: [u64; 4] = [256, 512, 1024, 2048];

impl Profile for Ollama {
    fn name(&self) -> &'static str {
        "ollama"
    }

    fn label(&self) -> &'static str {
        "Ollama"
    }

    fn version(&self) -> Option<&'static str> {
        Some("0.34")
    }

    fn defaults(&self) -> LlamaCpp {
        LlamaCpp {
            automatic_batch: true,
            // It runs llama-server.
            outputs_max: None,
            ..with_own_build(&Self)
        }
    }

    fn takes(&self) -> &'static [&'static str] {
        TAKES
    }

    fn check(&self, settings: &LlamaCpp) -> Result<(), EngineError> {
        one_type(settings)?;
        one_batch(settings)
    }

    fn has_one_batch_size(&self) -> bool {
        true
    }

    /// `num_ctx`, which each sequence gets, is cut to what the model was trained for.
    fn context_limit(&self, settings: &LlamaCpp, model: &Model) -> u64 {
        let trained = model.trained_context_length.filter(|&trained| trained > 0);
        trained.map_or(CONTEXT_LIMIT, |trained| {
            trained
                .saturating_mul(settings.parallel.max(1))
                .min(CONTEXT_LIMIT)
        })
    }

    /// Layers that predict draft, and the encoder of images is loaded with the model.
    fn with_additions(&self, settings: &LlamaCpp, model: &Model) -> Option<LlamaCpp> {
        let predicts = model.layers.iter().any(|layer| layer.next_token_prediction);
        let projector = model.vision.as_ref().and_then(Vision::projector);
        if !predicts && projector.is_none() {
            return None;
        }
        let mut settings = settings.clone();
        settings.additions.prediction = predicts;
        settings.additions.draft_tokens = DRAFT_TOKENS;
        settings.additions.projector =
            projector.map(|own| (Additions::OWN_PROJECTOR.into(), Arc::new(own)));
        // Where not every layer is on the GPUs, neither is the encoder.
        let whole = model.layers.len() as u64 + 1;
        settings.additions.projector_offload =
            settings.gpu_layers.is_none_or(|layers| layers >= whole);
        Some(settings)
    }

    fn loads_projectors(&self) -> bool {
        true
    }

    /// The encoder's weights are left free besides, though llama-server counts them itself.
    fn reserve(&self, settings: &LlamaCpp) -> u64 {
        // With `num_gpu` given, nothing is fitted.
        if settings.gpu_layers.is_some() {
            return 0;
        }
        let weights = settings.additions.projector.as_ref().map_or(0, |(_, own)| {
            own.tensors
                .iter()
                .fold(0, |sum: u64, tensor| sum.saturating_add(tensor.bytes()))
        });
        FIT_TARGET.saturating_add(weights)
    }

    fn is_measured(&self) -> bool {
        false
    }

    fn prepare<'a>(
        &self,
        settings: &LlamaCpp,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Box<dyn Planner + 'a>, EngineError> {
        let mut settings = settings.clone();
        // Xavier's GPU is the one that flash attention is never used on.
        let unsupported = |device: &Device| device.compute_capability == Some((7, 2));
        if settings.flash_attention == FlashAttention::Auto && devices.iter().any(unsupported) {
            settings.flash_attention = FlashAttention::Off;
        }
        let planner = ByContext {
            prediction: Prediction::new(model),
            settings,
            model,
            devices: devices.to_vec(),
            prepared: Default::default(),
        };
        // What is refused at one context is refused at all.
        planner.at(1)?;
        Ok(Box::new(planner))
    }

    fn launch_command(&self, settings: &LlamaCpp, model: &str, context_length: u64) -> String {
        let slots = settings.parallel.max(1);
        let context = context_length / slots;
        let parameters = parameters(settings);
        let mut server = String::new();
        let mut variable = |name: &str, value: &str| {
            server.push_str(name);
            server.push('=');
            server.push_str(value);
            server.push(' ');
        };
        let name = match is_path(model) {
            true if model.starts_with(['/', '.']) || model.contains('\\') => model.to_string(),
            true => format!("./{model}"),
            false if model.contains('/') && !model.contains("hf.co/") => format!("hf.co/{model}"),
            false => model.to_string(),
        };
        let needs_file = is_path(model) || !parameters.is_empty();
        if !needs_file {
            variable("OLLAMA_CONTEXT_LENGTH", &context.to_string());
        }
        if settings.cache_type_k != TensorType::F16 {
            variable("OLLAMA_KV_CACHE_TYPE", settings.cache_type_k.name());
        }
        match settings.flash_attention {
            FlashAttention::On => variable("OLLAMA_FLASH_ATTENTION", "1"),
            FlashAttention::Off => variable("OLLAMA_FLASH_ATTENTION", "0"),
            FlashAttention::Auto => {}
        }
        if slots > 1 {
            variable("OLLAMA_NUM_PARALLEL", &slots.to_string());
        }
        if !needs_file {
            return format!("{server}ollama serve\nollama run {}", quote(&name));
        }
        let own = own_name(model, context);
        // Names with spaces are read back in quotes.
        let name = match name.contains(' ') {
            true => format!("\"{name}\""),
            false => name,
        };
        let mut file = format!("FROM {name}\\nPARAMETER num_ctx {context}\\n");
        for (parameter, value) in parameters {
            file.push_str(&format!("PARAMETER {parameter} {value}\\n"));
        }
        let serve = if server.is_empty() {
            String::new()
        } else {
            format!("{server}ollama serve\n")
        };
        format!(
            "{serve}printf {} > Modelfile\nollama create {own} -f Modelfile && ollama run {own}",
            quote(&file)
        )
    }
}

/// Settings that Ollama takes with a model rather than from its environment.
fn parameters(settings: &LlamaCpp) -> Vec<(&'static str, u64)> {
    let mut parameters = Vec::new();
    if !settings.automatic_batch {
        parameters.push(("num_batch", settings.ubatch_size));
    }
    if let Some(layers) = settings.gpu_layers {
        parameters.push(("num_gpu", layers));
    }
    if settings.split_mode == SplitMode::None {
        parameters.push(("main_gpu", settings.main_gpu as u64));
    }
    parameters
}

/// A name for the model with settings of its own: letters, digits, dashes, the first no dash.
fn own_name(model: &str, context: u64) -> String {
    let file = model.rsplit(['/', '\\']).next().unwrap_or(model);
    let stem = file.trim_end_matches(".gguf");
    let name: String = stem
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '.' => c.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
    match name.trim_matches(['-', '.']) {
        "" => format!("model-{context}"),
        name => format!("{name}-{context}"),
    }
}

/// What Ollama takes a model to need before it is loaded.
struct Prediction {
    /// Bytes of the file.
    file: u64,
    /// Bytes of cache for a token.
    token: u64,
}

impl Prediction {
    fn new(model: &Model) -> Self {
        let heads = model.layers.iter().map(|layer| match layer.attention {
            Attention::None => (0, 0),
            Attention::Heads(heads) => (heads.kv_heads, heads.query_heads),
            // The file says one head: the latent.
            Attention::Latent(latent) => (1, latent.query_heads),
        });
        let kv_heads = heads.clone().map(|(kv, _)| kv).min().unwrap_or(0).max(1);
        let query_heads = heads.map(|(_, query)| query).max().unwrap_or(0);
        let head_dim = model.embedding_length.checked_div(query_heads).unwrap_or(0);
        Self {
            file: model.weights_bytes(),
            token: [4, model.layers.len() as u64, kv_heads, head_dim]
                .iter()
                .fold(1, |product: u64, &factor| product.saturating_mul(factor)),
        }
    }

    fn bytes(&self, context: u64) -> u64 {
        self.file.saturating_add(self.token.saturating_mul(context))
    }
}

/// A planner for each batch that the context may lead to, on one GPU and on all.
struct ByContext<'a> {
    settings: LlamaCpp,
    model: &'a Model,
    devices: Vec<Device>,
    prediction: Prediction,
    prepared: [[OnceCell<Result<Prepared<'a>, EngineError>>; BATCHES.len() + 1]; 2],
}

impl<'a> ByContext<'a> {
    /// The GPU that everything goes to, where one alone is predicted to have the room: of those
    /// that do, the one with the most.
    fn only_gpu(&self, predicted: u64) -> Option<usize> {
        if self.devices.len() < 2 || self.settings.gpu_layers == Some(0) {
            return None;
        }
        if self.settings.split_mode == SplitMode::None {
            return (self.settings.main_gpu < self.devices.len()).then_some(self.settings.main_gpu);
        }
        let (index, device) = self
            .devices
            .iter()
            .enumerate()
            .rev()
            .max_by_key(|(_, device)| device.free)?;
        (predicted <= percent(device.free, 80)).then_some(index)
    }

    /// Which of [`BATCHES`] is used; `None` for the one that was given.
    fn batch(&self, context: u64, predicted: u64, devices: &[Device]) -> Option<usize> {
        if !self.settings.automatic_batch {
            return None;
        }
        if !self.settings.uses_flash_attention() {
            let small = devices.iter().any(|device| {
                let memory = device
                    .total
                    .map_or(device.free, |total| total.min(device.free));
                memory <= 8 * GIB
            });
            return Some(usize::from(!(small && context > 4_096)));
        }
        let available = devices
            .iter()
            .fold(0_u64, |sum, device| sum.saturating_add(device.free));
        let fits = |share, surcharge| {
            predicted <= percent(available, share)
                && predicted.saturating_add(surcharge) <= percent(available, 80)
        };
        Some(match context {
            32_769.. if fits(60, 2 * GIB) => 3,
            4_097.. if fits(75, 768 * MIB) => 2,
            _ => 1,
        })
    }

    /// The planner for this context, and the GPU that it alone uses.
    fn at(&self, context: u64) -> Result<(&Prepared<'a>, Option<usize>), EngineError> {
        let trained = Ollama.context_limit(&self.settings, self.model);
        let context = context.min(trained);
        let predicted = self.prediction.bytes(context);
        let only = self.only_gpu(predicted);
        let devices = match only.and_then(|index| self.devices.get(index)) {
            Some(device) => core::slice::from_ref(device),
            None => self.devices.as_slice(),
        };
        let batch = self.batch(context, predicted, devices);
        let row = usize::from(only.is_some());
        let cell = &self.prepared[row][batch.unwrap_or(BATCHES.len())];
        let prepared = cell.get_or_init(|| {
            let mut settings = self.settings.clone();
            if let Some(&tokens) = batch.and_then(|batch| BATCHES.get(batch)) {
                settings.batch_size = tokens;
                settings.ubatch_size = tokens;
            }
            if only.is_some() {
                settings.split_mode = SplitMode::None;
                settings.main_gpu = 0;
            }
            Prepared::new(&settings, self.model, devices)
        });
        match prepared {
            Ok(prepared) => Ok((prepared, only)),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Planner for ByContext<'_> {
    fn context_step(&self) -> u64 {
        self.settings.context_step()
    }

    fn context_limit(&self) -> u64 {
        Ollama.context_limit(&self.settings, self.model)
    }

    fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let (prepared, only) = self.at(context_length)?;
        let mut plan = prepared.plan(context_length)?;
        if let Some(index) = only {
            // The others are hidden from llama-server.
            let used = plan.devices.pop();
            plan.devices = self.devices.iter().map(unused).collect();
            if let (Some(place), Some(used)) = (plan.devices.get_mut(index), used) {
                *place = used;
            }
        }
        Ok(plan)
    }

    fn explain(&self, plan: &Plan) -> Vec<Explanation> {
        match self.at(plan.context_length) {
            Ok((prepared, _)) => prepared.explain(plan),
            Err(_) => Vec::new(),
        }
    }
}

fn unused(device: &Device) -> DevicePlan {
    let nothing = Figure::exact(0);
    DevicePlan {
        name: device.name.clone(),
        weights: nothing,
        kv_cache: nothing,
        recurrent_state: nothing,
        compute: nothing,
        start_overhead: nothing,
        growth: nothing,
        cache_allowance: None,
    }
}

fn percent(bytes: u64, share: u64) -> u64 {
    bytes / 100 * share + bytes % 100 * share / 100
}
