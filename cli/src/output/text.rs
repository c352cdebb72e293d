//! Answers as text: the form of the original program, then what it did not tell.

use std::fmt::Write;

use shared::engine::{Details, Explanation, Figure, Plan};
use shared::fit::{Answer, Budget, Fit, Limit, fits};
use shared::gpu::Device;
use shared::model::Model;
use shared::text::{Language, UserMessage};

use super::json::{concurrency, of_this_length, share};
use super::terminal::{ASIDE, BAD, GOOD, HEADING, PRECISION};
use crate::mib;

/// Text of an answer as it grows.
pub(crate) struct Page {
    text: String,
    language: Language,
}

impl Page {
    /// An empty page.
    pub(crate) fn new(language: Language) -> Self {
        Self {
            text: String::new(),
            language,
        }
    }

    /// What was written.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// The head of a model's block, and the free VRAM of each GPU.
    pub(crate) fn model(&mut self, model: &Model, devices: &[Device]) {
        self.model_head(&model.name, &model.weights_format, model.parameters());
        self.line(format_args!(
            "free_vram_mb: {}",
            list(devices.iter().map(|device| device.free))
        ));
    }

    /// The first line of a model's block.
    pub(crate) fn model_head(&mut self, name: &str, format: &str, count: u64) {
        let parameters = parameters(count);
        self.line(format_args!(
            "{HEADING}=== {name} (quant={format}) (params={parameters}) ==={HEADING:#}"
        ));
    }

    /// The head of a precision's block.
    pub(crate) fn precision(&mut self, name: &str) {
        self.line(format_args!("{PRECISION}[{name}]{PRECISION:#}"));
    }

    /// The longest context of one precision, and the memory that it takes.
    pub(crate) fn fit(&mut self, fit: &Fit, devices: &[Device], budget: &Budget) {
        self.field("max_context_length", fit.max_context_length);
        self.original_figures(&fit.plan, devices, budget);
        self.field("usable_context_length", fit.usable_context_length);
        self.limit(fit);
        let contexts = Answer::ALL.map(|answer| {
            let context = fit.max_context_by_answer.get(answer);
            format!("{}={context}", answer.name())
        });
        self.field("max_context_by_answer", contexts.join(" "));
        self.further_figures(&fit.plan, devices, budget);
        self.pool(&fit.plan);
    }

    /// The memory that one context takes.
    pub(crate) fn plan(&mut self, plan: &Plan, devices: &[Device], budget: &Budget) {
        self.field("context_length", plan.context_length);
        self.original_figures(plan, devices, budget);
        self.further_figures(plan, devices, budget);
        self.pool(plan);
        if plan.devices.len() > 1 {
            self.each_device(plan, devices, budget);
        }
        self.host(plan);
    }

    /// The figures of the original program for one context.
    pub(crate) fn plan_summary(&mut self, plan: &Plan, devices: &[Device], budget: &Budget) {
        self.field("context_length", plan.context_length);
        self.original_figures(plan, devices, budget);
        self.field("host_memory_mb", mib::format(plan.host.total()));
    }

    /// The longest contexts.
    pub(crate) fn contexts(&mut self, fit: &Fit) {
        self.field("max_context_length", fit.max_context_length);
        self.field("usable_context_length", fit.usable_context_length);
        self.limit(fit);
    }

    /// What limits the context.
    fn limit(&mut self, fit: &Fit) {
        let name = fit.limit.name();
        if fit.limit == Limit::Engine {
            let most = self.language.pick(
                "メモリではなく、この設定でエンジンが扱える最大の長さ",
                "not memory: the most that the engine takes with these settings",
            );
            self.field("limited_by", format_args!("{name} ({most})"));
        } else {
            self.field("limited_by", name);
        }
    }

    /// What the engine refuses.
    pub(crate) fn refused(&mut self, error: &dyn UserMessage) {
        self.field("max_context_length", 0);
        self.field("limited_by", "unsupported");
        self.field("reason", error.message(self.language));
        self.field("hint", error.hint(self.language));
    }

    /// The command line that starts the engine so.
    pub(crate) fn launch(&mut self, command: &str) {
        let mut lines = command.lines();
        let first = lines.next().unwrap_or_default();
        self.line(format_args!("  {ASIDE}launch_command: {first}{ASIDE:#}"));
        for line in lines {
            self.line(format_args!("    {ASIDE}{line}{ASIDE:#}"));
        }
    }

