//! The folder that the program is run in: models of every kind, good and bad.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::gguf_file::GgufFile;

/// Headers of real models, by the names under which the calculation's own tests keep them.
const HEADERS: &[&str] = &[
    "deepseek-v2-lite-Q4_K_M",
    "gemma-3-4b-Q4_K_M",
    "gpt-oss-20b-MXFP4_MOE",
    "granite-4.0-h-tiny-Q4_K_M",
    "llama-3.2-1b-F16",
    "mamba2-2.7b-Q4_K_M",
    "qwen2.5-7b-Q4_K_M",
    "qwen3-30b-a3b-Q4_K_M",
];

const CONFIG: &str = include_str!("../data/config.json");

/// The folder, made once for all tests.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("llm-lander");
        fill(&folder);
        folder
    })
}

/// The program in that folder, with nothing of this machine's environment: no GPU, no language,
/// no models of Ollama's.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-lander"));
    command
        .current_dir(folder())
        .env_clear()
        .env("HOME", folder().join("home"))
        .env("USERPROFILE", folder().join("home"))
        .env("LLM_LANDER_NVML_LIBRARY", folder().join("no-such-library"));
    // Windows loads no library without it.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command
}

/// Runs the program with these arguments.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn fill(folder: &Path) {
    for name in HEADERS {
        write(folder, &format!("{name}.gguf"), &header(name));
    }
    tiny_models(folder);
    configurations(folder);
    ollama(folder);
    write(folder, "text.gguf", b"This is not a model.\n");
    write(folder, "empty.gguf", b"");
    write(folder, "empty.json", b"");
    let whole = header("llama-3.2-1b-F16");
    write(folder, "half.gguf", &whole[..whole.len() / 2]);
    for (name, state) in crate::gpu::MACHINES {
        write(folder, &format!("gpus/{name}"), state.as_bytes());
    }
    fs::create_dir_all(folder.join("nothing-in-it")).unwrap();
}

fn tiny_models(folder: &Path) {
    let tiny = GgufFile::tiny_llama();
    write(folder, "tiny.gguf", &tiny.header());
    tiny.write_whole(&folder.join("whole.gguf"));
    let shards = tiny.split(3);
    for (index, shard) in (1..).zip(&shards) {
        let name = format!("split/tiny-{index:05}-of-00003.gguf");
        fs::create_dir_all(folder.join("split")).unwrap();
        shard.write_whole(&folder.join(name));
    }
    shards[0].write_whole_in(folder, "incomplete/tiny-00001-of-00003.gguf");
    shards[0].write_whole_in(folder, "renamed.gguf");
    tiny.write_whole_in(folder, "two/tiny-Q4_0.gguf");
    tiny.write_whole_in(folder, "two/tiny-Q8_0.gguf");
    tiny.write_whole_in(folder, "two/mmproj-F16.gguf");
    GgufFile::unknown_architecture().write_whole_in(folder, "unknown.gguf");
    GgufFile::projector().write_whole_in(folder, "projector.gguf");
    GgufFile::vision().write_whole_in(folder, "mmproj-vision.gguf");
    GgufFile::lora().write_whole_in(folder, "lora.gguf");
}

