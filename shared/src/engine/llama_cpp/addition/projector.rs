//! Projectors: their weights, and buffers for the largest image that llama.cpp reserves them
//! for when it starts.
//!
//! The closed forms bound what `llama-server` reported for four kinds with flash attention off
//! and on (an MI300X, August 2026): Gemma 3 1,132 and 121 MiB, Qwen2-VL 4,598 and 267,
//! Qwen2.5-VL 4,872 and 705, Qwen3-VL 4,728 and 323. They are 0 to 40 % above those.

use alloc::format;

use super::{Additions, Fixed};
use crate::engine::llama_cpp::placement::Place;
use crate::engine::llama_cpp::settings::{FlashAttention, LlamaCpp};
use crate::engine::llama_cpp::weights::{Bytes, allocated_bytes};
use crate::engine::{Basis, EngineError};
use crate::model::{Encoder, Projector};

/// The image that buffers are reserved for, by the projector's kind: tokens along its side, and
/// patches along a token where the file does not say (`set_warmup_n_tokens`). Other kinds take
/// the image size of the file.
const RESERVED: &[(&str, u64, u64)] = &[
    ("phi4", 16, 1),
    ("pixtral", 16, 1),
    ("lightonocr", 16, 1),
    ("kimivl", 16, 2),
    ("gemma4v", 16, 3),
    ("gemma4uv", 16, 3),
    ("minimax_m3", 16, 2),
    ("youtuvl", 16, 2),
    ("paddleocr", 28, 2),
    ("muse-glimmer", 32, 2),
    ("hunyuanvl", 32, 2),
    ("dots_ocr", 46, 2),
    ("dots3note_v", 46, 2),
    ("qwen2vl_merger", 46, 2),
    ("qwen2.5vl_merger", 46, 2),
    ("qwen2.5o", 46, 2),
    ("qwen3vl_merger", 46, 2),
    ("ling3vl", 46, 2),
    ("mimovl", 46, 2),
    ("glm4v", 46, 2),
    ("glm5v", 46, 2),
    ("exaone4_5", 46, 2),
];

/// Pieces of sound that an encoder of Whisper's kind reads at once.
const AUDIO_FRAMES: u64 = 1_500;

/// What a projector takes: everything on the first GPU, or in host memory.
pub(super) fn fixed(
    settings: &LlamaCpp,
    name: &str,
    projector: &Projector,
    gpus: usize,
) -> Result<Fixed, EngineError> {
    let place = match settings.additions.projector_offload {
        true => Place::Gpu(0),
        false => Place::Host,
    };
    let mut weights = Bytes::zero(gpus);
    for tensor in &projector.tensors {
        weights.add(place, allocated_bytes(tensor, place))?;
    }
    let fused = settings.flash_attention != FlashAttention::Off;
    let vision = projector.vision.map_or(0, |encoder| {
        let patches = patches(&projector.kind, &encoder);
        // Attention in windows comes with a mask.
        let masked = matches!(projector.kind.as_str(), "qwen2.5vl_merger" | "qwen2.5o");
        buffer(&encoder, patches, fused, masked)
    });
    let audio = projector
        .audio
        .map_or(0, |encoder| buffer(&encoder, AUDIO_FRAMES, fused, false));
    let mut compute = Bytes::zero(gpus);
    compute.add(place, vision.saturating_add(audio))?;
    Ok(Fixed {
        name: format!("--mmproj {name}"),
        weights,
        weights_basis: match name {
            Additions::OWN_PROJECTOR => Basis::Estimate {
                below_permille: 20,
                above_permille: 10,
            },
            _ => Basis::Exact,
        },
        compute,
        basis: Basis::Estimate {
            below_permille: 300,
            above_permille: 100,
        },
        source: "llama.cpp tools/mtmd/clip.cpp (reserve_compute_meta)",
    })
}

/// Patches of the image that buffers are reserved for.
fn patches(kind: &str, encoder: &Encoder) -> u64 {
    let side = match RESERVED.iter().find(|(name, ..)| *name == kind) {
        Some(&(_, tokens, merge)) => {
            let merge = if encoder.merge > 0 {
                encoder.merge
            } else {
                merge
            };
            tokens.saturating_mul(merge)
        }
        None => encoder
            .image_size
            .checked_div(encoder.patch_size)
            .unwrap_or(0),
    };
    side.saturating_mul(side)
}

/// Bytes of the encoder's buffers for this many patches.
fn buffer(encoder: &Encoder, patches: u64, fused: bool, masked: bool) -> u64 {
    let floats = |count: u64| count.saturating_mul(4).saturating_mul(patches);
    let width = encoder.width;
    let scores = floats(patches);
    if fused {
        // The mask lies there in f32 and in f16.
        let masks = if masked { scores / 2 * 3 } else { 0 };
        let stream = width.saturating_mul(5);
        return floats(encoder.feed_forward_length.saturating_add(stream)).saturating_add(masks);
    }
    let masks = if masked { scores } else { 0 };
    scores
        .saturating_mul(encoder.heads)
        .saturating_add(floats(width.saturating_mul(10)))
        .saturating_add(masks)
}
