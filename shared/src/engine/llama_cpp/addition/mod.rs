//! What runs beside the model on the same GPUs: a draft model, multi-token prediction, a
//! projector for images and sound, LoRA adapters.
//!
//! Source: llama.cpp 0.5.0, `common/speculative.cpp` (`common_base_params_to_speculative`,
//! `common_speculative_init_result`, `common_speculative_get_output_limits`),
//! `tools/server/server-context.cpp` (`load_model`), `tools/mtmd/clip.cpp`,
//! `src/llama-adapter.cpp`.

mod adapter;
mod context;
mod projector;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use self::context::Context;
use super::placement::{Place, Placement};
use super::settings::LlamaCpp;
use super::weights::Bytes;
use crate::engine::{
    Basis, BesidePlan, Component, DevicePlan, EngineError, Explanation, Figure, Plan, Planner,
};
use crate::gpu::Device;
use crate::model::{Model, Projector, Tensor};
use crate::quant::TensorType;

/// What runs beside the model. Nothing unless it is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Additions {
    /// A smaller model that drafts tokens (`--model-draft`).
    pub draft: Option<Draft>,
    /// The model's own prediction layers draft (`--spec-type draft-mtp`).
    pub prediction: bool,
    /// Tokens drafted at once (`--spec-draft-n-max`).
    pub draft_tokens: u64,
    /// Type of what drafts' key cache (`--cache-type-k-draft`).
    pub cache_type_k: TensorType,
    /// Type of what drafts' value cache (`--cache-type-v-draft`).
    pub cache_type_v: TensorType,
    /// Encoders of images and sound (`--mmproj`), and the file's name.
    pub projector: Option<(String, Arc<Projector>)>,
    /// Whether those lie on the first GPU (`--no-mmproj-offload` turns it off).
    pub projector_offload: bool,
    /// LoRA adapters (`--lora`): the files' names and tensors.
    pub adapters: Vec<(String, Arc<Vec<Tensor>>)>,
}

/// A model that drafts.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The file's name, for the command line.
    pub file: String,
    /// The model.
    pub model: Arc<Model>,
    /// Layers on the GPUs, the output layer counted (`--n-gpu-layers-draft`); `None` for all.
    pub gpu_layers: Option<u64>,
}

impl Default for Additions {
    fn default() -> Self {
        Self {
            draft: None,
            prediction: false,
            draft_tokens: 3,
            cache_type_k: TensorType::F16,
            cache_type_v: TensorType::F16,
            projector: None,
            projector_offload: true,
            adapters: Vec::new(),
        }
    }
}

impl Additions {
    /// In place of a file's name: the model's own projector, as its configuration tells of it.
    pub const OWN_PROJECTOR: &'static str = "auto";

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !cfg!(feature = "additions")
            || !self.drafts() && self.projector.is_none() && self.adapters.is_empty()
    }

    /// Whether tokens are drafted.
    #[must_use]
    pub fn drafts(&self) -> bool {
        self.draft.is_some() || self.prediction
    }
}

impl LlamaCpp {
    /// The settings of the model itself beside its additions: each sequence gives logits for
    /// what was drafted too.
    pub(super) fn beside_additions(&self) -> Self {
        let mut settings = self.clone();
        if self.additions.drafts() && self.outputs_max.is_none() {
            let rows = self.additions.draft_tokens.saturating_add(1);
            let rows = self.parallel.max(1).saturating_mul(rows);
            settings.outputs_max = Some(rows.min(self.batch_size));
        }
        settings
    }

    /// How often a recurrent state is kept, so that drafted tokens can be taken back
    /// (`n_rs_seq`).
    pub(super) fn state_copies(&self, architecture: &str) -> u64 {
        let takes_back = matches!(
            architecture,
            "kimi-k3"
                | "qwen35"
                | "qwen35moe"
                | "deepseek4"
                | "nemotron_h"
                | "nemotron_h_moe"
                | "lfm2"
                | "lfm2moe"
                | "bailingmoe3"
        );
        match self.additions.prediction && takes_back {
            true => self.additions.draft_tokens.saturating_add(1),
            false => 1,
        }
    }
}

/// Memory that does not depend on the context.
struct Fixed {
    /// What it is, for the explanation.
    name: String,
    weights: Bytes,
    /// How the weights were come by.
    weights_basis: Basis,
    compute: Bytes,
    /// How the compute buffers were come by.
    basis: Basis,
    source: &'static str,
}

/// A model's planner with what runs beside it.
struct Beside<'a> {
    inner: Box<dyn Planner + 'a>,
    contexts: Vec<Context<'a>>,
    fixed: Vec<Fixed>,
}

/// Adds what runs beside the model to what `inner` plans for it.
pub(super) fn beside<'a>(
    settings: &LlamaCpp,
    model: &'a Model,
    devices: &[Device],
    inner: Box<dyn Planner + 'a>,
) -> Result<Box<dyn Planner + 'a>, EngineError> {
    let additions = &settings.additions;
    let placement = Placement::new(settings, model, devices)?;
    let mut contexts = Vec::new();
    if let Some(draft) = &additions.draft {
        contexts.push(Context::draft(settings, draft, devices)?);
    }
    if additions.prediction {
        contexts.push(Context::prediction(settings, model, &placement, devices)?);
    }
    let mut fixed = Vec::new();
    if let Some((name, projector)) = &additions.projector {
        fixed.push(projector::fixed(settings, name, projector, devices.len())?);
    }
    for (name, tensors) in &additions.adapters {
        let gpus = devices.len();
        fixed.push(adapter::fixed(
            settings, model, &placement, name, tensors, gpus,
        )?);
    }
    Ok(Box::new(Beside {
        inner,
        contexts,
        fixed,
    }))
}

