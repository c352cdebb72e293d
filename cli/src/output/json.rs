//! Answers in JSON: all sizes are bytes.

use serde::Serialize;
use shared::engine::{Basis, Component, Details, Engine, Explanation, Plan};
use shared::fit::{Budget, ByAnswer, Fit, Limit};
use shared::gpu::Device;
use shared::model::Model;
use shared::text::{Language, UserMessage};

/// The version of the form.
const SCHEMA: u32 = 1;

/// `{"error":…}`.
#[derive(Serialize)]
pub(crate) struct Failed<'a> {
    error: Problem<'a>,
}

#[derive(Serialize)]
struct Problem<'a> {
    code: &'static str,
    message: &'a str,
    hint: &'a str,
}

impl<'a> Failed<'a> {
    /// An error as its own object.
    pub(crate) fn new(code: &'static str, message: &'a str, hint: &'a str) -> Self {
        Self {
            error: Problem {
                code,
                message,
                hint,
            },
        }
    }
}

/// What every answer says of the model.
#[derive(Serialize)]
pub(crate) struct ModelSummary<'a> {
    name: &'a str,
    architecture: &'a str,
    parameters: u64,
    weights_format: &'a str,
    weights_bytes: u64,
    trained_context_length: Option<u64>,
}

impl<'a> From<&'a Model> for ModelSummary<'a> {
    fn from(model: &'a Model) -> Self {
        Self {
            name: &model.name,
            architecture: &model.architecture,
            parameters: model.parameters(),
            weights_format: &model.weights_format,
            weights_bytes: model.weights_bytes(),
            trained_context_length: model.trained_context_length,
        }
    }
}

/// The engine whose rules were followed.
#[derive(Serialize)]
pub(crate) struct BackendSummary {
    name: &'static str,
    version: &'static str,
}

impl From<&dyn Engine> for BackendSummary {
    fn from(engine: &dyn Engine) -> Self {
        Self {
            name: engine.name(),
            version: engine.version(),
        }
    }
}

/// The memory that one context takes.
#[derive(Serialize)]
pub(crate) struct PlanAnswer<'a> {
    schema: u32,
    model: ModelSummary<'a>,
    backend: BackendSummary,
    context_length: u64,
    cache_type_k: &'a str,
    cache_type_v: &'a str,
    devices: Vec<DeviceAnswer<'a>>,
    host: HostAnswer,
    backend_details: serde_json::Value,
    /// Only where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explanations: Vec<ExplanationAnswer>,
}

/// Why a figure is what it is.
#[derive(Serialize)]
struct ExplanationAnswer {
    component: &'static str,
    exact: bool,
    /// How much lower the real figure has been seen, in thousandths of an estimate.
    below_permille: u32,
    /// How much higher.
    above_permille: u32,
    arithmetic: Vec<String>,
    source: &'static str,
}

impl From<Explanation> for ExplanationAnswer {
    fn from(explanation: Explanation) -> Self {
        let (exact, below_permille, above_permille) = match explanation.basis {
            Basis::Exact => (true, 0, 0),
            Basis::Estimate {
                below_permille,
                above_permille,
            } => (false, below_permille, above_permille),
        };
        Self {
            component: match explanation.component {
                Component::Weights => "weights",
                Component::KvCache => "kv_cache",
                Component::RecurrentState => "recurrent_state",
                Component::Compute => "compute",
                Component::StartOverhead => "runtime_overhead_start",
                Component::Growth => "runtime_overhead_growth",
            },
            exact,
            below_permille,
            above_permille,
            arithmetic: explanation.arithmetic,
            source: explanation.source,
        }
    }
}

#[derive(Serialize)]
struct DeviceAnswer<'a> {
    name: &'a str,
    weights: u64,
    kv_cache: u64,
    recurrent_state: u64,
    compute: u64,
    runtime_overhead: u64,
    safety_margin: u64,
    total: u64,
    free: u64,
    fits: bool,
}