    /// Other programs, and the commands that start them.
    pub(crate) fn programs(&mut self, programs: impl Iterator<Item = (String, String)>) {
        for (place, (name, command)) in programs.enumerate() {
            if place == 0 {
                let title = self.language.pick("ほかのプログラム", "other programs");
                self.line(format_args!("  {title}:"));
            }
            let mut lines = command.lines();
            let first = lines.next().unwrap_or_default();
            self.line(format_args!("    {name}: {ASIDE}{first}{ASIDE:#}"));
            for line in lines {
                self.line(format_args!("      {ASIDE}{line}{ASIDE:#}"));
            }
        }
    }

    /// The language of the lines.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// The rule behind each figure.
    pub(crate) fn explanations(&mut self, explanations: &[Explanation]) {
        for explanation in explanations {
            let component = component(explanation);
            let note = self.basis(explanation.basis);
            self.line(format_args!("  {component}{note}:"));
            for line in &explanation.arithmetic {
                self.line(format_args!("    {line}"));
            }
            self.line(format_args!("    {ASIDE}{}{ASIDE:#}", explanation.source));
        }
    }

    /// A line in the person's own words.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// A figure by its name.
    pub(crate) fn field(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format_args!("  {key}: {value}"));
    }

    /// The figures of the original program, over all GPUs.
    fn original_figures(&mut self, plan: &Plan, devices: &[Device], budget: &Budget) {
        let sum = |figure: fn(&shared::engine::DevicePlan) -> Figure| {
            plan.devices.iter().fold(0_u64, |sum, device| {
                sum.saturating_add(figure(device).bytes)
            })
        };
        let total = plan.devices.iter().fold(0_u64, |sum, device| {
            sum.saturating_add(budget.total(device))
        });
        self.field("model_weight_mb", mib::format(sum(|device| device.weights)));
        self.field("kv_cache_mb", mib::format(sum(|device| device.kv_cache)));
        self.field("total_memory_mb", mib::format(total));
        if fits(plan, devices, budget) {
            self.field("fits_in_vram", format_args!("{GOOD}True{GOOD:#}"));
        } else {
            self.field("fits_in_vram", format_args!("{BAD}False{BAD:#}"));
            self.share_that_decides(plan, devices, budget);
        }
        if plan.devices.len() > 1 {
            let totals = plan.devices.iter().map(|device| budget.total(device));
            self.field("total_per_gpu_mb", list(totals));
        }
    }

    /// Where VRAM would suffice: the share that the engine is given of it.
    fn share_that_decides(&mut self, plan: &Plan, devices: &[Device], budget: &Budget) {
        let Details::Vllm {
            share: Some(share), ..
        } = plan.details
        else {
            return;
        };
        let short = plan.devices.iter().zip(devices).find(|(planned, device)| {
            budget.total(planned) <= device.free && !planned.is_within_allowance()
        });
        let Some((planned, _)) = short else {
            return;
        };
        let needed = mib::format(planned.caches());
        let left = mib::format(planned.cache_allowance.unwrap_or(0));
        let reason = match self.language {
            Language::Ja => format!(
                "--gpu-memory-utilization {share} のうち KV キャッシュに残るのは {left} MiB で、{needed} MiB に足りません"
            ),
            Language::En => format!(
                "--gpu-memory-utilization {share} leaves {left} MiB for the KV cache, which needs {needed}"
            ),
        };
        self.field("reason", reason);
    }

    /// What the original program did not tell.
    fn further_figures(&mut self, plan: &Plan, _devices: &[Device], budget: &Budget) {
        let state = sum(plan.devices.iter().map(|device| device.recurrent_state));
        if state.bytes > 0 {
            self.figure("recurrent_state_mb", state);
        }
        let compute = sum(plan.devices.iter().map(|device| device.compute));
        self.figure("compute_buffer_mb", compute);
        let overhead = sum(plan.devices.iter().map(|device| budget.overhead(device)));
        self.figure("runtime_overhead_mb", overhead);
        let margin = budget
            .safety_margin
            .saturating_mul(plan.devices.len() as u64);
        self.field("safety_margin_mb", mib::format(margin));
        self.field("host_memory_mb", mib::format(plan.host.total()));
    }

    /// vLLM's pool of blocks or SGLang's of tokens, and how many such requests it serves at once.
    fn pool(&mut self, plan: &Plan) {
        if let Details::Vllm {
            block_size,
            num_blocks,
            kv_cache_tokens,
            request_blocks,
            share,
        } = plan.details
        {
            if let Some(share) = share {
                self.field("gpu_memory_utilization", share);
            }
            let left = plan.devices.iter().filter_map(|own| own.cache_allowance);
            if let Some(left) = left.min() {
                self.field("kv_cache_available_mb", mib::format(left));
            }
            let concurrency = concurrency(num_blocks, request_blocks);
            self.field("kv_cache_dtype", &plan.cache_types.key);
            self.field("block_size", block_size);
            self.field("num_blocks", num_blocks);
            self.field("kv_cache_tokens", kv_cache_tokens);
            self.field("max_concurrency", format_args!("{concurrency:.2}"));
        }
        if let Details::Sglang {
            page_size,
            max_total_num_tokens,
            max_running_requests,
            mem_fraction_static,
            ..
        } = plan.details
        {
            let concurrency = of_this_length(
                max_total_num_tokens,
                plan.context_length,
                max_running_requests,
            );
            let fraction = share(mem_fraction_static);
            self.field("kv_cache_dtype", &plan.cache_types.key);
            self.field("page_size", page_size);
            self.field("max_total_num_tokens", max_total_num_tokens);
            self.field("max_running_requests", max_running_requests);
            self.field("mem_fraction_static", format_args!("{fraction:.3}"));
            self.field("max_concurrency", format_args!("{concurrency:.2}"));
        }
    }

    fn each_device(&mut self, plan: &Plan, devices: &[Device], budget: &Budget) {
        for (planned, device) in plan.devices.iter().zip(devices) {
            self.line(format_args!("  {}:", planned.name));
            let figures = [
                ("model_weight_mb", planned.weights),
                ("kv_cache_mb", planned.kv_cache),
                ("recurrent_state_mb", planned.recurrent_state),
                ("compute_buffer_mb", planned.compute),
                ("runtime_overhead_mb", budget.overhead(planned)),
            ];
            for (key, figure) in figures {
                self.field(&format!("  {key}"), mib::format(figure.bytes));
            }
            self.field("  total_memory_mb", mib::format(budget.total(planned)));
            self.field("  free_vram_mb", mib::format(device.free));
        }
    }

    fn host(&mut self, plan: &Plan) {
        let host = &plan.host;
        let figures = [
            ("model_weight_mb", host.weights),
            ("kv_cache_mb", host.kv_cache),
            ("recurrent_state_mb", host.recurrent_state),
            ("compute_buffer_mb", host.compute),
            ("output_buffer_mb", host.output),
        ];
        if figures.iter().any(|&(_, bytes)| bytes > 0) {
            self.line(format_args!(
                "  {}:",
                self.language.pick("ホストメモリ", "host memory")
            ));
        }
        for (key, bytes) in figures {
            if bytes > 0 {
                self.field(&format!("  {key}"), mib::format(bytes));
            }
        }
    }

    fn figure(&mut self, key: &str, figure: Figure) {
        let note = self.basis(figure.basis);
        self.field(key, format_args!("{}{note}", mib::format(figure.bytes)));
    }

    fn basis(&self, basis: shared::engine::Basis) -> &'static str {
        match basis {
            shared::engine::Basis::Exact => "",
            shared::engine::Basis::Estimate { .. } => self.language.pick(" (推定)", " (estimated)"),
        }
    }
}

