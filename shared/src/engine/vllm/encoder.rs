//! What the encoder of images takes while vLLM measures how much is left: estimated.
//!
//! Source: vLLM 0.33.0, `multimodal/encoder_budget.py` (how many items), `v1/worker/gpu/mm/
//! encoder_runner.py` (the run), `model_executor/models/qwen3_vl.py` (what a layer holds). A log of
//! Qwen3.8-27B on two RTX 5090 (August 2026) shows a peak of 1.59 GiB on each, 1.57 by this rule.

use super::hardware::Hardware;
use super::longest_context;
use super::settings::Vllm;
use crate::model::{Item, Model};

/// Bytes of an element: encoders run in 16 bits.
const ELEMENT: u64 = 2;
/// Images that one prompt may have where nothing limits them.
const ITEMS_OF_A_PROMPT: u64 = 999;

/// What the run takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct EncoderRun {
    /// At its peak.
    pub(super) peak: u64,
    /// Its results, which are kept while the language model runs.
    pub(super) kept: u64,
}

impl EncoderRun {
    /// What a model's encoder takes; nothing where there is none, or none that is known. `None`
    /// beyond `u64`.
    pub(super) fn new(settings: &Vllm, model: &Model, hardware: Hardware) -> Option<Self> {
        let Some(item) = settings.vision(model).and_then(|vision| vision.item) else {
            return Some(Self::default());
        };
        let context = settings.max_model_len.or(longest_context(model));
        let context = context.unwrap_or(u64::MAX);
        let units = (context / item.tokens.max(1)).clamp(1, item.units.max(1));
        let tokens = item.tokens.max(1).checked_mul(units)?;
        let count = items(tokens, context, hardware);
        let patches = item.patches.checked_mul(units)?.checked_mul(count)?;
        let kept = tokens
            .checked_mul(count)?
            .checked_mul(model.input_length.max(model.embedding_length))?
            .checked_mul(ELEMENT)?;
        let peak = patch(&item, settings)?.checked_mul(patches)?;
        Some(Self { peak, kept })
    }
}

fn patch(item: &Item, settings: &Vllm) -> Option<u64> {
    let ranks = settings.tensor_parallel_size.max(1);
    item.whole
        .checked_add(item.shared_out / ranks)?
        .checked_mul(ELEMENT)
}

/// Items of that many tokens that a step's budget takes, one at least.
fn items(tokens: u64, context: u64, hardware: Hardware) -> u64 {
    let budget = hardware.max_num_batched_tokens.max(tokens);
    let of_a_prompt = (context / tokens).clamp(1, ITEMS_OF_A_PROMPT);
    let of_a_batch = hardware.max_num_seqs.saturating_mul(of_a_prompt);
    (budget / tokens).min(of_a_batch).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::gpu::Device;

    fn run(tag: &str, settings: &Vllm) -> EncoderRun {
        let mut entries = catalogue::entries();
        let entry = entries.find(|entry| entry.tag == tag).unwrap();
        let model = entry.checkpoint().unwrap();
        let device = Device::with_free("GPU".into(), 32 << 30);
        let hardware = Hardware::new(settings, &model, &device);
        EncoderRun::new(settings, &model, hardware).unwrap()
    }

    #[test]
    fn the_peak_is_near_that_of_a_log() {
        let settings = Vllm {
            tensor_parallel_size: 2,
            max_num_batched_tokens: Some(8_192),
            ..Vllm::default()
        };
        let run = run("qwen3.8:27b", &settings);
        // The log says 1.59 GiB.
        assert_eq!((run.peak * 100) >> 30, 157);
        assert_eq!(run.kept, 16_384 * 5_120 * 2);
        let settings = Vllm {
            language_model_only: true,
            ..settings
        };
        assert_eq!(self::run("qwen3.8:27b", &settings), EncoderRun::default());
    }

    #[test]
    fn as_many_images_as_a_step_takes_are_tried_at_once() {
        let of = |tokens| {
            let settings = Vllm {
                max_num_batched_tokens: Some(tokens),
                ..Vllm::default()
            };
            run("gemma3:27b", &settings)
        };
        assert_eq!(of(8_192).peak, of(256).peak * 32);
        assert_eq!(of(100), of(256));
    }

    /// A video of Qwen2.5-VL goes as far as the context does, seven pairs of frames at most.
    #[test]
    fn videos_are_as_long_as_the_context() {
        let of = |context| {
            let settings = Vllm {
                max_model_len: Some(context),
                ..Vllm::default()
            };
            run("qwen2.5vl:7b", &settings).peak
        };
        assert_eq!(of(32_768), of(4_096) * 2);
        assert_eq!(of(128_000), of(4_096) * 7);
        assert_eq!(run("qwen3:8b", &Vllm::default()), EncoderRun::default());
    }
}
