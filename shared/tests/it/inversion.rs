//! The inversion against the plan: what fits, and that one step more does not.

use proptest::prelude::*;
use shared::engine::llama_cpp::{FlashAttention, LlamaCpp, SplitMode, Version};
use shared::engine::{Engine, EngineError, Planner, Precision};
use shared::fit::{Answer, Budget, Fit, Limit, fits, max_context};
use shared::gpu::Device;
use shared::model::{
    Attention, Experts, FeedForward, Geometry, HeadAttention, LatentAttention, Layer, Model,
    RecurrentState, Routing, Span, Tensor, Traits,
};
use shared::quant::TensorType;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// What the layers of a random model are made of.
#[derive(Debug, Clone)]
struct Shape {
    architecture: &'static str,
    layers: u64,
    /// Multiples of 256.
    width: u64,
    heads: u64,
    kv_heads: u64,
    head_dim: u64,
    vocabulary: u64,
    feed_forward: u64,
    /// Experts and experts used.
    experts: Option<(u64, u64)>,
    /// Every so many layers attend in full, the others look back this far.
    window: Option<(u64, u64)>,
    /// Every so many layers attend, the others keep a state.
    recurrent: Option<u64>,
    latent: bool,
    weights: TensorType,
    trained: Option<u64>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let sizes = (
        1_u64..40,
        1_u64..24,
        1_u64..9,
        0_u32..4,
        prop::sample::select(vec![64_u64, 80, 96, 128, 256]),
        1_u64..1_000,
        1_u64..60,
    );
    let kinds = (
        prop::option::of((2_u64..65, 1_u64..9)),
        prop::option::of((1_u64..7, 128_u64..9_000)),
        prop::option::of(1_u64..5),
        prop::bool::weighted(0.2),
        prop::sample::select(vec![TensorType::Q4K, TensorType::Q8_0, TensorType::F16]),
        prop::option::of(1_024_u64..300_000),
    );
    let names = vec![
        "llama",
        "qwen3",
        "qwen3moe",
        "gemma3",
        "gpt-oss",
        "cohere2",
        "phi2",
        "llama4",
        "falcon-h1",
        "deepseek2",
        "qwen3next",
        "mamba2",
        "never-heard-of",
    ];
    (sizes, kinds, prop::sample::select(names)).prop_map(
        |((layers, width, kv_heads, ratio, head_dim, vocabulary, feed_forward), kinds, name)| {
            let (experts, window, recurrent, latent, weights, trained) = kinds;
            Shape {
                architecture: name,
                layers,
                width: width * 256,
                heads: kv_heads << ratio,
                kv_heads,
                head_dim,
                vocabulary: vocabulary * 256,
                feed_forward: feed_forward * 256,
                experts,
                window,
                recurrent,
                latent,
                weights,
                trained,
            }
        },
    )
}

impl Shape {
    fn span(&self, index: u64) -> Span {
        match self.window {
            Some((period, window)) if !(index + 1).is_multiple_of(period) => {
                Span::Sliding { window }
            }
            _ => Span::Full,
        }
    }

    fn layer(&self, index: u64) -> Layer {
        let attends = self
            .recurrent
            .is_none_or(|period| (index + 1).is_multiple_of(period) || self.layers == 1);
        let attention = if !attends {
            Attention::None
        } else if self.latent {
            Attention::Latent(LatentAttention {
                query_heads: self.heads,
                latent_dim: 512,
                rope_dim: 64,
                key_dim: 192,
                value_dim: 128,
                span: Span::Full,
            })
        } else {
            Attention::Heads(HeadAttention {
                query_heads: self.heads,
                kv_heads: self.kv_heads,
                key_dim: self.head_dim,
                value_dim: self.head_dim,
                span: self.span(index),
                shares_cache: false,
            })
        };
        let state = RecurrentState::Mamba2 {
            inner: 2 * self.width,
            state: 128,
            groups: 1,
            heads: (2 * self.width / 64).max(1),
            conv_kernel: 4,
        };
        Layer {
            attention,
            recurrent: (!attends).then_some(state),
            indexer: None,
            feed_forward: FeedForward {
                length: self.feed_forward,
                experts: self.experts.map(|(count, used)| Experts {
                    count,
                    used: used.min(count),
                    length: self.feed_forward,
                    shared_length: 0,
                    routing: Routing::default(),
                }),
            },
            next_token_prediction: false,
        }
    }

    fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        let mut add = |name: String, columns: u64, rows: u64, depth: u64| {
            let tensor_type = if rows == 1 || !columns.is_multiple_of(256) {
                TensorType::F32
            } else {
                self.weights
            };
            tensors.push(Tensor::new(name, [columns, rows, depth, 1], tensor_type).unwrap());
        };
        add("token_embd.weight".into(), self.width, self.vocabulary, 1);
        add("output.weight".into(), self.width, self.vocabulary, 1);
        add("output_norm.weight".into(), self.width, 1, 1);
        for index in 0..self.layers {
            let mut block = |name: &str, columns, rows, depth| {
                add(format!("blk.{index}.{name}.weight"), columns, rows, depth);
            };
            block("attn_norm", self.width, 1, 1);
            if self.layer(index).recurrent.is_some() {
                block("ssm_in", self.width, 4 * self.width + 256, 1);
                block("ssm_conv1d", 4, 2 * self.width + 256, 1);
                block("ssm_out", 2 * self.width, self.width, 1);
            } else {
                block("attn_q", self.width, self.heads * self.head_dim, 1);
                block("attn_k", self.width, self.kv_heads * self.head_dim, 1);
                block("attn_v", self.width, self.kv_heads * self.head_dim, 1);
                block("attn_output", self.heads * self.head_dim, self.width, 1);
            }
            block("ffn_norm", self.width, 1, 1);
            match self.experts {
                Some((count, _)) => {
                    block("ffn_gate_inp", self.width, count, 1);
                    block("ffn_gate_exps", self.width, self.feed_forward, count);
                    block("ffn_up_exps", self.width, self.feed_forward, count);
                    block("ffn_down_exps", self.feed_forward, self.width, count);
                }
                None => {
                    block("ffn_gate", self.width, self.feed_forward, 1);
                    block("ffn_up", self.width, self.feed_forward, 1);
                    block("ffn_down", self.feed_forward, self.width, 1);
                }
            }
        }
        tensors
    }

    fn model(&self) -> Model {
        Model {
            name: "random".into(),
            architecture: self.architecture.into(),
            weights_format: self.weights.name().into(),
            trained_context_length: self.trained,
            vocabulary_size: self.vocabulary,
            embedding_length: self.width,
            input_length: self.width,
            layers: (0..self.layers).map(|index| self.layer(index)).collect(),
            tensors: self.tensors(),
            quantization: None,
            vision: None,
            stretched_context_length: None,
            traits: Traits::default(),
            geometry: Geometry::Known,
        }
    }
}

fn settings() -> impl Strategy<Value = LlamaCpp> {
    let types = prop::sample::select(LlamaCpp::CACHE_TYPES.to_vec());
    let flash = prop::sample::select(vec![
        FlashAttention::On,
        FlashAttention::Off,
        FlashAttention::Auto,
    ]);
    let version = prop::sample::select(Version::ALL.to_vec());
    let split = prop::sample::select(vec![SplitMode::Layer, SplitMode::Layer, SplitMode::None]);
    let sizes = (1_u64..4_097, 1_u64..2_049, 1_u64..9, 0_u64..6);
    let layers = (
        prop::option::weighted(0.3, 0_u64..45),
        prop::option::of(0_u64..600),
    );
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (
        types.clone(),
        types,
        flash,
        version,
        split,
        sizes,
        layers,
        flags,
    )
        .prop_map(
            |(key, value, flash_attention, version, split_mode, sizes, layers, flags)| {
                let (batch_size, ubatch_size, parallel, cpu_moe_layers) = sizes;
                let quantized = flash_attention == FlashAttention::Off;
                LlamaCpp {
                    version,
                    cache_type_k: key,
                    cache_type_v: if quantized { TensorType::F16 } else { value },
                    flash_attention,
                    batch_size,
                    ubatch_size,
                    parallel,
                    kv_unified: flags.0,
                    swa_full: flags.1,
                    gpu_layers: layers.0,
                    cpu_moe_layers,
                    split_mode,
                    kv_offload: flags.2 || flags.3,
                    op_offload: flags.3,
                    outputs_max: layers.1,
                    ..LlamaCpp::default()
                }
            },
        )
}

