//! The weights beside a `config.json`, of whose first file the header tells their type.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use shared::quant::FileType;

/// No header is longer: the format itself allows no more.
const LONGEST_HEADER: u64 = 100 * 1024 * 1024;

/// A safetensors file starts with the length of a JSON object, and the object.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes
        .first_chunk::<8>()
        .is_some_and(|length| u64::from_le_bytes(*length) < 1 << 32 && bytes.get(8) == Some(&b'{'))
}

/// The first file of the weights in a folder, by name.
pub(super) fn first(folder: &Path) -> Option<PathBuf> {
    let files = folder.read_dir().ok()?.filter_map(Result::ok);
    files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|own| own == "safetensors"))
        .min()
}

/// The type of the first tensor in floating point of a folder's weights, which Transformers and
/// vLLM load where the configuration says none; `None` where there are no weights to see.
pub(super) fn float_type(folder: &Path) -> Option<FileType> {
    let mut file = File::open(first(folder)?).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    let mut header = Vec::new();
    if length > LONGEST_HEADER || file.take(length).read_to_end(&mut header).is_err() {
        return None;
    }
    let tensors: Map<String, Value> = serde_json::from_slice(&header).ok()?;
    let float = |tensor: &Value| {
        let file_type = match tensor.get("dtype")?.as_str()? {
            "F32" => FileType::F32,
            "F16" => FileType::F16,
            "BF16" => FileType::Bf16,
            _ => return None,
        };
        Some((tensor.get("data_offsets")?.get(0)?.as_u64()?, file_type))
    };
    let floats = tensors.values().filter_map(float);
    floats
        .min_by_key(|&(offset, _)| offset)
        .map(|(_, float)| float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_first_tensor_in_floating_point_tells_the_type() {
        let folder = std::env::temp_dir().join(format!("llm-lander-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let header = br#"{"__metadata__":{"format":"pt"},
            "b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]},
            "a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},
            "q":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        fs::write(folder.join("model-00001-of-00002.safetensors"), &bytes).unwrap();
        fs::write(folder.join("model-00002-of-00002.safetensors"), b"").unwrap();
        assert_eq!(float_type(&folder), Some(FileType::F32));
        assert_eq!(float_type(Path::new("/no-such-folder")), None);
        assert!(looks_like(&bytes));
        fs::remove_dir_all(&folder).unwrap();
    }
}
