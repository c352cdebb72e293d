//! Weights in a format that takes less, for engines that read checkpoints.

use alloc::vec::Vec;

use super::{Advice, Freedom, Search, Tunable};
use crate::fit::Budget;
use crate::gpu::Device;
use crate::model::Model;
use crate::quant::{Packing, pack};

/// The weights in a format that takes less, and the gentlest settings with which the context
/// wanted fits then. The model's bytes are those of a quantizer's defaults: which matrices a
/// publisher leaves in 16 bits is the checkpoint's to say.
pub struct Lighter {
    /// The format.
    pub packing: Packing,
    /// The model in it.
    pub model: Model,
    /// Settings that serve: none to change where the format is enough.
    pub advice: Advice,
}

/// For each format that the engine loads on these GPUs, widest first, the gentlest settings under
/// which `wanted` tokens fit; narrower ones than the first that is enough by itself are left out.
///
/// `model` is the one that does not fit, in 16 or 32 bits.
#[must_use]
pub fn lighter_weights<E: Tunable>(
    engine: &E,
    freedom: &Freedom,
    model: &Model,
    devices: &[Device],
    budget: &Budget,
    wanted: u64,
) -> Vec<Lighter> {
    let mut found = Vec::new();
    if model.quantization.is_some() {
        return found;
    }
    let bytes = model.weights_bytes();
    for packing in engine.lighter_formats(devices) {
        let packed = pack(model, packing);
        if packed.weights_bytes() >= bytes {
            continue;
        }
        let search = Search {
            model: &packed,
            devices,
            budget,
            wanted,
        };
        let variants = engine.in_place(freedom, devices);
        let options = search.serving(variants, freedom).into_iter();
        let Some(advice) = options.min_by(|one, other| one.costs.cmp(&other.costs)) else {
            continue;
        };
        let is_enough = advice.changes.is_empty();
        found.push(Lighter {
            packing,
            model: packed,
            advice,
        });
        if is_enough {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::engine::transformers::Transformers;
    use crate::engine::vllm::Vllm;
    use crate::fit::fits;
    use alloc::string::String;

    fn card() -> Device {
        Device {
            total: Some(24 << 30),
            compute_capability: Some((8, 9)),
            ..Device::with_free("card".into(), 23 << 30)
        }
    }

    fn names<E: Tunable>(engine: &E, tag: &str, wanted: u64) -> Vec<String> {
        let model = catalogue::find(tag).unwrap().checkpoint().unwrap();
        let devices = [card()];
        let budget = Budget::default();
        let freedom = Freedom::default();
        let found = lighter_weights(engine, &freedom, &model, &devices, &budget, wanted);
        for lighter in &found {
            assert!(fits(&lighter.advice.plan, &devices, &budget));
            assert!(lighter.model.weights_bytes() < model.weights_bytes());
            assert!(lighter.advice.fit.max_context_length >= wanted);
        }
        found.iter().map(|own| own.packing.name()).collect()
    }

    #[test]
    fn the_widest_format_that_is_enough_is_offered() {
        let vllm = Vllm::default();
        assert_eq!(names(&vllm, "qwen3:14b", 8_192), ["fp8"]);
        assert_eq!(names(&vllm, "qwen3:32b", 4_096), ["awq-int4-g128"]);
        assert!(names(&vllm, "llama3.3:70b", 4_096).is_empty());
        let transformers = Transformers::default();
        assert_eq!(names(&transformers, "qwen3:14b", 8_192), ["int8"]);
        assert_eq!(names(&transformers, "qwen3:32b", 2_048), ["nf4"]);
    }
}
