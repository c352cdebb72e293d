//! What of a multimodal configuration looks at images: numbers of weights, for engines that load
//! it along with the language model.
//!
//! Source: the model classes of transformers 5.23.0 and vLLM 0.33.0. The counts are theirs; a kind
//! of encoder that is not known here counts as nothing.

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::model::Vision;

/// More than any encoder's extents.
const MOST: u64 = 1 << 24;

/// The encoder that `root` describes, feeding a stream of `width`.
pub(super) fn encoder(root: &Map<String, Value>, width: u64) -> Option<Vision> {
    let model_type = root.get("model_type")?.as_str()?;
    let empty = Map::new();
    let config = root.get("vision_config").and_then(Value::as_object);
    let fields = Encoder {
        config: config.unwrap_or(&empty),
    };
    // The language model's own object may stand alone, with the encoder's in it.
    let vision = match model_type.strip_suffix("_text").unwrap_or(model_type) {
        // A trimmed configuration stands for the class's own encoder.
        "llama4" if config.is_some() || model_type == "llama4" => fields.llama4(width),
        _ if config.is_none() => None,
        "gemma3" => fields.siglip(width),
        "gemma4" => fields.gemma4(width),
        "gemma4_unified" => Some(Vision::default()),
        "mistral3" | "ministral3" | "mistral" => fields.pixtral(root, width),
        "qwen2_vl" => fields.qwen2(width),
        "qwen2_5_vl" => fields.qwen25(width),
        "llava" => fields.clip(width),
        "kimi_k25" => fields.kimi(width),
        "qwen3_vl" | "qwen3_vl_moe" | "qwen3_5" | "qwen3_5_moe" => fields.qwen3(width),
        _ => None,
    }?;
    let text = root.get("text_config").and_then(Value::as_object);
    let both_ways = text.unwrap_or(root).get("use_bidirectional_attention");
    Some(Vision {
        item_tokens: match both_ways.and_then(Value::as_str) {
            Some("vision") => GEMMA4_VIDEO_TOKENS,
            _ => 0,
        },
        ..vision
    })
}

/// Tokens of a video that Gemma 4 takes: 32 frames of 70 tokens, with what stands around each.
const GEMMA4_VIDEO_TOKENS: u64 = 32 * (70 + 2 + 6);

struct Encoder<'a> {
    config: &'a Map<String, Value>,
}

/// A linear layer's matrix, and its bias.
fn linear(input: u64, output: u64) -> Option<u64> {
    input.checked_mul(output)?.checked_add(output)
}

