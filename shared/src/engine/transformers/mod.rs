//! Transformers, and the GPTQ packages that run its modules: GPTQModel and AutoGPTQ.
//!
//! Nothing is set apart: a plan is the peak while a prompt as long as the context passes through
//! the model at once, which is what `generate` does. `kv_cache` is what the cache holds then;
//! `compute` is everything beside it and the weights.

mod element;
mod explain;
mod kernel;
mod launch;
mod layer;
mod overhead;
mod refusal;
mod settings;
#[cfg(test)]
mod tests;
mod transient;
mod weights;

pub use element::FloatType;
pub use kernel::Kernel;
pub use settings::{AttentionImplementation, Cache, Profile, Transformers};

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use self::layer::{Mask, Shape};
use self::transient::Widths;
use self::weights::Placement;
use super::{
    Basis, CacheTypes, Details, DevicePlan, Engine, EngineError, Explanation, Figure, HostPlan,
    Plan, Planner, Precision, Reserve,
};
use crate::gpu::Device;
use crate::model::{Attention, Model, RecurrentState};
use crate::quant::Packing;

/// The longest context: positions are 64-bit numbers, but no model has been made for more.
const CONTEXT_LIMIT: u64 = 1 << 31;

impl Engine for Transformers {
    fn name(&self) -> &'static str {
        self.profile.name()
    }

    fn version(&self) -> &'static str {
        self.profile.version()
    }

    fn cache_types(&self) -> CacheTypes {
        let name = self.cache.name();
        CacheTypes {
            key: name.to_string(),
            value: name.to_string(),
        }
    }

    fn with_precision(&self, precision: Precision) -> Box<dyn Engine> {
        Box::new(self.in_precision(precision))
    }

    fn settled(&self, model: &Model, _: &[Device], _: Reserve) -> Option<Box<dyn Engine>> {
        let packing = model.quantization.as_ref().and_then(|own| own.packing);
        let pack_on_load = packing.filter(|packing| {
            let is_simple = matches!(
                packing,
                Packing::Nf4(_) | Packing::Int8(_) | Packing::Hqq(_)
            );
            is_simple && self.profile == Profile::Transformers
        });
        let settled = Self {
            pack_on_load,
            ..*self
        };
        Some(Box::new(Self {
            float_type: self.float_type.or(FloatType::loaded(&settled, model)),
            ..settled
        }))
    }

    fn prepare<'a>(
        &self,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Box<dyn Planner + 'a>, EngineError> {
        Ok(Box::new(Prepared::new(self, model, devices)?))
    }

    fn launch_command(&self, model: &str, context_length: u64) -> String {
        launch::python(self, model, context_length)
    }
}

/// A model on its GPUs.
struct Prepared<'a> {
    settings: Transformers,
    model: &'a Model,
    attention: AttentionImplementation,
    widths: Widths,
    gpus: Vec<Gpu>,
    /// How close the peaks are.
    peak_basis: Basis,
}

/// What lies on one GPU.
struct Gpu {
    name: String,
    weights: Figure,
    shapes: Vec<(Shape, u64)>,
    kernel: Option<Kernel>,
    /// What the kernel keeps.
    scratch: u64,
    start: Figure,
}

/// Weights on several GPUs: the library cuts where whole modules fit.
const CUT_BASIS: Basis = Basis::Estimate {
    below_permille: 150,
    above_permille: 150,
};
/// Packed weights: kernels lay some of them out anew, and drop zero points and orders.
const PACKED_BASIS: Basis = Basis::Estimate {
    below_permille: 40,
    above_permille: 10,
};
/// Layers whose needs were read in the source and not measured.
const UNMEASURED_BASIS: Basis = Basis::Estimate {
    below_permille: 500,
    above_permille: 250,
};