fn configurations(folder: &Path) {
    write(folder, "Qwen3-8B/config.json", CONFIG.as_bytes());
    write(folder, "Qwen3-8B/model-00001-of-00005.safetensors", b"");
    write(folder, "qwen3.json", CONFIG.as_bytes());
    write(folder, "Qwen3-8B-NVFP4/config.json", CONFIG.as_bytes());
    let beside = br#"{"producer": {"name": "modelopt", "version": "0.37.0"}, "quantization":
        {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16,
        "exclude_modules": ["lm_head"]}}"#;
    write(folder, "Qwen3-8B-NVFP4/hf_quant_config.json", beside);
    let gptq = r#""quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128,
        "desc_act": true}, "num_hidden_layers": 36,"#;
    write(
        folder,
        "act-order.json",
        &CONFIG
            .replace("\"num_hidden_layers\": 36,", gptq)
            .into_bytes(),
    );
    let changed = |from: &str, to: &str| CONFIG.replace(from, to).into_bytes();
    let gptq = "\"num_hidden_layers\": 36, \"quantization_config\": \
                {\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 128, \"desc_act\": true},";
    let packed = changed("\"num_hidden_layers\": 36,", gptq);
    write(folder, "gptq/config.json", &packed);
    write(folder, "nvfp4/config.json", CONFIG.as_bytes());
    write(
        folder,
        "nvfp4/hf_quant_config.json",
        b"{\"quantization\": {\"quant_algo\": \"NVFP4\", \"exclude_modules\": [\"lm_head\", \"*.self_attn*\"]}}",
    );
    let typed = |name: &str| {
        changed(
            "\"vocab_size\"",
            &format!(
                "\"_name_or_path\": \"Somebody/Tuned-8B\", \"torch_dtype\": \"{name}\", \"vocab_size\""
            ),
        )
    };
    write(
        folder,
        "mamba.json",
        br#"{"model_type": "mamba2", "hidden_size": 2560, "num_hidden_layers": 64,
            "vocab_size": 50288, "state_size": 128, "num_heads": 80, "head_dim": 64}"#,
    );
    write(folder, "single/config.json", &typed("float32"));
    write(folder, "half.json", &typed("float16"));
    write(folder, "seen/config.json", CONFIG.as_bytes());
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut weights = (header.len() as u64).to_le_bytes().to_vec();
    weights.extend_from_slice(header);
    write(folder, "seen/model.safetensors", &weights);
    write(
        folder,
        "beside/quantize_config.json",
        b"{\"bits\": 4, \"group_size\": 128}",
    );
    write(
        folder,
        "beside/index.json",
        b"{\"metadata\": {}, \"weight_map\": {}}",
    );
    write(
        folder,
        "beside/generation_config.json",
        b"{\"do_sample\": true}",
    );
    write(
        folder,
        "beside/params.json",
        b"{\"dim\": 4096, \"n_layers\": 32}",
    );
    write(folder, "beside/page.json", b"\n<!DOCTYPE html><html>");
    write(
        folder,
        "beside/pointer.json",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 3\n",
    );
    write(folder, "beside/pytorch_model.bin", b"PK\x03\x04");
    write(folder, "日本語 モデル/config.json", CONFIG.as_bytes());
    write(folder, "cut.json", &CONFIG.as_bytes()[..200]);
    write(folder, "list.json", b"[1, 2]");
    write(
        folder,
        "nobody-knows.json",
        &changed("\"qwen3\"", "\"nobody_knows\""),
    );
    write(
        folder,
        "negative.json",
        &changed("\"num_hidden_layers\": 36", "\"num_hidden_layers\": -36"),
    );
    write(
        folder,
        "no-layers.json",
        &changed("\"num_hidden_layers\": 36,", ""),
    );
    write(
        folder,
        "weights.safetensors",
        b"\x10\0\0\0\0\0\0\0{\"a\":{\"dtype\":0}}",
    );
}

/// Ollama's folder as its program lays it out.
fn ollama(folder: &Path) {
    let blob = "ollama/blobs/sha256-0a";
    fs::create_dir_all(folder.join("ollama/blobs")).unwrap();
    GgufFile::tiny_llama().write_whole(&folder.join(blob));
    let manifest = r#"{"schemaVersion":2,"layers":[
        {"mediaType":"application/vnd.ollama.image.license","digest":"sha256:00"},
        {"mediaType":"application/vnd.ollama.image.model","digest":"sha256:0a"}]}"#;
    for name in ["library/tiny/latest", "library/tiny/1m", "someone/tiny/1m"] {
        let path = format!("ollama/manifests/registry.ollama.ai/{name}");
        write(folder, &path, manifest.as_bytes());
    }
    // A model of the cloud has no file here; another's file has gone.
    let cloud = r#"{"schemaVersion":2,"layers":[]}"#;
    let path = "ollama/manifests/registry.ollama.ai/library/big/cloud";
    write(folder, path, cloud.as_bytes());
    let lost = manifest.replace("sha256:0a", "sha256:ff");
    let path = "ollama-lost/manifests/registry.ollama.ai/library/lost/latest";
    write(folder, path, lost.as_bytes());
    let path = "ollama-lost/manifests/registry.ollama.ai/library/broken/latest";
    write(folder, path, b"{");
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn header(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/tests/data/llama_cpp/headers")
        .join(format!("{name}.gguf.gz"));
    let compressed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(compressed.as_slice())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}
