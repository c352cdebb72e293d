//! What Transformers, and the packages that run its modules, can trade for memory.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::{Change, Freedom, Tunable, Variant};
use crate::engine::transformers::{
    AttentionImplementation, Cache, FloatType, Kernel, Profile, Transformers,
};
use crate::gpu::Device;
use crate::model::Model;
use crate::quant::Packing;

/// The measures of [`Variant::costs`].
const COARSER: usize = 0;
const ATTENTION: usize = 1;
const KERNEL: usize = 2;
const STATIC: usize = 3;
const HALVED: usize = 4;
/// What bitsandbytes packs while it loads, and what GPTQ's quantizers make before; widest first.
const FORMATS: [&str; 3] = ["int8", "nf4", "gptq-int4-g128"];

impl Tunable for Transformers {
    fn in_place(&self, freedom: &Freedom, _: &[Device]) -> Vec<Variant<Self>> {
        let as_asked = Variant {
            changes: Vec::new(),
            engine: *self,
            costs: Vec::from([0, 0, 0, 0, 0]),
        };
        let mut variants = Vec::from([as_asked]);
        // The first precision is the one asked for.
        for (place, &precision) in (1..).zip(freedom.precisions.iter().skip(1)) {
            let mut coarser = variants[0].clone();
            coarser.engine = coarser.engine.in_precision(precision);
            coarser.costs[COARSER] = place;
            coarser.changes.push(Change::Precision(precision));
            variants.push(coarser);
        }
        if freedom.static_cache && self.cache == Cache::Dynamic {
            let mut fixed = variants[0].clone();
            fixed.engine.cache = Cache::Static;
            fixed.costs[STATIC] = 1;
            fixed.changes.push(setting("cache", Cache::Static.name()));
            variants.push(fixed);
        }
        // Where it is 16 bits already, this changes nothing, and what changes nothing is beaten.
        let halves: &[FloatType] = match (freedom.float_type, self.float_type) {
            (true, None | Some(FloatType::Float32)) => &[FloatType::Bfloat16],
            _ => &[],
        };
        extend(&mut variants, halves, |variant, float_type| {
            variant.engine.float_type = Some(float_type);
            variant.costs[HALVED] = 1;
            variant.changes.push(setting("dtype", float_type.name()));
        });
        let attentions: &[AttentionImplementation] = match (freedom.attention, self.attention) {
            (false, _) => &[],
            (true, Some(AttentionImplementation::Eager)) => &[
                AttentionImplementation::Sdpa,
                AttentionImplementation::FlashAttention2,
            ],
            (true, _) => &[AttentionImplementation::FlashAttention2],
        };
        extend(&mut variants, attentions, |variant, attention| {
            variant.engine.attention = Some(attention);
            // A package of its own, which has to be installed.
            variant.costs[ATTENTION] = match attention {
                AttentionImplementation::FlashAttention2 => 2,
                _ => 1,
            };
            let name = attention.name();
            variant.changes.push(setting("attn-implementation", name));
        });
        // What keeps no scratch, fastest first.
        let kernels: &[Kernel] = match (freedom.kernel, self.kernel, self.profile) {
            (false, ..) | (true, Some(Kernel::Marlin | Kernel::Triton | Kernel::Torch), _) => &[],
            (true, _, Profile::AutoGptq) => &[Kernel::Exllama, Kernel::Triton],
            (true, ..) => &[Kernel::Triton],
        };
        extend(&mut variants, kernels, |variant, kernel| {
            variant.engine.kernel = Some(kernel);
            variant.costs[KERNEL] = if kernel == Kernel::Exllama { 1 } else { 2 };
            variant.changes.push(setting("kernel", kernel.name()));
        });
        variants
    }

    fn offloads(_: &Variant<Self>, _: &Freedom, _: &Model) -> Vec<Vec<Variant<Self>>> {
        Vec::new()
    }

    fn splittable(&self, _: &Model) -> Option<u64> {
        None
    }

    fn with_split(variant: &Variant<Self>, _: &[u64]) -> Variant<Self> {
        variant.clone()
    }

    fn idle_on_cpu(&self, _: &Model) -> u64 {
        0
    }

    fn lighter_formats(&self, _: &[Device]) -> Vec<Packing> {
        let names = FORMATS.iter().filter(|_| !self.profile.needs_gptq());
        names.filter_map(|name| Packing::from_name(name)).collect()
    }
}

fn setting(name: &'static str, value: &str) -> Change {
    Change::Setting(name, value.to_string())
}

/// Adds every variant with each of the values set.
fn extend<T: Copy>(
    variants: &mut Vec<Variant<Transformers>>,
    values: &[T],
    set: impl Fn(&mut Variant<Transformers>, T),
) {
    let more: Vec<Variant<Transformers>> = variants
        .iter()
        .flat_map(|variant| {
            values.iter().map(|&value| {
                let mut changed = variant.clone();
                set(&mut changed, value);
                changed
            })
        })
        .collect();
    variants.extend(more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::engine::Precision;
    use crate::fit::{Budget, advise};

    fn everything() -> Freedom {
        Freedom {
            precisions: Precision::ALL.to_vec(),
            static_cache: true,
            attention: true,
            kernel: true,
            float_type: true,
            ..Freedom::default()
        }
    }

    /// Settings that serve, as their changes; every one is planned to fit.
    fn options(engine: Transformers, tag: &str, free: u64, wanted: u64) -> Vec<Vec<Change>> {
        let model = catalogue::find(tag).unwrap().checkpoint().unwrap();
        let devices = [Device::with_free("card".into(), free << 20)];
        let budget = Budget::default();
        let found = advise(&engine, &everything(), &model, &devices, &budget, wanted);
        let found = found.unwrap().unwrap();
        assert!(!found.fits);
        for option in &found.options {
            assert!(option.fit.max_context_length >= wanted);
            assert!(
                option
                    .engine
                    .launch_command("m", wanted)
                    .contains("max_length")
            );
        }
        found.options.into_iter().map(|own| own.changes).collect()
    }

    #[test]
    fn plain_attention_gives_way_to_others() {
        let eager = Transformers {
            attention: Some(AttentionImplementation::Eager),
            ..Transformers::default()
        };
        let found = options(eager, "qwen3:8b", 22_000, 8_192);
        let sdpa = setting("attn-implementation", "sdpa");
        assert!(found.contains(&Vec::from([sdpa])), "{found:?}");
    }

    #[test]
    fn single_precision_is_halved_where_that_helps() {
        let found = options(Transformers::default(), "olmo2:7b", 24_000, 4_096);
        let half = setting("dtype", "bfloat16");
        assert_eq!(found.first(), Some(&Vec::from([half.clone()])), "{found:?}");
        let found = options(Transformers::default(), "qwen3:8b", 22_000, 24_576);
        assert!(!found.iter().flatten().any(|change| *change == half));
    }

    /// Windows are held whole by the default cache while a prompt passes.
    #[test]
    fn caches_of_other_kinds_are_offered() {
        let found = options(Transformers::default(), "gemma3:4b", 12_700, 16_384);
        let of_cache = |change: &Change| *change == setting("cache", "static");
        assert!(found.iter().flatten().any(of_cache), "{found:?}");
        let found = options(Transformers::default(), "qwen3:8b", 22_000, 24_576);
        let coarser = |change: &Change| matches!(change, Change::Precision(_));
        assert!(found.iter().flatten().any(coarser), "{found:?}");
    }
}
