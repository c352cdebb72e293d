//! What drafts tokens: a context of its own with as many tokens as the model's.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Additions, Draft, sum};
use crate::engine::llama_cpp::placement::{Place, Placement};
use crate::engine::llama_cpp::profile::LlamaServer;
use crate::engine::llama_cpp::weights::allocated_bytes;
use crate::engine::llama_cpp::{Held, LlamaCpp, Prepared, SplitMode, estimate, refusal};
use crate::engine::{BesidePlan, DevicePlan, EngineError, Figure, Plan, Planner};
use crate::gpu::Device;
use crate::model::{Layer, Model, Tensor};

/// A context beside the model's own.
pub(super) struct Context<'a> {
    /// What it is, for the explanation.
    pub(super) name: String,
    prepared: Prepared<'a>,
    /// Bytes on GPUs of the tensors of the model's own prediction layers, which its own plan
    /// holds, where the context is theirs.
    prediction: Option<u64>,
}

impl<'a> Context<'a> {
    /// A draft model: on the same GPUs, with a cache type and a number of layers of its own.
    pub(super) fn draft(
        settings: &LlamaCpp,
        draft: &Draft,
        devices: &[Device],
    ) -> Result<Self, EngineError> {
        let settings = LlamaCpp {
            gpu_layers: draft.gpu_layers,
            ..own(settings)
        };
        refusal::check(&settings, &draft.model)?;
        let model = Held::Shared(Arc::clone(&draft.model));
        Ok(Self {
            name: format!("--model-draft {}", draft.model.name),
            prepared: Prepared::held(&settings, model, devices)?,
            prediction: None,
        })
    }

    /// The model's prediction layers, on the GPU of the first of them.
    pub(super) fn prediction(
        settings: &LlamaCpp,
        model: &Model,
        placement: &Placement,
        devices: &[Device],
    ) -> Result<Self, EngineError> {
        let (first, alone) =
            prediction_layers(model).ok_or_else(|| EngineError::NoPredictionLayers {
                model: model.name.clone(),
            })?;
        let mut settings = own(settings);
        let mut weights = 0;
        match placement.layer(first) {
            Place::Gpu(gpu) => {
                settings.split_mode = SplitMode::None;
                settings.main_gpu = gpu;
                settings.gpu_layers = None;
                let place = Place::Gpu(gpu);
                let own = |tensor: &&Tensor| tensor.block().is_some_and(|block| block >= first);
                weights = model
                    .tensors
                    .iter()
                    .filter(own)
                    .map(|tensor| allocated_bytes(tensor, place))
                    .fold(0, u64::saturating_add);
            }
            Place::Host => settings.gpu_layers = Some(0),
        }
        refusal::check(&settings, &alone)?;
        Ok(Self {
            name: "--spec-type draft-mtp".into(),
            prepared: Prepared::held(&settings, Held::Shared(Arc::new(alone)), devices)?,
            prediction: Some(weights),
        })
    }

    /// What it shows as its own of a plan with this context.
    pub(super) fn share(&self, context_length: u64) -> Option<BesidePlan> {
        let own = self.plan(context_length).ok()?;
        let of = |figure: fn(&DevicePlan) -> Figure| {
            let devices = own.devices.iter();
            devices.fold(Figure::exact(0), |all, device| sum(all, figure(device)))
        };
        Some(BesidePlan {
            name: self.name.clone(),
            weights: match &self.prediction {
                Some(weights) => Figure::exact(*weights),
                None => of(|device| device.weights),
            },
            kv_cache: of(|device| device.kv_cache),
            compute: of(|device| device.compute),
            source: "llama.cpp common/speculative.cpp",
        })
    }

    /// The memory that it takes beside a model with this context.
    pub(super) fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let mut plan = self.prepared.plan(context_length)?;
        if self.prediction.is_some() {
            plan.host.weights = 0;
            for device in &mut plan.devices {
                device.weights = Figure::exact(0);
                // Without what brings its inputs together the graph is not the engine's.
                if device.compute.bytes > 0 && !self.prepared.output.predicts() {
                    device.compute.basis = estimate(500, 500);
                }
            }
        }
        Ok(plan)
    }
}

/// The model's settings for what drafts: one row of logits a sequence, nothing sent elsewhere.
fn own(settings: &LlamaCpp) -> LlamaCpp {
    LlamaCpp {
        profile: &LlamaServer,
        cache_type_k: settings.additions.cache_type_k,
        cache_type_v: settings.additions.cache_type_v,
        cpu_moe_layers: 0,
        tensor_overrides: Vec::new(),
        outputs_max: Some(settings.parallel.max(1)),
        additions: Additions::default(),
        ..settings.clone()
    }
}

/// The index of the first prediction layer, and those layers as a model of their own; `None`
/// where there are none.
fn prediction_layers(model: &Model) -> Option<(usize, Model)> {
    let predicts = |layer: &Layer| layer.next_token_prediction;
    let first = model.layers.iter().position(predicts)?;
    let layers = model
        .layers
        .iter()
        .skip(first)
        .filter(|layer| predicts(layer));
    let layers = layers.map(|layer| Layer {
        next_token_prediction: false,
        // It attends to every token, where the model's own layers choose some.
        indexer: None,
        ..layer.clone()
    });
    let renamed = |tensor: &Tensor| {
        let mut tensor = tensor.clone();
        if let Some(block) = tensor.block() {
            let rest = tensor.name.splitn(3, '.').nth(2)?;
            tensor.name = format!("blk.{}.{rest}", block.checked_sub(first)?);
        }
        Some(tensor)
    };
    Some((
        first,
        Model {
            layers: layers.collect(),
            tensors: model.tensors.iter().filter_map(renamed).collect(),
            name: model.name.clone(),
            architecture: model.architecture.clone(),
            weights_format: model.weights_format.clone(),
            quantization: None,
            ..*model
        },
    ))
}
