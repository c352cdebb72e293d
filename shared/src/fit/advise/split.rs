//! How many layers each of several GPUs gets.
//!
//! The engine's own split goes by free memory and not by what lies on a GPU beside its layers:
//! the output, pipeline copies, the CUDA context. The search goes GPU by GPU and gives each as
//! many layers as fit, which finds a split wherever there is one: what a GPU takes grows with
//! its layers, so that with fewer on one the next would have to hold more.

use alloc::vec::Vec;

use super::{Advice, Budget, Change, Search, Tunable, Variant};
use crate::engine::Plan;
use crate::gpu::Device;
use crate::model::Model;

/// Layers for each GPU, so that a context of `wanted` tokens fits; `None` where no split makes
/// it fit.
#[must_use]
pub fn split<E: Tunable>(
    engine: &E,
    model: &Model,
    devices: &[Device],
    budget: &Budget,
    wanted: u64,
) -> Option<Vec<u64>> {
    let search = Search {
        model,
        devices,
        budget,
        wanted,
    };
    let as_asked = Variant {
        changes: Vec::new(),
        engine: engine.clone(),
        costs: Vec::new(),
    };
    let found = search.split_for(&as_asked, wanted)?;
    found.changes.into_iter().find_map(|change| match change {
        Change::TensorSplit(layers) => Some(layers),
        _ => None,
    })
}

impl Search<'_> {
    /// The variant with its layers split so that the wanted context fits and the longest
    /// possible does; `None` where no split makes it fit.
    pub(super) fn split<E: Tunable>(&self, variant: &Variant<E>) -> Option<Advice> {
        self.longest_split(variant, self.wanted)
    }

    /// The variant with its layers split so that the longest context fits, which is `shortest`
    /// or more.
    pub(super) fn longest_split<E: Tunable>(
        &self,
        variant: &Variant<E>,
        shortest: u64,
    ) -> Option<Advice> {
        let planner = variant.engine.prepare(self.model, self.devices).ok()?;
        let (step, limit) = (planner.context_step(), planner.context_limit());
        drop(planner);
        let mut longest = None;
        let mut context = shortest;
        while context <= limit {
            let Some(split) = self.split_for(variant, context) else {
                break;
            };
            let advice = self.planned(split).and_then(|split| self.fitted(split));
            let Ok(advice) = advice else {
                break;
            };
            let reached = advice.fit.max_context_length;
            if reached < context {
                break;
            }
            longest = Some(advice);
            context = reached.saturating_add(step);
        }
        longest
    }

    /// The variant with its layers split so that this context fits.
    pub(super) fn split_for<E: Tunable>(
        &self,
        variant: &Variant<E>,
        context: u64,
    ) -> Option<Variant<E>> {
        let units = variant.engine.splittable(self.model)?;
        let last = self.devices.len().checked_sub(1).filter(|&last| last > 0)?;
        let mut layers = alloc::vec![0; self.devices.len()];
        let mut rest = units;
        for gpu in 0..last {
            let fits = |count: u64| {
                let mut layers = layers.clone();
                layers[gpu] = count;
                layers[last] = rest - count;
                let plan = self.plan_of(&E::with_split(variant, &layers), context);
                plan.is_some_and(|plan| self.holds(&plan, gpu))
            };
            let (mut most, mut more) = (0, rest + 1);
            while more - most > 1 {
                let count = most + (more - most) / 2;
                if fits(count) {
                    most = count;
                } else {
                    more = count;
                }
            }
            layers[gpu] = most;
            rest -= most;
        }
        layers[last] = rest;
        let split = E::with_split(variant, &layers);
        let plan = self.plan_of(&split, context)?;
        let fits = (0..self.devices.len()).all(|gpu| self.holds(&plan, gpu));
        fits.then_some(split)
    }

    fn plan_of<E: Tunable>(&self, variant: &Variant<E>, context: u64) -> Option<Plan> {
        let planner = variant.engine.prepare(self.model, self.devices).ok()?;
        planner.plan(context).ok()
    }

    /// Whether what this GPU holds fits on it.
    fn holds(&self, plan: &Plan, gpu: usize) -> bool {
        let (plan, device) = (plan.devices.get(gpu), self.devices.get(gpu));
        plan.zip(device)
            .is_some_and(|(plan, device)| self.budget.total(plan) <= device.free)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::catalogue;
    use crate::engine::Engine;
    use crate::engine::llama_cpp::LlamaCpp;
    use crate::fit::{Budget, Change, Freedom, advise, fits, max_context};
    use crate::gpu::Device;

    const MIB: u64 = 1024 * 1024;

    fn gpus(free: &[u64]) -> Vec<Device> {
        let device = |&free| Device::with_free("GPU".into(), free * MIB);
        free.iter().map(device).collect()
    }

    fn only_split() -> Freedom {
        Freedom {
            tensor_split: true,
            ..Freedom::default()
        }
    }

    /// Held against every split of two GPUs, planned one after another.
    #[test]
    fn no_other_split_of_two_gpus_holds_more() {
        for (name, free) in [
            ("qwen3:14b", [16_000, 3_000]),
            ("gemma3:12b", [3_000, 12_000]),
            ("qwen3-coder:30b", [8_000, 16_000]),
        ] {
            let model = catalogue::find(name).unwrap().model(None).unwrap();
            let devices = gpus(&free);
            let budget = Budget::default();
            let engine = LlamaCpp::default();
            let longest = |split: &[f32]| {
                let engine = LlamaCpp {
                    tensor_split: split.into(),
                    ..engine.clone()
                };
                let planner = engine.prepare(&model, &devices).unwrap();
                let fit = max_context(planner.as_ref(), &devices, &budget, None);
                fit.unwrap().max_context_length
            };
            let units = u16::try_from(model.layers.len() + 1).unwrap();
            let best = (0..=units)
                .map(|first| longest(&[first.into(), (units - first).into()]))
                .max()
                .unwrap();
            let own = longest(&[]);
            let advised = advise(&engine, &only_split(), &model, &devices, &budget, 256)
                .unwrap()
                .unwrap();
            let found = advised
                .options
                .iter()
                .map(|option| option.fit.max_context_length)
                .max()
                .unwrap_or(own);
            // Less than a sixteenth more is not offered.
            assert!(found <= best, "{name}: {found} of {best}");
            assert!(found + found / 16 >= best, "{name}: {found} of {best}");
            for option in &advised.options {
                assert!(matches!(
                    option.changes.as_slice(),
                    [Change::TensorSplit(split)] if split.len() == 2
                ));
                let fit = &option.fit;
                assert!(fits(&fit.plan, &devices, &budget));
            }
        }
    }

    #[test]
    fn three_unequal_gpus_are_filled() {
        let model = catalogue::find("llama3.3:70b")
            .unwrap()
            .model(None)
            .unwrap();
        let devices = gpus(&[30_000, 4_000, 12_000]);
        let budget = Budget::default();
        let engine = LlamaCpp::default();
        let wanted = 4_096;
        let advised = advise(&engine, &only_split(), &model, &devices, &budget, wanted);
        let advised = advised.unwrap().unwrap();
        assert!(!advised.fits);
        let [option] = advised.options.as_slice() else {
            panic!("{} options", advised.options.len());
        };
        assert!(option.fit.max_context_length >= wanted);
        let [Change::TensorSplit(split)] = option.changes.as_slice() else {
            panic!("{:?}", option.changes);
        };
        assert_eq!(split.iter().sum::<u64>(), 81);
    }
}
