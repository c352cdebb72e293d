//! Transformers, and the GPTQ packages that run its modules: GPTQModel and AutoGPTQ.
//!
//! Nothing is set apart: a plan is the peak while a prompt as long as the context passes through
//! the model at once, which is what `generate` does. `kv_cache` is what the cache holds then;
//! `compute` is everything beside it and the weights.

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
    Plan, Planner, Precision,
};
use crate::gpu::Device;
use crate::model::{Attention, Model};
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
    /// Whether peaks of models like this one have been measured.
    measured: bool,
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
        let placement = Placement::new(model, devices)?;
        let shapes = layer::shapes(model, &placement.layers);
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
                stream: model.embedding_length,
                vocabulary: model.vocabulary_size,
                angles: angles(model),
            },
            gpus: gpus.collect::<Result<_, EngineError>>()?,
            measured: is_measured(settings, attention, model),
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

/// Elements of the cosines and sines of a token's angles: both for a whole head, once for layers
/// that see all and once for those with a window.
fn angles(model: &Model) -> u64 {
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
        if let Some(widest) = widths.get_mut(usize::from(is_local)) {
            *widest = width.max(*widest);
        }
    }
    widths.iter().fold(0, |sum, &width| {
        u64::saturating_add(sum, width.saturating_mul(2))
    })
}

/// Whether the peak follows rules that were held against measurements: dense gated networks,
/// plain heads, a cache that is not quantized, and no mask of floats made of bits.
fn is_measured(settings: &Transformers, attention: AttentionImplementation, model: &Model) -> bool {
    settings.cache.bits().is_none()
        && attention != AttentionImplementation::FlashAttention2
        && model.quantization.is_none()
        && model.decoder_layers().all(|(_, layer)| {
            layer.recurrent.is_none()
                && layer.feed_forward.experts.is_none()
                && matches!(layer.attention, Attention::Heads(_))
        })
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
                    basis: if self.measured {
                        Basis::Exact
                    } else {
                        UNMEASURED_BASIS
                    },
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