#[derive(Serialize)]
struct HostAnswer {
    weights: u64,
    kv_cache: u64,
    recurrent_state: u64,
    compute: u64,
    output: u64,
    total: u64,
}

impl<'a> PlanAnswer<'a> {
    /// The plan of `engine` on `devices`.
    pub(crate) fn new(
        model: &'a Model,
        engine: &dyn Engine,
        plan: &'a Plan,
        devices: &[Device],
        budget: &Budget,
    ) -> Self {
        let device_answers = plan.devices.iter().zip(devices).map(|(planned, device)| {
            let total = budget.total(planned);
            DeviceAnswer {
                name: &planned.name,
                weights: planned.weights.bytes,
                kv_cache: planned.kv_cache.bytes,
                recurrent_state: planned.recurrent_state.bytes,
                compute: planned.compute.bytes,
                runtime_overhead: budget.overhead(planned).bytes,
                safety_margin: budget.safety_margin,
                total,
                free: device.free,
                fits: total <= device.free && planned.is_within_allowance(),
            }
        });
        Self {
            schema: SCHEMA,
            model: model.into(),
            backend: engine.into(),
            context_length: plan.context_length,
            cache_type_k: &plan.cache_types.key,
            cache_type_v: &plan.cache_types.value,
            devices: device_answers.collect(),
            host: HostAnswer {
                weights: plan.host.weights,
                kv_cache: plan.host.kv_cache,
                recurrent_state: plan.host.recurrent_state,
                compute: plan.host.compute,
                output: plan.host.output,
                total: plan.host.total(),
            },
            backend_details: details(plan),
            explanations: Vec::new(),
        }
    }

    /// Adds why each figure is what it is.
    pub(crate) fn explain(&mut self, explanations: Vec<Explanation>) {
        self.explanations = explanations.into_iter().map(Into::into).collect();
    }
}

fn details(plan: &Plan) -> serde_json::Value {
    match plan.details {
        Details::LlamaCpp {
            n_ctx,
            kv_cells,
            swa_cells,
            streams,
        } => serde_json::json!({
            "n_ctx": n_ctx,
            "kv_cells": kv_cells,
            "swa_cells": swa_cells,
            "streams": streams,
        }),
        Details::Vllm {
            block_size,
            num_blocks,
            kv_cache_tokens,
            request_blocks,
            share,
        } => serde_json::json!({
            "block_size": block_size,
            "num_blocks": num_blocks,
            "kv_cache_tokens": kv_cache_tokens,
            "max_concurrency": concurrency(num_blocks, request_blocks),
            "gpu_memory_utilization": share.map(|share| f64::from(share.millionths()) / 1e6),
        }),
        Details::Sglang {
            page_size,
            max_total_num_tokens,
            window_tokens,
            recurrent_states,
            max_running_requests,
            mem_fraction_static,
        } => serde_json::json!({
            "page_size": page_size,
            "max_total_num_tokens": max_total_num_tokens,
            "swa_max_total_num_tokens": window_tokens,
            "max_mamba_cache_size": recurrent_states,
            "max_running_requests": max_running_requests,
            "mem_fraction_static": share(mem_fraction_static),
            "max_concurrency":
                of_this_length(max_total_num_tokens, plan.context_length, max_running_requests),
        }),
        Details::None => serde_json::json!({}),
    }
}

/// Requests of this length at once in SGLang's pool.
#[allow(
    clippy::cast_precision_loss,
    reason = "shown to people; counts far below 2^53"
)]
pub(super) fn of_this_length(tokens: u64, length: u64, most: u64) -> f64 {
    (tokens as f64 / length.max(1) as f64).min(most as f64)
}

/// A share that is given in millionths.
#[allow(
    clippy::cast_precision_loss,
    reason = "shown to people; far below 2^53"
)]
pub(super) fn share(millionths: u64) -> f64 {
    millionths as f64 / 1_000_000.0
}