impl<'a> Prepared<'a> {
    fn new(
        settings: &Transformers,
        model: &'a Model,
        devices: &[Device],
    ) -> Result<Self, EngineError> {
        refusal::check(settings, model)?;
        let attention = refusal::attention(settings, model)?;
        let element = FloatType::of(settings, model).bytes();
        let placement = Placement::new(model, element, devices)?;
        let shapes = layer::shapes(model, element, &placement.layers);
        let weights_basis = match (devices.len(), &model.quantization) {
            (1, None) => Basis::Exact,
            (1, Some(_)) => PACKED_BASIS,
            _ => CUT_BASIS,
        };
        let gpus = devices.iter().enumerate().map(|(index, device)| {
            let bytes = placement.bytes.get(index).copied().unwrap_or(0);
            let kernel = kernel(settings, model, device);
            let tensors = model.tensors.iter().filter(|tensor| {
                let layer = tensor.block().and_then(|block| placement.layers.get(block));
                layer == Some(&index) && weights::is_loaded(model, tensor)
            });
            let scratch = match kernel {
                Some(kernel) => kernel.scratch(tensors).ok_or(EngineError::TooLarge)?,
                None => 0,
            };
            let own = shapes.iter().filter(|(shape, _)| shape.gpu == index);
            Ok::<_, EngineError>(Gpu {
                name: device.name.clone(),
                weights: Figure {
                    bytes,
                    basis: weights_basis,
                },
                shapes: own.copied().collect(),
                kernel,
                scratch,
                start: overhead::start(device),
            })
        });
        Ok(Self {
            settings: *settings,
            model,
            attention,
            widths: Widths {
                element,
                stream: model.embedding_length,
                vocabulary: model.vocabulary_size,
                given: given(model, element),
                network_streams: if NORMS_BEHIND.contains(&model.architecture.as_str()) {
                    3
                } else {
                    4
                },
            },
            gpus: gpus.collect::<Result<_, EngineError>>()?,
            peak_basis: peak_basis(settings, attention, model),
        })
    }
}

/// The kernel for GPTQ weights, where the model has them.
fn kernel(settings: &Transformers, model: &Model, device: &Device) -> Option<Kernel> {
    let quantization = model.quantization.as_ref()?;
    let Packing::Gptq(gptq) = quantization.packing? else {
        return None;
    };
    let chosen = Kernel::chosen(settings.profile, gptq, device.compute_capability);
    Some(settings.kernel.unwrap_or(chosen))
}

/// Families with other angles for layers with a window than for those without.
const TWO_ANGLES: [&str; 6] = ["gemma3", "gemma3n", "gemma4", "olmo2", "mimo2", "step35"];
/// Families whose blocks have their norms behind, so that a copy of the stream fewer exists.
const NORMS_BEHIND: [&str; 2] = ["olmo2", "exaone4"];

/// Bytes that every layer is given for a token: cosines and sines of its angles, both for a whole
/// head, and embeddings of the layers' own.
fn given(model: &Model, element: u64) -> u64 {
    let architecture = model.architecture.as_str();
    let mut widths = [0_u64; 2];
    for (_, layer) in model.decoder_layers() {
        let width = match layer.attention {
            Attention::None => continue,
            Attention::Heads(heads) => heads.key_dim,
            Attention::Latent(latent) => latent.rope_dim,
        };
        let is_local = layer
            .attention
            .span()
            .is_some_and(|span| span.limit().is_some());
        let own = is_local && TWO_ANGLES.contains(&architecture);
        if let Some(widest) = widths.get_mut(usize::from(own)) {
            *widest = width.max(*widest);
        }
    }
    let angles = widths[0].saturating_add(widths[1]);
    let bytes = match architecture {
        // Half a head.
        "gpt-oss" => element,
        // In single precision.
        "olmo2" => 8,
        _ => element.saturating_mul(2),
    };
    let of_layers = model.tensor("per_layer_token_embd.weight");
    let of_layers = of_layers.map_or(0, |tensor| tensor.dimensions[0].saturating_mul(element));
    // Gemma 3n's further streams, before and after each layer.
    let streams = match architecture {
        "gemma3n" => model
            .embedding_length
            .saturating_mul(2 * 4)
            .saturating_mul(element),
        _ => 0,
    };
    angles
        .saturating_mul(bytes)
        .saturating_add(of_layers)
        .saturating_add(streams)
}

/// Families whose peaks were measured, or counted over the classes, to the byte.
const MEASURED: [&str; 17] = [
    "llama",
    "mistral3",
    "qwen2",
    "qwen3",
    "phi3",
    "gemma",
    "gemma2",
    "gemma3",
    "starcoder2",
    "command-r",
    "cohere2",
    "granite",
    "smollm3",
    "seed_oss",
    "lfm2",
    "olmo2",
    "exaone4",
];

