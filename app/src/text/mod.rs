//! The page's own words, in the languages it speaks.

mod en;
mod ja;
pub mod phrase;
pub mod terms;

use shared::text::Language;

/// Every text that stands on the page without a number in it.
#[derive(Debug)]
pub struct Text {
    pub title: &'static str,
    pub skip_to_form: &'static str,
    pub other_language: &'static str,
    pub switch_language: &'static str,
    pub theme: &'static str,
    pub theme_system: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub copy_link: &'static str,
    pub copied: &'static str,
    pub link_copied: &'static str,
    pub copy_link_help: &'static str,
    pub copy_failed: &'static str,

    pub readings: &'static str,
    pub tokens: &'static str,
    pub does_not_fit: &'static str,
    pub refused: &'static str,
    pub exact_types: &'static str,
    pub previous_answer: &'static str,

    pub limits: &'static str,
    pub limit_memory: &'static str,
    pub limit_trained: &'static str,
    pub limit_binds: &'static str,
    pub limit_unknown: &'static str,
    pub limited_by: &'static str,
    pub limited_by_memory: &'static str,
    pub limited_by_trained: &'static str,
    pub limited_by_weights: &'static str,
    pub limited_by_refusal: &'static str,

    pub form: &'static str,
    pub model: &'static str,
    pub model_placeholder: &'static str,
    pub model_help: &'static str,
    pub models: &'static str,
    pub no_model_found: &'static str,
    pub choose_file: &'static str,
    pub reading_file: &'static str,
    pub use_bound: &'static str,
    pub conservative: &'static str,
    pub quant: &'static str,
    pub backend: &'static str,
    pub gpu: &'static str,
    pub gpu_by_hand: &'static str,
    pub cards_desktop: &'static str,
    pub cards_laptop: &'static str,
    pub cards_workstation: &'static str,
    pub cards_data_center: &'static str,
    pub cards_unified: &'static str,
    pub foreign: &'static str,
    pub cut_short: &'static str,
    pub free: &'static str,
    pub add_gpu: &'static str,
    pub remove_gpu: &'static str,
    pub connect: &'static str,
    pub connecting: &'static str,
    pub probe_help: &'static str,
    pub disconnect: &'static str,
    pub live: &'static str,
    pub live_from_link: &'static str,
    pub no_probe: &'static str,
    pub no_probe_hint: &'static str,
    pub get_probe: &'static str,
    pub settings: &'static str,
    pub answer: &'static str,
    pub answer_planned: &'static str,
    pub answer_loads: &'static str,
    pub answer_survives: &'static str,
    pub answer_help: &'static str,
    pub margin: &'static str,
    pub margin_help: &'static str,
    pub overhead: &'static str,
    pub overhead_help: &'static str,
    pub overhead_estimated: &'static str,
    pub context: &'static str,
    pub context_help: &'static str,
    pub context_longest: &'static str,
    pub all_layers: &'static str,
    pub beside: &'static str,
    pub loading: &'static str,
    pub reset: &'static str,

    pub memory: &'static str,
    pub in_use: &'static str,
    pub in_use_by_others: &'static str,
    pub weights: &'static str,
    pub kv_cache: &'static str,
    pub recurrent_state: &'static str,
    pub compute: &'static str,
    pub runtime: &'static str,
    pub safety_margin: &'static str,
    pub total: &'static str,
    pub left: &'static str,
    pub of_which: &'static str,
    pub host_memory: &'static str,
    pub exact: &'static str,
    pub estimate: &'static str,
    pub given: &'static str,
    pub source: &'static str,
    pub explain_hint: &'static str,
    pub explain_margin: &'static str,
    pub explain_runtime_given: &'static str,

    pub chart: &'static str,
    pub chart_context: &'static str,
    pub chart_help: &'static str,
    pub chart_free: &'static str,
    pub chart_trained: &'static str,
    pub chart_table: &'static str,

    pub advice: &'static str,
    pub ways_out: &'static str,
    pub nothing_helps: &'static str,

    pub command: &'static str,
    pub copy: &'static str,
    pub command_trained: &'static str,

    pub sources: &'static str,
    pub sources_exact: &'static str,
    pub sources_estimated: &'static str,
    pub sources_error: &'static str,
    pub sources_error_link: &'static str,
    pub sources_left_out: &'static str,
    pub sources_private: &'static str,
    pub source_code: &'static str,
}

impl Text {
    /// The texts of a language.
    #[must_use]
    pub fn of(language: Language) -> &'static Self {
        language.pick(&ja::TEXT, &en::TEXT)
    }
}
