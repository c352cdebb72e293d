//! The largest image or video that an encoder is given at once, which vLLM tries before it shares
//! out the memory.
//!
//! Source: vLLM 0.33.0, `multimodal/encoder_budget.py` and `model_executor/models/*.py`; sizes that
//! a `config.json` does not hold are those of the model families' own preprocessors.

use alloc::string::String;

use serde_json::{Map, Value};

use crate::model::{Encoder, Item};

/// More than any encoder's extents.
const MOST: u64 = 1 << 24;
/// Pixels that the Qwen families' preprocessors give an image at most, in tokens.
const QWEN_TOKENS: u64 = 16_384;
/// Frames in twos of a video that Qwen2-VL and Qwen2.5-VL are tried with.
const QWEN2_FRAME_PAIRS: u64 = 7;
/// Tiles that Llama 4 cuts an image into, and the whole image.
const LLAMA4_TILES: u64 = 17;
/// A video of Gemma 4: its frames, tokens of a frame, and those that stand around each.
const GEMMA4_FRAMES: u64 = 32;
const GEMMA4_FRAME_TOKENS: u64 = 70;
const GEMMA4_FRAME_MARKS: u64 = 8;

/// What the encoder that `root` describes is tried with; `None` where it is not known.
pub(super) fn largest_item(root: &Map<String, Value>) -> Option<Item> {
    let model_type = root.get("model_type")?.as_str()?;
    let config = root.get("vision_config")?.as_object()?;
    let fields = Fields { config, root };
    match model_type.strip_suffix("_text").unwrap_or(model_type) {
        "gemma3" => fields.gemma3(),
        "gemma4" => fields.gemma4(),
        "llama4" => fields.llama4(),
        "llava" => fields.clip(),
        "mistral3" | "ministral3" | "mistral" | "pixtral" => fields.pixtral(),
        "qwen2_vl" => fields.qwen("qwen2vl_merger", "embed_dim", 14, QWEN2_FRAME_PAIRS),
        "qwen2_5_vl" => fields.qwen("qwen2.5vl_merger", "hidden_size", 14, QWEN2_FRAME_PAIRS),
        "qwen3_vl" | "qwen3_vl_moe" | "qwen3_5" | "qwen3_5_moe" => {
            fields.qwen("qwen3vl_merger", "hidden_size", 16, 1)
        }
        _ => None,
    }
}

struct Fields<'a> {
    config: &'a Map<String, Value>,
    root: &'a Map<String, Value>,
}

/// What a layer makes of each patch: query, key and value, those two rotated and before, and what
/// attention gives, twice.
fn attended(width: u64) -> Option<u64> {
    width.checked_mul(9)
}