impl Encoder<'_> {
    /// A field, or the class's default.
    fn field(&self, name: &str, default: u64) -> Option<u64> {
        match self.config.get(name) {
            None | Some(Value::Null) => Some(default),
            Some(value) => value.as_u64().filter(|&extent| extent <= MOST),
        }
    }

    /// Layers of layer norms, attention and two linear layers, all with biases. Biases of what sums
    /// over ranks are added once.
    fn layers(&self, count: u64, width: u64, inner: u64) -> Option<Vision> {
        let attention = linear(width, width)?.checked_mul(3)?;
        let attention = attention.checked_add(width.checked_mul(width)?)?;
        let network = linear(width, inner)?.checked_add(inner.checked_mul(width)?)?;
        // Two norms of weight and bias, and the two biases.
        let whole = width.checked_mul(6)?;
        Some(Vision {
            shared_out: attention.checked_add(network)?.checked_mul(count)?,
            whole: whole.checked_mul(count)?,
            ..Vision::default()
        })
    }

    /// SigLIP and Gemma 3's projector.
    fn siglip(&self, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 768)?;
        let inner = self.field("intermediate_size", 3_072)?;
        let patch = self.field("patch_size", 16)?;
        let layers = self.layers(self.field("num_hidden_layers", 12)?, own, inner)?;
        let side = self.field("image_size", 224)?.checked_div(patch)?;
        let patches = linear(patch.checked_mul(patch)?.checked_mul(3)?, own)?;
        let positions = side.checked_mul(side)?.checked_mul(own)?;
        let norms = own.checked_mul(3)?;
        let projector = own.checked_mul(width)?;
        layers.with_whole(&[patches, positions, norms, projector])
    }

    /// Llama 4's encoder, its pixel shuffle and projector.
    fn llama4(&self, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 768)?;
        let inner = self.field("intermediate_size", 5_632)?;
        let patch = self.field("patch_size", 14)?;
        let layers = self.layers(self.field("num_hidden_layers", 34)?, own, inner)?;
        let side = self.field("image_size", 448)?.checked_div(patch)?;
        let patches = patch.checked_mul(patch)?.checked_mul(3)?.checked_mul(own)?;
        // A place for the class, and two norms.
        let positions = side.checked_mul(side)?.checked_add(6)?.checked_mul(own)?;
        let shuffled = self.field("projector_input_dim", 4_096)?;
        let adapter = inner.checked_add(self.field("projector_output_dim", 4_096)?)?;
        let adapter = adapter.checked_mul(shuffled)?;
        let projector = self.field("vision_output_dim", 7_680)?.checked_mul(width)?;
        let vision = layers.with_whole(&[positions])?;
        vision.with_shared_out(&[patches, adapter, projector])
    }

    /// Qwen3-VL's and Qwen3.5's encoder, which feeds some of its layers into the language model's.
    fn qwen3(&self, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 1_152)?;
        let inner = self.field("intermediate_size", 4_304)?;
        let layers = self.layers(self.field("depth", 27)?, own, inner)?;
        let patch = self.field("patch_size", 16)?;
        let pixels = patch
            .checked_mul(patch)?
            .checked_mul(self.field("temporal_patch_size", 2)?)?
            .checked_mul(self.field("in_channels", 3)?)?;
        let positions = self.field("num_position_embeddings", 2_304)?;
        let merge = self.field("spatial_merge_size", 2)?;
        let merged = merge.checked_mul(merge)?.checked_mul(own)?;
        let output = self.field("out_hidden_size", width)?;
        let further = self.config.get("deepstack_visual_indexes");
        let further = further.and_then(Value::as_array).map_or(0, Vec::len) as u64;
        let mergers = further.checked_add(1)?;
        let merger = linear(merged, merged)?.checked_add(merged.checked_mul(output)?)?;
        let norms = own
            .checked_mul(2)?
            .checked_add(merged.checked_mul(2)?.checked_mul(further)?)?;
        layers
            .with_whole(&[
                linear(pixels, own)?,
                positions.checked_mul(own)?,
                norms,
                output.checked_mul(mergers)?,
            ])?
            .with_shared_out(&[merger.checked_mul(mergers)?])
    }

    /// Qwen2-VL's encoder.
    fn qwen2(&self, width: u64) -> Option<Vision> {
        let own = self.field("embed_dim", 1_280)?;
        let inner = own.checked_mul(self.field("mlp_ratio", 4)?)?;
        let layers = self.layers(self.field("depth", 32)?, own, inner)?;
        let patch = self.field("patch_size", 14)?;
        let pixels = patch
            .checked_mul(patch)?
            .checked_mul(self.field("temporal_patch_size", 2)?)?
            .checked_mul(self.field("in_channels", 3)?)?;
        let merge = self.field("spatial_merge_size", 2)?;
        let merged = merge.checked_mul(merge)?.checked_mul(own)?;
        let output = self.field("hidden_size", width)?;
        let merger = linear(merged, merged)?.checked_add(merged.checked_mul(output)?)?;
        layers
            .with_whole(&[pixels.checked_mul(own)?, own.checked_mul(2)?, output])?
            .with_shared_out(&[merger])
    }

    /// CLIP and LLaVA's projector.
    fn clip(&self, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 768)?;
        let inner = self.field("intermediate_size", 3_072)?;
        let patch = self.field("patch_size", 32)?;
        let layers = self.layers(self.field("num_hidden_layers", 12)?, own, inner)?;
        let side = self.field("image_size", 224)?.checked_div(patch)?;
        let pixels = patch.checked_mul(patch)?.checked_mul(3)?;
        // A place for the class and what it is, and two norms.
        let positions = side.checked_mul(side)?.checked_add(6)?.checked_mul(own)?;
        let projector = linear(own, width)?.checked_add(width.checked_mul(width)?)?;
        layers
            .with_whole(&[pixels.checked_mul(own)?, positions, width])?
            .with_shared_out(&[projector])
    }

    /// Kimi's encoder and patch merger.
    fn kimi(&self, width: u64) -> Option<Vision> {
        let own = self.field("vt_hidden_size", 1_152)?;
        let inner = self.field("vt_intermediate_size", 4_304)?;
        let layers = self.layers(self.field("vt_num_hidden_layers", 27)?, own, inner)?;
        let patch = self.field("patch_size", 14)?;
        let patches = linear(patch.checked_mul(patch)?.checked_mul(3)?, own)?;
        let height = self.field("init_pos_emb_height", 64)?;
        let positions = height.checked_mul(self.field("init_pos_emb_width", 64)?)?;
        let merged = own.checked_mul(4)?;
        let output = self.field("text_hidden_size", width)?;
        let merger = linear(merged, merged)?.checked_add(merged.checked_mul(output)?)?;
        layers
            .with_whole(&[patches, positions.checked_mul(own)?, merged, output])?
            .with_shared_out(&[merger])
    }

    /// Qwen2.5-VL's encoder: gated networks, norms without biases.
    fn qwen25(&self, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 1_280)?;
        let inner = self.field("intermediate_size", 3_420)?;
        let depth = self.field("depth", 32)?;
        let attention = linear(own, own)?.checked_mul(3)?;
        let attention = attention.checked_add(own.checked_mul(own)?)?;
        let network = linear(own, inner)?.checked_mul(2)?;
        let network = network.checked_add(inner.checked_mul(own)?)?;
        let patch = self.field("patch_size", 14)?;
        let pixels = patch
            .checked_mul(patch)?
            .checked_mul(self.field("temporal_patch_size", 2)?)?
            .checked_mul(self.field("in_chans", 3)?)?;
        let merge = self.field("spatial_merge_size", 2)?;
        let merged = merge.checked_mul(merge)?.checked_mul(own)?;
        let output = self.field("out_hidden_size", width)?;
        let merger = linear(merged, merged)?.checked_add(merged.checked_mul(output)?)?;
        Vision {
            shared_out: attention.checked_add(network)?.checked_mul(depth)?,
            whole: own.checked_mul(4)?.checked_mul(depth)?,
            ..Vision::default()
        }
        .with_whole(&[pixels.checked_mul(own)?, own, output])?
        .with_shared_out(&[merger])
    }

    /// Pixtral's encoder behind Mistral 3's patch merger and projector: no biases.
    fn pixtral(&self, root: &Map<String, Value>, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 1_024)?;
        let inner = self.field("intermediate_size", 4_096)?;
        let layers = self.field("num_hidden_layers", 24)?;
        let patch = self.field("patch_size", 16)?;
        let pixels = patch
            .checked_mul(patch)?
            .checked_mul(self.field("num_channels", 3)?)?;
        let merge = root.get("spatial_merge_size").and_then(Value::as_u64);
        let merge = merge.unwrap_or(2).min(MOST);
        let attention = own.checked_mul(own)?.checked_mul(4)?;
        let network = own.checked_mul(inner)?.checked_mul(3)?;
        let merged = merge.checked_mul(merge)?.checked_mul(own)?;
        let projector = own.checked_add(width)?.checked_mul(width)?;
        Vision {
            shared_out: attention.checked_add(network)?.checked_mul(layers)?,
            whole: own.checked_mul(2)?.checked_mul(layers)?,
            ..Vision::default()
        }
        .with_whole(&[
            pixels.checked_mul(own)?,
            own.checked_mul(2)?,
            merged.checked_mul(own)?,
        ])?
        .with_shared_out(&[projector])
    }

    /// Gemma 4's encoder, which every rank has whole.
    fn gemma4(&self, width: u64) -> Option<Vision> {
        let own = self.field("hidden_size", 768)?;
        let inner = self.field("intermediate_size", 3_072)?;
        let heads = self.field("num_attention_heads", 12)?;
        let kv_heads = self.field("num_key_value_heads", heads)?;
        let head = self.field("head_dim", 64)?;
        let patch = self.field("patch_size", 16)?;
        let projections = heads.checked_add(kv_heads)?.checked_mul(2)?;
        let attention = projections.checked_mul(head)?.checked_mul(own)?;
        let network = own.checked_mul(inner)?.checked_mul(3)?;
        let norms = own.checked_mul(4)?.checked_add(head.checked_mul(2)?)?;
        let layer = attention.checked_add(network)?.checked_add(norms)?;
        let positions = self.field("position_embedding_size", 10_240)?;
        Vision::default().with_whole(&[
            layer.checked_mul(self.field("num_hidden_layers", 16)?)?,
            patch.checked_mul(patch)?.checked_mul(3)?.checked_mul(own)?,
            positions.checked_mul(2)?.checked_mul(own)?,
            own.checked_mul(width)?,
        ])
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
                "intermediate_size": 4304, "num_hidden_layers": 27, "patch_size": 14}}"#,
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

    #[test]
    fn what_is_not_known_or_absurd_counts_as_nothing() {
        for config in [
            r#"{"model_type": "llama"}"#,
            r#"{"model_type": "gemma3"}"#,
            r#"{"model_type": "other", "vision_config": {}}"#,
            r#"{"model_type": "gemma3", "vision_config": {"patch_size": 0}}"#,
            r#"{"model_type": "gemma3", "vision_config": {"hidden_size": 99999999999}}"#,
        ] {
            let root: Value = serde_json::from_str(config).unwrap();
            assert_eq!(encoder(root.as_object().unwrap(), 4_096), None, "{config}");
        }
    }
}