/// Requests at once, as vLLM divides it.
#[allow(
    clippy::cast_precision_loss,
    reason = "the engine's own arithmetic; counts far below 2^53"
)]
pub(super) fn concurrency(num_blocks: u64, request_blocks: u64) -> f64 {
    num_blocks as f64 / request_blocks.max(1) as f64
}

/// What the engine does not take.
const UNSUPPORTED: &str = "unsupported";

/// What limits, by the names of the contract, which has one for all that the engine does not take.
pub(crate) fn limited_by(fit: &Fit) -> &'static str {
    match fit.limit {
        Limit::Engine => UNSUPPORTED,
        limit => limit.name(),
    }
}

/// The longest context for each precision.
#[derive(Serialize)]
pub(crate) struct MaxContextAnswer<'a> {
    schema: u32,
    model: ModelSummary<'a>,
    backend: BackendSummary,
    free: Vec<u64>,
    results: Vec<ResultAnswer<'a>>,
}

/// One precision of a [`MaxContextAnswer`].
#[derive(Serialize)]
pub(crate) struct ResultAnswer<'a> {
    precision: &'a str,
    cache_type_k: String,
    cache_type_v: String,
    max_context_length: u64,
    max_context_by_answer: Contexts,
    usable_context_length: u64,
    limited_by: &'static str,
    /// The most tokens that the engine takes, where it is that which limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    engine_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launch_command: Option<String>,
    plan: Option<PlanAnswer<'a>>,
}

#[derive(Serialize)]
struct Contexts {
    planned: u64,
    loads: u64,
    survives: u64,
}

impl From<ByAnswer<u64>> for Contexts {
    fn from(contexts: ByAnswer<u64>) -> Self {
        Self {
            planned: contexts.planned,
            loads: contexts.loads,
            survives: contexts.survives,
        }
    }
}

#[derive(Serialize)]
struct Reason {
    code: &'static str,
    message: String,
    hint: String,
}

impl<'a> MaxContextAnswer<'a> {
    /// The answer for `model`, without results yet.
    pub(crate) fn new(model: &'a Model, engine: &dyn Engine, devices: &[Device]) -> Self {
        Self {
            schema: SCHEMA,
            model: model.into(),
            backend: engine.into(),
            free: devices.iter().map(|device| device.free).collect(),
            results: Vec::new(),
        }
    }

    /// Adds the result for one precision.
    pub(crate) fn push(&mut self, result: ResultAnswer<'a>) {
        self.results.push(result);
    }
}

impl<'a> ResultAnswer<'a> {
    /// The longest context, and the plan for it.
    pub(crate) fn fitted(
        precision: &'a str,
        fit: &Fit,
        plan: PlanAnswer<'a>,
        launch_command: Option<String>,
    ) -> Self {
        Self {
            precision,
            cache_type_k: fit.plan.cache_types.key.clone(),
            cache_type_v: fit.plan.cache_types.value.clone(),
            max_context_length: fit.max_context_length,
            max_context_by_answer: fit.max_context_by_answer.into(),
            usable_context_length: fit.usable_context_length,
            limited_by: limited_by(fit),
            engine_limit: (fit.limit == Limit::Engine).then_some(fit.max_context_length),
            reason: None,
            launch_command,
            plan: Some(plan),
        }
    }

    /// What the engine refuses.
    pub(crate) fn refused(
        precision: &'a str,
        engine: &dyn Engine,
        error: &dyn UserMessage,
        language: Language,
    ) -> Self {
        let types = engine.cache_types();
        Self {
            precision,
            cache_type_k: types.key,
            cache_type_v: types.value,
            max_context_length: 0,
            max_context_by_answer: ByAnswer::default().into(),
            usable_context_length: 0,
            limited_by: UNSUPPORTED,
            engine_limit: None,
            reason: Some(Reason {
                code: error.code(),
                message: error.message(language),
                hint: error.hint(language),
            }),
            launch_command: None,
            plan: None,
        }
    }
}
