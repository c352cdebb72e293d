//! Small GGUF files, written for the tests.

use std::fs;
use std::path::Path;

/// What a metadata value can be here.
#[derive(Clone)]
enum Value {
    U16(u16),
    U32(u32),
    I32(i32),
    Text(&'static str),
}

/// A GGUF file to be.
#[derive(Clone)]
pub(crate) struct GgufFile {
    metadata: Vec<(&'static str, Value)>,
    /// Name and shape; all are F16 matrices.
    tensors: Vec<(String, [u64; 2])>,
}

const ALIGNMENT: u64 = 32;
const F16: u32 = 1;

impl GgufFile {
    /// A llama of two layers.
    pub(crate) fn tiny_llama() -> Self {
        let mut tensors = vec![
            ("token_embd.weight".to_owned(), [256, 1000]),
            ("output_norm.weight".to_owned(), [256, 1]),
        ];
        for layer in 0..2 {
            for (name, shape) in [
                ("attn_norm", [256, 1]),
                ("attn_q", [256, 256]),
                ("attn_k", [256, 128]),
                ("attn_v", [256, 128]),
                ("attn_output", [256, 256]),
                ("ffn_norm", [256, 1]),
                ("ffn_gate", [256, 512]),
                ("ffn_up", [256, 512]),
                ("ffn_down", [512, 256]),
            ] {
                tensors.push((format!("blk.{layer}.{name}.weight"), shape));
            }
        }
        Self {
            metadata: vec![
                ("general.architecture", Value::Text("llama")),
                ("llama.block_count", Value::U32(2)),
                ("llama.context_length", Value::U32(8192)),
                ("llama.embedding_length", Value::U32(256)),
                ("llama.feed_forward_length", Value::U32(512)),
                ("llama.attention.head_count", Value::U32(4)),
                ("llama.attention.head_count_kv", Value::U32(2)),
            ],
            tensors,
        }
    }

    /// The same under a name that nobody knows.
    pub(crate) fn unknown_architecture() -> Self {
        let mut file = Self::tiny_llama();
        file.metadata = vec![
            ("general.architecture", Value::Text("nobody")),
            ("nobody.block_count", Value::U32(2)),
            ("nobody.context_length", Value::U32(8192)),
            ("nobody.embedding_length", Value::U32(256)),
            ("nobody.attention.head_count", Value::U32(4)),
        ];
        file
    }

    /// What lies beside a vision model.
    pub(crate) fn projector() -> Self {
        Self {
            metadata: vec![("general.architecture", Value::Text("clip"))],
            tensors: vec![("v.patch_embd.weight".to_owned(), [32, 32])],
        }
    }

    /// A projector for images of 896 pixels.
    pub(crate) fn vision() -> Self {
        Self {
            metadata: vec![
                ("general.architecture", Value::Text("clip")),
                ("clip.projector_type", Value::Text("gemma3")),
                ("clip.has_vision_encoder", Value::U32(1)),
                ("clip.vision.embedding_length", Value::U32(1152)),
                ("clip.vision.feed_forward_length", Value::U32(4304)),
                ("clip.vision.attention.head_count", Value::U32(16)),
                ("clip.vision.image_size", Value::U32(896)),
                ("clip.vision.patch_size", Value::U32(14)),
            ],
            tensors: vec![("v.blk.0.ffn_up.weight".to_owned(), [1152, 4304])],
        }
    }

    /// A LoRA adapter for the tiny llama.
    pub(crate) fn lora() -> Self {
        Self {
            metadata: vec![
                ("general.architecture", Value::Text("llama")),
                ("general.type", Value::Text("adapter")),
                ("adapter.type", Value::Text("lora")),
            ],
            tensors: vec![
                ("blk.1.attn_q.weight.lora_a".to_owned(), [256, 16]),
                ("blk.1.attn_q.weight.lora_b".to_owned(), [16, 256]),
            ],
        }
    }

    /// The file in parts, as `gguf-split` cuts it.
    pub(crate) fn split(&self, count: u16) -> Vec<Self> {
        let total = i32::try_from(self.tensors.len()).unwrap();
        let each = self.tensors.len().div_ceil(count.into());
        let parts = self.tensors.chunks(each).zip(0..);
        parts
            .map(|(tensors, index)| {
                let mut metadata = if index == 0 {
                    self.metadata.clone()
                } else {
                    Vec::new()
                };
                metadata.extend([
                    ("split.no", Value::U16(index)),
                    ("split.count", Value::U16(count)),
                    ("split.tensors.count", Value::I32(total)),
                ]);
                Self {
                    metadata,
                    tensors: tensors.to_vec(),
                }
            })
            .collect()
    }

    /// The header, up to the tensor data.
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            text(&mut bytes, key);
            match value {
                Value::U16(number) => {
                    bytes.extend(2_u32.to_le_bytes());
                    bytes.extend(number.to_le_bytes());
                }
                Value::U32(number) => {
                    bytes.extend(4_u32.to_le_bytes());
                    bytes.extend(number.to_le_bytes());
                }
                Value::I32(number) => {
                    bytes.extend(5_u32.to_le_bytes());
                    bytes.extend(number.to_le_bytes());
                }
                Value::Text(value) => {
                    bytes.extend(8_u32.to_le_bytes());
                    text(&mut bytes, value);
                }
            }
        }
        let mut offset: u64 = 0;
        for (name, shape) in &self.tensors {
            text(&mut bytes, name);
            bytes.extend(2_u32.to_le_bytes());
            bytes.extend(shape.iter().flat_map(|extent| extent.to_le_bytes()));
            bytes.extend(F16.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            offset += (shape[0] * shape[1] * 2).next_multiple_of(ALIGNMENT);
        }
        bytes
    }

    /// Writes the file with its tensor data, all zeros.
    pub(crate) fn write_whole(&self, path: &Path) {
        let mut bytes = self.header();
        let data: u64 = self
            .tensors
            .iter()
            .map(|(_, shape)| (shape[0] * shape[1] * 2).next_multiple_of(ALIGNMENT))
            .sum();
        let start = (bytes.len() as u64).next_multiple_of(ALIGNMENT);
        bytes.resize(usize::try_from(start + data).unwrap(), 0);
        fs::write(path, bytes).unwrap();
    }

    /// The same at a place below `folder`.
    pub(crate) fn write_whole_in(&self, folder: &Path, name: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        self.write_whole(&path);
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}
