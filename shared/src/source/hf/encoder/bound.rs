//! A bound from above for what looks at images or listens beside a language model.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::model::Vision;
use crate::source::hf::fields::NESTS;

/// More than any encoder's extents.
const MOST: u64 = 1 << 20;

/// Objects that hold something that looks or listens.
const TOWERS: [&str; 10] = [
    "vision_config",
    "audio_config",
    "vq_config",
    "perceiver_config",
    "encoder_config",
    "speech_config",
    "sound_config",
    "visual_config",
    "vision_tower_config",
    "audio_encoder_config",
];

/// Objects that are no towers.
const OTHERS: [&str; 9] = [
    "quantization_config",
    "per_layer_config",
    "attn_config",
    "ffn_config",
    "moe_config",
    "linear_attn_config",
    // Engines that generate text leave these out.
    "talker_config",
    "token2wav_config",
    "code2wav_config",
];

/// Whether an object of this name holds something that looks or listens.
pub(in crate::source::hf) fn is_tower(name: &str) -> bool {
    TOWERS.contains(&name)
}

/// Weights of everything beside the language model that a configuration speaks of: as they are
/// where the encoder is known, else as many as a transformer or conformer of the largest sizes
/// that its object names may have, with what carries its results over to a stream of `width`.
pub(in crate::source::hf) fn bound(root: &Map<String, Value>, width: u64) -> Option<Vision> {
    let known = super::encoder(root, width).map_or(0, |vision| vision.parameters());
    let whole = towers(root, width).max(known);
    (whole > 0).then_some(Vision {
        whole,
        ..Vision::default()
    })
}

/// The towers in an object, one for each further object that is no part of the language model.
fn towers(object: &Map<String, Value>, width: u64) -> u64 {
    let is_beside =
        |name: &str| name.ends_with("_config") && !NESTS.contains(&name) && !OTHERS.contains(&name);
    object
        .iter()
        .filter(|(name, _)| is_beside(name))
        .filter_map(|(_, value)| value.as_object())
        .map(|tower| with_inner(tower, width))
        .fold(0, u64::saturating_add)
}

/// A tower and those within it.
pub(super) fn with_inner(object: &Map<String, Value>, width: u64) -> u64 {
    tower(object, width).saturating_add(towers(object, width))
}

fn tower(tower: &Map<String, Value>, width: u64) -> u64 {
    let named = |names: &[&str]| most(tower, names);
    let own = named(&[
        "hidden_size",
        "embed_dim",
        "d_model",
        "width",
        "hidden_dim",
        "vt_hidden_size",
        "embedding_size",
        "dim",
        "n_embd",
    ])
    .unwrap_or(1_280);
    let layers = named(&[
        "num_hidden_layers",
        "depth",
        "layers",
        "n_layers",
        "n_layer",
        "num_layers",
        "encoder_layers",
        "vt_num_hidden_layers",
        "conf_num_hidden_layers",
        "num_blocks",
        "resampler_depth",
    ])
    .unwrap_or(32)
    .saturating_add(named(&["num_global_layers", "decoder_layers"]).unwrap_or(0));
    let ratio = tower.get("mlp_ratio").and_then(Value::as_f64);
    let widened = ratio.filter(|ratio| (1.0..64.0).contains(ratio));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "bounded above, and rounded up"
    )]
    let widened = widened.map_or(0, |ratio| (ratio * own as f64) as u64 + 1);
    let inner = named(&[
        "intermediate_size",
        "encoder_ffn_dim",
        "decoder_ffn_dim",
        "vt_intermediate_size",
        "mlp_dim",
        "ffn_dim",
        "ffn_hidden_size",
        "out_hidden_size",
        "out_dim",
    ])
    .unwrap_or(0)
    .max(own.saturating_mul(4))
    .max(widened);
    let product = |factors: &[u64]| {
        factors
            .iter()
            .fold(1, |product: u64, &factor| product.saturating_mul(factor))
    };
    // Attention with relative positions, a gated convolution, two gated networks, norms.
    let layer = product(&[own, own, 9])
        .saturating_add(product(&[own, inner, 4]))
        .saturating_add(product(&[own, 64]));
    let patch = named(&["patch_size", "spatial_patch_size"])
        .unwrap_or(14)
        .max(1);
    let side = named(&["image_size", "max_img_size"]).unwrap_or(448) / patch;
    let positions = product(&[side, side])
        .saturating_add(1)
        .max(named(&["num_position_embeddings", "max_position_embeddings"]).unwrap_or(0))
        .max(
            named(&["position_embedding_size"])
                .unwrap_or(0)
                .saturating_mul(2),
        )
        .max(named(&["max_source_positions"]).unwrap_or(4_096));
    let tiles = named(&["max_num_tiles"]).unwrap_or(0);
    let tables = product(&[positions, own, tiles.saturating_mul(10).max(1)]);
    let patches = product(&[patch, patch, 8, own]);
    let stem = product(&[own, own, 16]);
    let codes = product(&[named(&["vocab_size"]).unwrap_or(0), own.max(width)]);
    // A merger of four by four places and two matrices into the stream.
    let merged = own.saturating_mul(4);
    let wide = merged.max(inner).max(width);
    let carried = product(&[merged, wide, 2])
        .saturating_add(product(&[wide, width, 2]))
        .saturating_add(product(&[width, width, 2]));
    let mergers = match tower.get("deepstack_visual_indexes") {
        Some(Value::Array(list)) => (list.len() as u64).saturating_add(1),
        _ => 1,
    };
    [tables, patches, stem, codes, product(&[carried, mergers])]
        .into_iter()
        .fold(product(&[layers, layer]), u64::saturating_add)
}

/// The largest number under any of the names, or in a list there.
fn most(object: &Map<String, Value>, names: &[&str]) -> Option<u64> {
    let number = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_u64).max(),
        value => value.as_u64(),
    };
    let values = names.iter().filter_map(|name| number(object.get(*name)?));
    values.max().map(|value| value.min(MOST))
}
