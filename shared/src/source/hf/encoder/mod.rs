//! What of a multimodal configuration looks at images or listens: numbers of weights, for engines
//! that load it along with the language model. A kind of encoder that is not known counts as many
//! as its sizes may mean.

mod bound;
mod formula;
mod table;

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

pub(super) use self::bound::bound;
use self::bound::is_tower;

use self::formula::Names;
use self::table::{ENCODERS, Encoder};
use crate::model::{StatedVision, Vision};

/// Tokens of a video that Gemma 4 takes: 32 frames of 70 tokens, with what stands around each.
const GEMMA4_VIDEO_TOKENS: u64 = 32 * (70 + 2 + 6);

/// The encoders that `root` describes, feeding a stream of `width`.
pub(super) fn encoder(root: &Map<String, Value>, width: u64) -> Option<Vision> {
    // Of those that speak as well, what listens and thinks.
    let thinker = root.get("thinker_config").and_then(Value::as_object);
    let named =
        |object: &'_ Map<String, Value>| object.get("model_type")?.as_str().map(String::from);
    let written = thinker.and_then(named).or_else(|| named(root))?;
    let written = written.as_str();
    let root = thinker.unwrap_or(root);
    // The language model's own object may stand alone, with the encoder's in it.
    let model_type = written.strip_suffix("_text").unwrap_or(written);
    let mut vision: Option<Vision> = None;
    let mut counted_objects: Vec<&str> = Vec::new();
    for encoder in ENCODERS {
        if counted_objects.contains(&encoder.object) || !encoder.model_types.contains(&model_type) {
            continue;
        }
        let empty = Map::new();
        let config = match find(root, encoder.object) {
            Some(config) => config,
            None if encoder.unsaid && written == model_type => &empty,
            None => continue,
        };
        if !encoder.is_of(config) {
            continue;
        }
        counted_objects.push(encoder.object);
        let counted = encoder.count(config, root, width)?;
        vision = Some(match vision {
            None => counted,
            Some(other) => other
                .with_whole(&[counted.whole])?
                .with_shared_out(&[counted.shared_out])?,
        });
    }
    for (name, tower) in root {
        let is_counted = |object: &&str| object.split('.').next() == Some(name);
        if !is_tower(name) || counted_objects.iter().any(is_counted) {
            continue;
        }
        if let Some(tower) = tower.as_object() {
            let more = bound::with_inner(tower, width);
            vision = Some(vision.unwrap_or_default().with_whole(&[more])?);
        }
    }
    let text = root.get("text_config").and_then(Value::as_object);
    let both_ways = text.unwrap_or(root).get("use_bidirectional_attention");
    Some(Vision {
        item_tokens: match both_ways.and_then(Value::as_str) {
            Some("vision") => GEMMA4_VIDEO_TOKENS,
            _ => 0,
        },
        stated: stated(root, model_type),
        ..vision?
    })
}

/// What the encoder's own object says by common names. Qwen's classes take `depth` for the layers.
fn stated(root: &Map<String, Value>, model_type: &str) -> Option<StatedVision> {
    /// More than any encoder's extents.
    const MOST: u64 = 1 << 24;
    let config = root.get("vision_config")?.as_object()?;
    let number = |name: &str| {
        let number = config.get(name).and_then(Value::as_u64);
        number.filter(|&extent| extent <= MOST)
    };
    let or = |name, otherwise| Some(number(name).unwrap_or(otherwise));
    let (layers, width) = match model_type {
        "qwen2_vl" | "qwen2_5_vl" => (or("depth", 32), or("hidden_size", 3_584)),
        "qwen3_vl" | "qwen3_vl_moe" => (or("depth", 27), or("hidden_size", 1_152)),
        _ => (number("num_hidden_layers"), number("hidden_size")),
    };
    Some(StatedVision { layers, width })
}

/// The object at a path of names.
fn find<'a>(root: &'a Map<String, Value>, path: &str) -> Option<&'a Map<String, Value>> {
    if path.is_empty() {
        return Some(root);
    }
    path.split('.')
        .try_fold(root, |object, name| object.get(name)?.as_object())
}

impl Encoder {
    fn is_of(&self, config: &Map<String, Value>) -> bool {
        let kind = config.get("model_type").and_then(Value::as_str);
        self.kind.is_empty() || kind == Some(self.kind)
    }