impl Planner for Beside<'_> {
    fn context_step(&self) -> u64 {
        self.inner.context_step()
    }

    fn context_limit(&self) -> u64 {
        self.inner.context_limit()
    }

    fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let mut plan = self.inner.plan(context_length)?;
        for context in &self.contexts {
            // What drafts holds as many tokens as the model.
            let own = context.plan(plan.context_length)?;
            for (device, own) in plan.devices.iter_mut().zip(&own.devices) {
                add_device(device, own);
            }
            let host = &mut plan.host;
            for (sum, bytes) in [
                (&mut host.weights, own.host.weights),
                (&mut host.kv_cache, own.host.kv_cache),
                (&mut host.recurrent_state, own.host.recurrent_state),
                (&mut host.compute, own.host.compute),
                (&mut host.output, own.host.output),
            ] {
                *sum = sum.saturating_add(bytes);
            }
        }
        for fixed in &self.fixed {
            for (gpu, device) in plan.devices.iter_mut().enumerate() {
                let bytes = |bytes: &Bytes| bytes.gpus.get(gpu).copied().unwrap_or(0);
                let compute = Figure {
                    bytes: bytes(&fixed.compute),
                    basis: fixed.basis,
                };
                let weights = Figure {
                    bytes: bytes(&fixed.weights),
                    basis: fixed.weights_basis,
                };
                device.weights = sum(device.weights, weights);
                device.compute = sum(device.compute, compute);
            }
            let host = &mut plan.host;
            host.weights = host.weights.saturating_add(fixed.weights.host);
            host.compute = host.compute.saturating_add(fixed.compute.host);
        }
        Ok(plan)
    }

    fn explain(&self, plan: &Plan) -> Vec<Explanation> {
        let mut explanations = match self.inner.plan(plan.context_length) {
            Ok(own) => self.inner.explain(&own),
            Err(_) => self.inner.explain(plan),
        };
        for own in self.beside(plan) {
            let mut arithmetic = Vec::from([own.name]);
            let mut line = |what: &str, figure: Figure| {
                arithmetic.push(alloc::format!("{what}: {} B", figure.bytes));
            };
            line("weights", own.weights);
            if own.kv_cache.bytes > 0 {
                line("KV cache", own.kv_cache);
            }
            line("compute buffer", own.compute);
            explanations.push(Explanation {
                component: Component::Compute,
                arithmetic,
                source: own.source,
                basis: own.compute.basis,
            });
        }
        explanations
    }

    fn beside(&self, plan: &Plan) -> Vec<BesidePlan> {
        let contexts = self.contexts.iter();
        let drafting = contexts.filter_map(|context| context.share(plan.context_length));
        let fixed = self.fixed.iter().map(|fixed| {
            let bytes = |bytes: &Bytes| {
                let gpus = bytes.gpus.iter();
                gpus.fold(0, |sum: u64, &bytes| sum.saturating_add(bytes))
            };
            BesidePlan {
                name: fixed.name.clone(),
                weights: Figure {
                    bytes: bytes(&fixed.weights),
                    basis: fixed.weights_basis,
                },
                kv_cache: Figure::exact(0),
                compute: Figure {
                    bytes: bytes(&fixed.compute),
                    basis: fixed.basis,
                },
                source: fixed.source,
            }
        });
        drafting.chain(fixed).collect()
    }
}

/// Adds what one GPU holds of something else. The CUDA context is there already.
fn add_device(device: &mut DevicePlan, own: &DevicePlan) {
    device.weights = sum(device.weights, own.weights);
    device.kv_cache = sum(device.kv_cache, own.kv_cache);
    device.recurrent_state = sum(device.recurrent_state, own.recurrent_state);
    device.compute = sum(device.compute, own.compute);
    device.growth = sum(device.growth, own.growth);
}

/// The sum, saturating, as certain as the less certain of the two.
fn sum(one: Figure, other: Figure) -> Figure {
    let basis = match (one.basis, other.basis) {
        (basis, _) if other.bytes == 0 => basis,
        (_, basis) if one.bytes == 0 => basis,
        (Basis::Exact, basis) | (basis, Basis::Exact) => basis,
        (
            Basis::Estimate {
                below_permille: below,
                above_permille: above,
            },
            Basis::Estimate {
                below_permille,
                above_permille,
            },
        ) => Basis::Estimate {
            below_permille: below.max(below_permille),
            above_permille: above.max(above_permille),
        },
    };
    Figure {
        bytes: one.bytes.saturating_add(other.bytes),
        basis,
    }
}

/// Where the first copy of a tensor lies.
fn first_place(placement: &Placement, model: &Model, tensor: &Tensor) -> Place {
    let located = placement.located(model, tensor);
    located.copies.first().unwrap_or(Place::Host)
}

#[cfg(test)]
mod tests;
