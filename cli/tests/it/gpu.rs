//! Machines whose GPUs do not exist: states of the library that stands in for NVML.

use std::path::PathBuf;

use crate::fixture::{folder, program};

/// States by name.
pub(crate) const MACHINES: &[(&str, &str)] = &[
    (
        "one",
        "driver = 580.65.06
cuda = 13000
gpu.0.name = NVIDIA GeForce RTX 4090
gpu.0.total = 25757220864
gpu.0.free = 20029000001
gpu.0.used = 5252988007
gpu.0.reserved = 475232803
gpu.0.cc = 8.9
",
    ),
    (
        "two",
        "driver = 580.65.06
cuda = 13000
gpu.0.name = NVIDIA GeForce RTX 4090
gpu.0.total = 25757220864
gpu.0.free = 20029000001
gpu.0.used = 5252988007
gpu.0.cc = 8.9
gpu.1.name = NVIDIA GeForce RTX 3060
gpu.1.total = 12884901888
gpu.1.free = 12000000000
gpu.1.used = 884901888
gpu.1.cc = 8.6
",
    ),
    ("none", "driver = 580.65.06\ncuda = 13000\n"),
    ("driver-not-loaded", "init = 9\n"),
];

/// The stand-in, which cargo builds into the folder of the tests that depend on it.
pub(crate) fn fake_library() -> PathBuf {
    let name = format!(
        "{}fake_nvml{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let path = std::env::current_exe().unwrap().with_file_name(name);
    assert!(path.exists(), "{} has not been built", path.display());
    path
}

/// `gpus --json` is the probe's own answer, to the byte of memory.
#[test]
fn the_reading_in_json_is_the_probes() {
    let output = program()
        .args(["gpus", "--json"])
        .env("LLM_LANDER_NVML_LIBRARY", fake_library())
        .env("FAKE_NVML", folder().join("gpus/one"))
        .output()
        .unwrap();
    assert!(output.status.success());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let gpu = &report["gpus"][0];
    assert_eq!(gpu["free"], 20_029_000_001_u64);
    assert_eq!(gpu["total"], 25_757_220_864_u64);
    assert_eq!(gpu["used"], 5_252_988_007_u64);
    assert_eq!(report["schema"], 1);
}

/// The live reading is what the answer is calculated from.
#[test]
fn the_answer_is_for_what_is_free_now() {
    let output = program()
        .args(["tiny.gguf", "--json"])
        .env("LLM_LANDER_NVML_LIBRARY", fake_library())
        .env("FAKE_NVML", folder().join("gpus/two"))
        .output()
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        answer["free"],
        serde_json::json!([20_029_000_001_u64, 12_000_000_000_u64])
    );
}