fn component(explanation: &Explanation) -> &'static str {
    use shared::engine::Component as C;
    match explanation.component {
        C::Weights => "model_weight",
        C::KvCache => "kv_cache",
        C::RecurrentState => "recurrent_state",
        C::Compute => "compute_buffer",
        C::StartOverhead => "runtime_overhead (start)",
        C::Growth => "runtime_overhead (growth)",
    }
}

/// The sum of figures: exact where all are.
fn sum(figures: impl Iterator<Item = Figure>) -> Figure {
    figures.fold(Figure::exact(0), |sum, figure| Figure {
        bytes: sum.bytes.saturating_add(figure.bytes),
        basis: if figure.is_exact() {
            sum.basis
        } else {
            figure.basis
        },
    })
}

/// Bytes of each GPU in MiB, as `--free-vram-mb` takes them.
fn list(bytes: impl Iterator<Item = u64>) -> String {
    bytes.map(mib::format).collect::<Vec<_>>().join(",")
}

/// A number of parameters as people say it.
pub(crate) fn parameters(count: u64) -> String {
    if count == 0 {
        return "0".into();
    }
    let (unit, name) = if count >= 1_000_000_000 {
        (1_000_000_000, 'B')
    } else {
        (1_000_000, 'M')
    };
    let tenths = (u128::from(count) * 10 + unit / 2) / unit;
    format!("{}.{}{name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_as_people_say_them() {
        for (count, text) in [
            (30_532_122_624, "30.5B"),
            (8_190_735_360, "8.2B"),
            (8_030_261_248, "8.0B"),
            (268_098_176, "268.1M"),
            (999_960_000, "1000.0M"),
            (0, "0"),
        ] {
            assert_eq!(parameters(count), text);
        }
    }
}