    fn count(
        &self,
        config: &Map<String, Value>,
        root: &Map<String, Value>,
        width: u64,
    ) -> Option<Vision> {
        let mut names = Names::new(width);
        for bindings in self.names {
            names.bind(bindings, config, root)?;
        }
        Some(Vision {
            shared_out: names.value(self.shared_out)?,
            whole: names.value(self.whole)?,
            ..Vision::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weights of encoder and projector as transformers builds them.
    #[test]
    fn encoders_are_as_large_as_the_classes_make_them() {
        for (config, width, counted) in [
            (
                // Gemma 3 27B.
                r#"{"model_type": "gemma3", "vision_config": {"hidden_size": 1152, "image_size": 896,
                "intermediate_size": 4304, "num_hidden_layers": 27, "patch_size": 14,
                "vision_use_head": false}}"#,
                5_376,
                423_060_336,
            ),
            (
                // Qwen3.5-27B.
                r#"{"model_type": "qwen3_5", "vision_config": {"deepstack_visual_indexes": [],
                "depth": 27, "hidden_size": 1152, "in_channels": 3, "intermediate_size": 4304,
                "num_position_embeddings": 2304, "out_hidden_size": 5120, "patch_size": 16,
                "spatial_merge_size": 2, "temporal_patch_size": 2}}"#,
                5_120,
                460_730_096,
            ),
            (
                // Qwen3-VL-8B.
                r#"{"model_type": "qwen3_vl", "vision_config": {"deepstack_visual_indexes":
                [8, 16, 24], "depth": 27, "hidden_size": 1152, "in_channels": 3,
                "intermediate_size": 4304, "num_position_embeddings": 2304,
                "out_hidden_size": 4096, "patch_size": 16}}"#,
                4_096,
                576_388_336,
            ),
            (
                // Qwen2.5-VL-7B.
                r#"{"model_type": "qwen2_5_vl", "vision_config": {"depth": 32, "hidden_size": 1280,
                "intermediate_size": 3420, "out_hidden_size": 3584, "patch_size": 14}}"#,
                3_584,
                676_550_144,
            ),
            (
                // Llama 4 Scout, and its configuration without the encoder's.
                r#"{"model_type": "llama4", "vision_config": {"hidden_size": 1408,
                "image_size": 336, "intermediate_size": 5632, "num_hidden_layers": 34,
                "patch_size": 14, "projector_input_dim": 4096, "projector_output_dim": 4096,
                "vision_output_dim": 4096}}"#,
                5_120,
                871_932_416,
            ),
            (r#"{"model_type": "llama4"}"#, 5_120, 455_178_240),
            (
                // Gemma 4 26B A4B.
                r#"{"model_type": "gemma4", "vision_config": {"hidden_size": 1152,
                "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
                "num_key_value_heads": 16, "head_dim": 72, "patch_size": 16,
                "position_embedding_size": 10240}}"#,
                2_816,
                572_792_112,
            ),
        ] {
            let root: Value = serde_json::from_str(config).unwrap();
            let vision = encoder(root.as_object().unwrap(), width).unwrap();
            assert_eq!(vision.parameters(), counted, "{config}");
        }
    }

    /// Weights of an encoder that is not known, and of a known one of the same sizes.
    #[test]
    fn what_is_not_known_is_bounded() {
        let sizes = r#""vision_config": {"hidden_size": 1152, "image_size": 384,
            "intermediate_size": 4304, "num_hidden_layers": 27, "patch_size": 14}}"#;
        let [known, unknown] = ["deepseek_vl", "other"].map(|model_type| {
            let config = alloc::format!(r#"{{"model_type": "{model_type}", {sizes}"#);
            let root: Value = serde_json::from_str(&config).unwrap();
            encoder(root.as_object().unwrap(), 4_096)
                .unwrap()
                .parameters()
        });
        assert!(unknown > known && unknown < 4 * known, "{known} {unknown}");
    }

    #[test]
    fn what_is_absurd_or_not_there_counts_as_nothing() {
        for config in [
            r#"{"model_type": "llama"}"#,
            r#"{"model_type": "gemma3"}"#,
            r#"{"model_type": "gemma3", "vision_config": {"patch_size": 0}}"#,
            r#"{"model_type": "gemma3", "vision_config": {"hidden_size": 99999999999}}"#,
        ] {
            let root: Value = serde_json::from_str(config).unwrap();
            assert_eq!(encoder(root.as_object().unwrap(), 4_096), None, "{config}");
        }
    }
}