fn devices() -> impl Strategy<Value = Vec<Device>> {
    let capability = prop::sample::select(vec![None, Some((7, 0)), Some((8, 9)), Some((9, 0))]);
    let device = (0_u64..80 * 1_024, capability).prop_map(|(mib, compute_capability)| Device {
        compute_capability,
        ..Device::with_free("GPU".into(), mib * MIB + mib * 977)
    });
    prop::collection::vec(device, 1..4)
}

fn budgets() -> impl Strategy<Value = Budget> {
    let answer = prop::sample::select(Answer::ALL.to_vec());
    (0_u64..3 * GIB, prop::option::of(0_u64..GIB), answer).prop_map(
        |(safety_margin, runtime_overhead, answer)| Budget {
            safety_margin,
            runtime_overhead,
            answer,
        },
    )
}

/// Whether this context fits for this answer; sizes beyond 64 bits do not.
fn is_fitting(
    planner: &dyn Planner,
    devices: &[Device],
    budget: Budget,
    context: u64,
) -> Result<bool, EngineError> {
    match planner.plan(context) {
        Ok(plan) => Ok(fits(&plan, devices, &budget)),
        Err(EngineError::TooLarge) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What every inversion has to keep, for each answer.
fn check(
    planner: &dyn Planner,
    devices: &[Device],
    budget: &Budget,
    trained: Option<u64>,
) -> Result<Fit, TestCaseError> {
    let fit = max_context(planner, devices, budget, trained)
        .map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    let step = planner.context_step();
    for answer in Answer::ALL {
        let longest = fit.max_context_by_answer.get(answer);
        let budget = Budget { answer, ..*budget };
        let fitting = |context| is_fitting(planner, devices, budget, context).unwrap();
        prop_assert_eq!(longest % step, 0);
        prop_assert!(longest == 0 || fitting(longest), "{longest} does not fit");
        let next = longest + step;
        prop_assert!(
            next > planner.context_limit() || !fitting(next),
            "{next} fits as well ({})",
            answer.name()
        );
    }
    let by = fit.max_context_by_answer;
    prop_assert!(by.planned >= by.loads && by.loads >= by.survives, "{by:?}");
    prop_assert_eq!(fit.max_context_length, by.get(budget.answer));
    let usable = trained.map_or(fit.max_context_length, |trained| {
        trained.min(fit.max_context_length)
    });
    prop_assert_eq!(fit.usable_context_length, usable);
    prop_assert_eq!(fit.limit == Limit::Weights, fit.max_context_length == 0);
    prop_assert_eq!(
        fits(&fit.plan, devices, budget),
        fit.max_context_length > 0,
        "the plan shown"
    );
    prop_assert!(fit.plan.context_length >= fit.max_context_length);
    Ok(fit)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_longest_context_fits_and_the_next_does_not(
        shape in shape(),
        settings in settings(),
        devices in devices(),
        budget in budgets(),
    ) {
        let model = shape.model();
        // What the engine refuses is refused before anything is planned.
        if let Ok(planner) = settings.prepare(&model, &devices) {
            check(&*planner, &devices, &budget, model.trained_context_length)?;
        }
    }

    /// Sizes that no machine has come out as errors or as "does not fit", never as a panic.
    #[test]
    fn extreme_numbers_do_not_panic(
        shape in shape(),
        settings in settings(),
        place in 0_usize..24,
        number in prop_oneof![Just(u64::MAX), Just(1 << 63), Just(1 << 40), Just(u64::MAX - 255), any::<u64>()],
        context in prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 40), any::<u64>()],
        free in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
    ) {
        let mut model = shape.model();
        let mut settings = settings;
        let layer = model.layers.len() / 2;
        let last = model.tensors.len() - 1;
        match place {
            0 => model.vocabulary_size = number,
            1 => model.embedding_length = number,
            2 => model.trained_context_length = Some(number),
            3 => model.layers[layer].feed_forward.length = number,
            4 => model.tensors[last].dimensions[0] = number,
            5 => model.tensors[last].dimensions[1] = number,
            6 => settings.parallel = number,
            7 => settings.batch_size = number,
            8 => settings.ubatch_size = number,
            9 => settings.gpu_layers = Some(number),
            10 => settings.cpu_moe_layers = number,
            11 => settings.outputs_max = Some(number),
            12 => settings.main_gpu = usize::try_from(number).unwrap(),
            13 | 14 => {
                if let Some(experts) = &mut model.layers[layer].feed_forward.experts {
                    *(if place == 13 { &mut experts.used } else { &mut experts.count }) = number;
                }
            }
            15 => {
                model.layers[layer].recurrent = Some(RecurrentState::Mamba {
                    inner: number, state: number, conv_kernel: 4,
                });
            }
            16 => {
                model.layers[layer].recurrent = Some(RecurrentState::GatedDeltaNet {
                    key_heads: 16, key_dim: number, value_heads: 32, value_dim: 128, conv_kernel: 4,
                });
            }
            _ => match &mut model.layers[layer].attention {
                Attention::Heads(heads) => {
                    let field = match place {
                        17 => &mut heads.query_heads,
                        18 => &mut heads.kv_heads,
                        19 => &mut heads.key_dim,
                        20 => &mut heads.value_dim,
                        _ => {
                            heads.span = Span::Sliding { window: number };
                            &mut heads.query_heads
                        }
                    };
                    if place < 21 {
                        *field = number;
                    }
                }
                Attention::Latent(latent) => {
                    let field = match place {
                        17 => &mut latent.query_heads,
                        18 => &mut latent.latent_dim,
                        19 => &mut latent.rope_dim,
                        20 => &mut latent.key_dim,
                        _ => &mut latent.value_dim,
                    };
                    *field = number;
                }
                Attention::None => {}
            },
        }
        let devices = [
            Device::with_free("GPU".into(), free),
            Device::with_free("GPU".into(), free / 2),
        ];
        let Ok(planner) = settings.prepare(&model, &devices) else {
            return Ok(());
        };
        if let Ok(plan) = planner.plan(context) {
            prop_assert!(!planner.explain(&plan).is_empty());
        }
        let budget = Budget { safety_margin: number, ..Budget::default() };
        let _ = max_context(&*planner, &devices, &budget, model.trained_context_length);
        let _ = max_context(&*planner, &devices, &Budget::default(), None);
    }
}

/// Every model of the catalogue, on cards of several sizes, in every precision.
#[test]
fn known_models_keep_it_too() {
    for entry in shared::catalogue::entries() {
        let model = entry.model(None).unwrap();
        for gib in [8, 24, 80] {
            let devices = [Device::with_free("GPU".into(), gib * GIB - 431 * MIB)];
            for precision in Precision::ALL {
                let engine = LlamaCpp::default().in_precision(precision);
                let Ok(planner) = engine.prepare(&model, &devices) else {
                    continue;
                };
                let trained = model.trained_context_length;
                check(&*planner, &devices, &Budget::default(), trained)
                    .unwrap_or_else(|error| panic!("{} on {gib} GiB: {error}", entry.tag));
            }
        }
    }
}