impl Fields<'_> {
    /// A field of the encoder, or its class's default.
    fn field(&self, name: &str, default: u64) -> Option<u64> {
        number(self.config, name, default)
    }

    /// Patches along the side of an image of fixed size.
    fn side(&self, size: u64, patch: u64) -> Option<u64> {
        let patch = self.field("patch_size", patch)?;
        self.field("image_size", size)?.checked_div(patch)
    }

    /// Elements of a patch of pixels.
    fn pixels(&self, patch: u64, frames: u64) -> Option<u64> {
        let patch = self.field("patch_size", patch)?;
        patch.checked_mul(patch)?.checked_mul(3 * frames)
    }

    /// An encoder whose networks are not gated, and which ranks share out.
    fn plain(&self, width: u64, inner: u64, pixels: u64) -> Option<Item> {
        Some(Item {
            whole: stream(width, pixels)?,
            shared_out: attended(width)?.max(inner.checked_mul(2)?),
            encoder: self.encoder(width, inner)?,
            ..Item::default()
        })
    }

    fn encoder(&self, width: u64, feed_forward_length: u64) -> Option<Encoder> {
        let heads = self.field("num_heads", 16)?;
        Some(Encoder {
            width,
            feed_forward_length,
            heads: self.field("num_attention_heads", heads)?,
            patch_size: self.field("patch_size", 14)?,
            image_size: self.field("image_size", 0)?,
            merge: self.field("spatial_merge_size", 0)?,
        })
    }

    fn gemma3(&self) -> Option<Item> {
        let width = self.field("hidden_size", 1_152)?;
        let inner = self.field("intermediate_size", 4_304)?;
        let side = self.side(896, 14)?;
        Some(Item {
            tokens: number(self.root, "mm_tokens_per_image", 256)?,
            patches: side.checked_mul(side)?,
            projector: "gemma3",
            ..self.plain(width, inner, self.pixels(14, 1)?)?
        })
    }

    /// Every rank has the encoder whole.
    fn gemma4(&self) -> Option<Item> {
        let width = self.field("hidden_size", 768)?;
        let inner = self.field("intermediate_size", 3_072)?;
        let pooled = self.field("pooling_kernel_size", 3)?;
        let pooled = pooled.checked_mul(pooled)?;
        let layer = attended(width)?.max(inner.checked_mul(3)?);
        Some(Item {
            tokens: GEMMA4_FRAMES * (GEMMA4_FRAME_TOKENS + GEMMA4_FRAME_MARKS),
            patches: pooled.checked_mul(GEMMA4_FRAMES * GEMMA4_FRAME_TOKENS)?,
            whole: stream(width, self.pixels(16, 1)?)?.checked_add(layer)?,
            projector: "gemma4v",
            encoder: self.encoder(width, inner)?,
            ..Item::default()
        })
    }

    /// Four patches become a token; every tile has a place for the class.
    fn llama4(&self) -> Option<Item> {
        let width = self.field("hidden_size", 1_408)?;
        let inner = self.field("intermediate_size", 5_632)?;
        let side = self.side(336, 14)?;
        let patches = side.checked_mul(side)?;
        Some(Item {
            tokens: LLAMA4_TILES.checked_mul((patches / 4).checked_add(1)?)?,
            patches: LLAMA4_TILES.checked_mul(patches.checked_add(1)?)?,
            projector: "llama4",
            ..self.plain(width, inner, self.pixels(14, 1)?)?
        })
    }

    fn clip(&self) -> Option<Item> {
        let width = self.field("hidden_size", 1_024)?;
        let inner = self.field("intermediate_size", 4_096)?;
        let side = self.side(336, 14)?;
        let patches = side.checked_mul(side)?;
        Some(Item {
            tokens: patches,
            patches: patches.checked_add(1)?,
            projector: "mlp",
            ..self.plain(width, inner, self.pixels(14, 1)?)?
        })
    }

    /// Some patches become a token, and every row ends with one.
    fn pixtral(&self) -> Option<Item> {
        let width = self.field("hidden_size", 1_024)?;
        let inner = self.field("intermediate_size", 4_096)?;
        let side = self.side(1_024, 16)?;
        let merge = number(self.root, "spatial_merge_size", 2)?.max(1);
        let merged = side / merge;
        Some(Item {
            tokens: merged.checked_mul(merged.checked_add(1)?)?,
            patches: side.checked_mul(side)?,
            whole: stream(width, self.pixels(16, 1)?)?,
            shared_out: attended(width)?.max(inner.checked_mul(3)?),
            projector: "pixtral",
            encoder: Encoder {
                merge,
                ..self.encoder(width, inner)?
            },
            ..Item::default()
        })
    }

    fn qwen(
        &self,
        projector: &'static str,
        width: &str,
        patch: u64,
        frame_pairs: u64,
    ) -> Option<Item> {
        let width = self.field(width, if patch == 14 { 1_280 } else { 1_152 })?;
        let inner = match self.config.get("mlp_ratio").and_then(Value::as_u64) {
            Some(ratio) => ratio.checked_mul(width)?,
            None => self.field("intermediate_size", 3_420)?,
        };
        let merge = self.field("spatial_merge_size", 2)?;
        let temporal = self.field("temporal_patch_size", 2)?;
        Some(Item {
            tokens: QWEN_TOKENS,
            patches: QWEN_TOKENS.checked_mul(merge.checked_mul(merge)?)?,
            units: frame_pairs,
            projector,
            ..self.plain(width, inner, self.pixels(patch, temporal.min(8))?)?
        })
    }
}

/// What every rank holds of each patch: its pixels as they came and in the encoder's type, the
/// stream, where it is, and a norm's and a layer's result.
fn stream(width: u64, pixels: u64) -> Option<u64> {
    width.checked_mul(4)?.checked_add(pixels.checked_mul(2)?)
}

fn number(object: &Map<String, Value>, name: &str, default: u64) -> Option<u64> {
    match object.get(name) {
        None | Some(Value::Null) => Some(default),
        Some(value) => value.as_u64().filter(|&extent| extent <= MOST),
    }
}