/// How close the peak is.
fn peak_basis(settings: &Transformers, attention: AttentionImplementation, model: &Model) -> Basis {
    // PyTorch's kernel for it was read, not measured.
    let is_fused_in_single_precision = attention != AttentionImplementation::Eager
        && FloatType::of(settings, model) == FloatType::Float32;
    let is_plain = settings.cache.bits().is_none()
        && attention != AttentionImplementation::FlashAttention2
        && !is_fused_in_single_precision
        && model.quantization.is_none();
    let is_recurrent = model.decoder_layers().any(|(_, layer)| {
        !matches!(
            layer.recurrent,
            None | Some(RecurrentState::ShortConvolution { .. })
        )
    });
    let has_experts = model
        .decoder_layers()
        .any(|(_, layer)| layer.feed_forward.experts.is_some());
    match (is_plain, is_recurrent, has_experts) {
        (true, false, false) if MEASURED.contains(&model.architecture.as_str()) => Basis::Exact,
        (true, false, _) => Basis::Estimate {
            below_permille: 100,
            above_permille: 40,
        },
        _ => UNMEASURED_BASIS,
    }
}

impl Planner for Prepared<'_> {
    fn context_step(&self) -> u64 {
        1
    }

    fn context_limit(&self) -> u64 {
        CONTEXT_LIMIT
    }

    fn plan(&self, context_length: u64) -> Result<Plan, EngineError> {
        let tokens = context_length.max(1);
        let last = self.gpus.len().saturating_sub(1);
        let devices = self.gpus.iter().enumerate().map(|(index, gpu)| {
            let cache = self.cache_bytes(gpu, tokens)?;
            let peak = transient::peak(
                &self.settings,
                self.attention,
                self.widths,
                &gpu.shapes,
                index == last,
                tokens,
            );
            let compute = bytes(peak)?
                .checked_add(gpu.scratch)
                .ok_or(EngineError::TooLarge)?;
            Ok::<_, EngineError>(DevicePlan {
                name: gpu.name.clone(),
                weights: gpu.weights,
                kv_cache: Figure::exact(cache),
                recurrent_state: Figure {
                    bytes: state_bytes(gpu)?,
                    basis: Basis::Exact,
                },
                compute: Figure {
                    bytes: compute,
                    basis: self.peak_basis,
                },
                start_overhead: gpu.start,
                growth: overhead::slack(cache, compute),
                cache_allowance: None,
            })
        });
        Ok(Plan {
            context_length: tokens,
            cache_types: self.settings.cache_types(),
            devices: devices.collect::<Result<_, EngineError>>()?,
            host: HostPlan::default(),
            details: Details::None,
        })
    }

    fn explain(&self, plan: &Plan) -> Vec<Explanation> {
        explain::explain(self, plan)
    }
}

impl Prepared<'_> {
    /// What the cache of a GPU holds while a prompt of so many tokens passes.
    fn cache_bytes(&self, gpu: &Gpu, tokens: u64) -> Result<u64, EngineError> {
        bytes(sum(gpu, |shape| {
            shape.cache_bytes(self.settings.cache, tokens)
        }))
    }

    /// The same once tokens have followed.
    fn settled_bytes(&self, gpu: &Gpu, tokens: u64) -> Result<u64, EngineError> {
        bytes(sum(gpu, |shape| {
            shape.settled_bytes(self.settings.cache, tokens)
        }))
    }
}

fn state_bytes(gpu: &Gpu) -> Result<u64, EngineError> {
    bytes(sum(gpu, |shape| u128::from(shape.state)))
}

fn sum(gpu: &Gpu, of: impl Fn(&Shape) -> u128) -> u128 {
    gpu.shapes.iter().fold(0, |sum, (shape, count)| {
        u128::saturating_add(sum, of(shape).saturating_mul(u128::from(*count)))
    })
}

fn bytes(bytes: u128) -> Result<u64, EngineError> {
    u64::try_from(bytes).map_err(|_| EngineError::TooLarge)
}

impl Shape {
    /// The window or chunk of the layer's attention.
    fn window(&self) -> Option<u64> {
        match self.mask? {
            Mask::Causal => None,
            Mask::Local(window) => Some(window),
        }
    }
}
