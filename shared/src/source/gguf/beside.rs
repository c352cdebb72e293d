//! GGUF files that are loaded beside a model: projectors and adapters.
//!
//! Source: llama.cpp 0.5.0, `clip.cpp` (`load_hparams`), `clip-impl.h` (keys), and
//! `llama-adapter.cpp` (`llama_adapter_lora_init_impl`).

use alloc::format;
use alloc::vec::Vec;

use super::error::GgufError;
use super::header::Header;
use super::value::Value;
use crate::model::{Encoder, Projector, Tensor};

/// A size larger than any encoder has.
const LARGEST: u64 = 1 << 20;

/// The projector in a file.
///
/// # Errors
/// Where the file is something else, or its numbers are absurd.
pub fn read_projector(header: &Header) -> Result<Projector, GgufError> {
    let architecture = header.architecture()?;
    if architecture != "clip" {
        return Err(GgufError::OtherKind {
            kind: architecture.into(),
            wanted: "mmproj",
        });
    }
    let text = |key: &str| header.metadata.get(key).and_then(Value::as_str);
    let has = |key: &str| header.metadata.get(key).and_then(Value::as_u64) == Some(1);
    let kind = text("clip.projector_type")
        .or_else(|| text("clip.vision.projector_type"))
        .or_else(|| text("clip.audio.projector_type"))
        .unwrap_or("mlp");
    let encoder = |part: &str| {
        let number = |key: &str| {
            let key = format!("clip.{part}.{key}");
            let value = header.metadata.get(&key).and_then(Value::as_u64);
            match value.unwrap_or(0) {
                number if number <= LARGEST => Ok(number),
                number => Err(GgufError::InvalidValue {
                    key,
                    value: format!("{number}"),
                }),
            }
        };
        Ok(Encoder {
            width: number("embedding_length")?,
            feed_forward_length: number("feed_forward_length")?,
            heads: number("attention.head_count")?,
            patch_size: number("patch_size")?,
            image_size: number("image_size")?,
            merge: number("spatial_merge_size")?,
        })
    };
    let given = |flag: &str, part: &str| has(flag).then(|| encoder(part)).transpose();
    let audio = given("clip.has_audio_encoder", "audio")?;
    let vision = given("clip.has_vision_encoder", "vision")?;
    Ok(Projector {
        kind: kind.into(),
        tensors: tensors(header),
        vision,
        audio,
    })
}

/// The tensors of a LoRA adapter: `NAME.lora_a` and `NAME.lora_b` for tensors of the model.
///
/// # Errors
/// Where the file is something else.
pub fn read_adapter(header: &Header) -> Result<Vec<Tensor>, GgufError> {
    let text = |key: &str| header.metadata.get(key).and_then(Value::as_str);
    let kind = text("general.type").unwrap_or("model");
    let adapter = text("adapter.type").unwrap_or("lora");
    if kind != "adapter" || adapter != "lora" {
        let kind = if kind == "adapter" { adapter } else { kind };
        return Err(GgufError::OtherKind {
            kind: kind.into(),
            wanted: "LoRA",
        });
    }
    Ok(tensors(header))
}

fn tensors(header: &Header) -> Vec<Tensor> {
    let infos = header.tensors.iter();
    infos.map(|info| info.tensor.clone()).collect()
}
