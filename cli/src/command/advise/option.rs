//! One choice of settings.

use serde::Serialize;
use shared::engine::llama_cpp::LlamaCpp;
use shared::engine::{Engine, Plan, Precision};
use shared::fit::{Advice, Change, Fit, Lighter, max_context};
use shared::model::Model;
use shared::quant::{FileType, Packing};
use shared::text::Language;

use super::program::{self, Program};
use super::words;
use crate::arguments::Question;
use crate::backend::{self, Wanted};
use crate::failure::Failure;
use crate::mib;
use crate::model::Found;
use crate::output::json::{PlanAnswer, limited_by};
use crate::output::text::Page;

/// Settings, what they change, and what becomes of them.
pub(super) struct Choice {
    changes: Vec<Change>,
    /// Another format of the weights, and the model in it.
    weights: Option<(Weights, Box<Model>)>,
    engine: Box<dyn Engine>,
    plan: Plan,
    fit: Fit,
    /// Bytes in host memory that each token reads.
    read_on_cpu: u64,
    /// The other programs that it can be started in.
    programs: Vec<Program>,
}

/// A format of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weights {
    /// A GGUF file's.
    File(FileType),
    /// A checkpoint's.
    Packed(Packing),
}

impl Weights {
    /// The name, as `--quant` takes it.
    pub(super) fn name(self) -> String {
        match self {
            Self::File(file_type) => file_type.name().into(),
            Self::Packed(packing) => packing.name(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Answer<'a> {
    changes: Vec<ChangeAnswer>,
    precision: String,
    max_context_length: u64,
    usable_context_length: u64,
    limited_by: &'static str,
    /// Bytes in host memory that each token reads.
    read_on_cpu: u64,
    /// What another format of the weights takes: a checkpoint in it, or a package.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
    /// Whether the bytes of the weights suppose what a quantizer leaves in 16 bits.
    weights_estimated: bool,
    launch_command: Option<String>,
    /// The same settings in other programs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_programs: Vec<program::Answer<'a>>,
    plan: PlanAnswer<'a>,
}

#[derive(Serialize)]
struct ChangeAnswer {
    setting: &'static str,
    value: serde_json::Value,
}

impl From<Advice> for Choice {
    fn from(advice: Advice) -> Self {
        Self {
            read_on_cpu: advice.read_on_cpu(),
            changes: advice.changes,
            weights: None,
            engine: advice.engine,
            plan: advice.plan,
            fit: advice.fit,
            programs: Vec::new(),
        }
    }
}

impl From<Lighter> for Choice {
    fn from(lighter: Lighter) -> Self {
        let weights = (Weights::Packed(lighter.packing), Box::new(lighter.model));
        Self {
            weights: Some(weights),
            ..lighter.advice.into()
        }
    }
}

impl Choice {
    /// The weights in another format, and perhaps the KV cache in another precision.
    ///
    /// # Errors
    /// What the engine refuses.
    pub(super) fn with_weights(
        file_type: FileType,
        model: Model,
        precision: Option<Precision>,
        engine: Box<dyn Engine>,
        wanted: &Wanted,
    ) -> Result<Self, Failure> {
        let planner = engine.prepare(&model, wanted.placed.devices)?;
        let plan = planner.plan(wanted.context)?;
        let trained = model.trained_context_length;
        let fit = max_context(
            planner.as_ref(),
            wanted.placed.devices,
            wanted.placed.budget,
            trained,
        )?;
        drop(planner);
        Ok(Self {
            changes: precision.map(Change::Precision).into_iter().collect(),
            weights: Some((Weights::File(file_type), Box::new(model))),
            engine,
            plan,
            fit,
            read_on_cpu: 0,
            programs: Vec::new(),
        })
    }

    /// The longest context of use, in tokens.
    pub(super) fn longest(&self) -> u64 {
        self.fit.usable_context_length
    }

    /// What is changed beside the weights.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The other format of the weights.
    pub(super) fn weights(&self) -> Option<Weights> {
        self.weights.as_ref().map(|(weights, _)| *weights)
    }

    /// The command to start with; none where not even one token fits.
    fn launch_command(&self, found: &Found, wanted: &Wanted, longest: bool) -> Option<String> {
        let context = self.started_with(wanted, longest);
        let engine = self.engine.as_ref();
        (context > 0).then(|| engine.launch_command(&self.called(found, engine), context))
    }

    /// The context to start with: the one wanted, or where `longest` is asked for, the longest that
    /// is of use.
    fn started_with(&self, wanted: &Wanted, longest: bool) -> u64 {
        let usable = self.fit.usable_context_length;
        match self.fit.max_context_length >= wanted.context {
            true if longest => usable.max(wanted.context),
            true => wanted.context,
            false => usable,
        }
    }

    /// What `engine` calls the model.
    fn called(&self, found: &Found, engine: &dyn Engine) -> String {
        match self.weights() {
            Some(Weights::Packed(packing)) => found.packed_name(packing),
            Some(Weights::File(file_type)) => found.launch_name(engine, Some(file_type)),
            None => found.launch_name(engine, None),
        }
    }

    /// The model with its weights as chosen.
    fn model<'a>(&'a self, found: &'a Found) -> &'a Model {
        match &self.weights {
            Some((_, model)) => model,
            None => &found.model,
        }
    }

    /// Looks for the commands of the other programs built on llama.cpp.
    ///
    /// # Errors
    /// None that the search before did not have.
    pub(super) fn in_programs(
        mut self,
        found: &Found,
        question: &Question,
        wanted: &Wanted,
        longest: bool,
        language: Language,
    ) -> Result<Self, Failure> {
        let most = self.started_with(wanted, longest);
        let programs = backend::in_programs(question, wanted, &self.changes)?;
        let others = programs
            .into_iter()
            .filter(|(_, translated)| {
                let is_own = |settings: &LlamaCpp| settings.name() == self.engine.name();
                !translated.as_ref().is_ok_and(is_own)
            })
            .map(|(name, translated)| {
                let called = |engine: &dyn Engine| self.called(found, engine);
                let model = self.model(found);
                Program::new(name, translated, model, called, wanted, most, language)
            });
        self.programs = others.collect();
        Ok(self)
    }

    /// Writes the figures and the command.
    pub(super) fn show(&self, page: &mut Page, found: &Found, wanted: &Wanted, longest: bool) {
        page.plan_summary(&self.plan, wanted.placed.devices, wanted.placed.budget);
        page.contexts(&self.fit);
        if self.read_on_cpu > 0 {
            page.field("cpu_read_per_token_mb", mib::format(self.read_on_cpu));
        }
        if let Some(command) = self.launch_command(found, wanted, longest) {
            page.launch(&command);
        }
        let most = self.started_with(wanted, longest);
        let language = page.language();
        page.programs(self.programs.iter().map(|own| own.text(most, language)));
    }
}

impl<'a> Answer<'a> {
    /// The choice in JSON.
    pub(super) fn new(
        choice: &'a Choice,
        found: &'a Found,
        wanted: &Wanted,
        longest: bool,
        language: Language,
    ) -> Self {
        let engine = choice.engine.as_ref();
        let model = choice.model(found);
        let weights = choice.weights().map(|weights| ChangeAnswer {
            setting: "quant",
            value: weights.name().into(),
        });
        let packing = match choice.weights() {
            Some(Weights::Packed(packing)) => Some(packing),
            _ => None,
        };
        Self {
            changes: weights
                .into_iter()
                .chain(choice.changes.iter().map(ChangeAnswer::from))
                .collect(),
            precision: backend::precision_name(engine),
            max_context_length: choice.fit.max_context_length,
            usable_context_length: choice.fit.usable_context_length,
            limited_by: limited_by(&choice.fit),
            read_on_cpu: choice.read_on_cpu,
            needs: packing.map(words::needs),
            weights_estimated: packing.is_some(),
            launch_command: choice.launch_command(found, wanted, longest),
            other_programs: choice
                .programs
                .iter()
                .map(|own| own.answer(language))
                .collect(),
            plan: PlanAnswer::new(
                model,
                engine,
                &choice.plan,
                wanted.placed.devices,
                wanted.placed.budget,
            ),
        }
    }
}

impl From<&Change> for ChangeAnswer {
    fn from(change: &Change) -> Self {
        let (setting, value) = match change {
            Change::Precision(precision) => ("kv", precision.name().to_lowercase().into()),
            Change::MicroBatch(tokens) => ("ubatch-size", (*tokens).into()),
            Change::FlashAttention => ("flash-attn", "on".into()),
            Change::CpuExperts(layers) => ("n-cpu-moe", (*layers).into()),
            Change::GpuLayers(layers) => ("n-gpu-layers", (*layers).into()),
            Change::TensorSplit(layers) => ("tensor-split", layers.clone().into()),
            Change::BatchedTokens(tokens) => ("max-num-batched-tokens", (*tokens).into()),
            Change::Utilization(share) => ("gpu-memory-utilization", share.to_string().into()),
            Change::NoGraphs => ("enforce-eager", true.into()),
            Change::TensorParallel(gpus) => ("tensor-parallel-size", (*gpus).into()),
            Change::Setting(name, value) => match value.parse::<u64>() {
                Ok(number) => (*name, number.into()),
                Err(_) => (*name, value.as_str().into()),
            },
        };
        Self { setting, value }
    }
}
