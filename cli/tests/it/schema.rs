//! What other programs rely on: the form of the JSON and of the text.

use serde_json::Value;

use crate::fixture::run;

const FREE: &str = "19101.03";

fn json(arguments: &[&str]) -> (Value, i32) {
    let output = run(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text.lines().count(),
        1,
        "{arguments:?} writes one line:\n{text}"
    );
    let value = serde_json::from_str(&text).unwrap();
    (value, output.status.code().unwrap())
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

fn assert_has(value: &Value, wanted: &[&str]) {
    let keys = keys(value);
    for key in wanted {
        assert!(keys.contains(key), "{key} is missing in {keys:?}");
    }
}

#[test]
fn a_plan_has_the_fields_of_the_contract() {
    let (plan, status) = json(&[
        "plan",
        "granite-4.0-h-tiny-Q4_K_M.gguf",
        "--context",
        "8192",
        "--free-vram-mb",
        "9000,8000",
        "--json",
    ]);
    assert_eq!(status, 0);
    assert_eq!(
        keys(&plan),
        [
            "backend",
            "backend_details",
            "cache_type_k",
            "cache_type_v",
            "context_length",
            "devices",
            "host",
            "model",
            "schema"
        ]
    );
    assert_eq!(
        keys(&plan["model"]),
        [
            "architecture",
            "name",
            "parameters",
            "trained_context_length",
            "weights_bytes",
            "weights_format"
        ]
    );
    assert_eq!(keys(&plan["backend"]), ["name", "version"]);
    assert_eq!(plan["devices"].as_array().unwrap().len(), 2);
    for device in plan["devices"].as_array().unwrap() {
        assert_eq!(
            keys(device),
            [
                "compute",
                "fits",
                "free",
                "kv_cache",
                "name",
                "recurrent_state",
                "runtime_overhead",
                "safety_margin",
                "total",
                "weights"
            ]
        );
        let parts = [
            "weights",
            "kv_cache",
            "recurrent_state",
            "compute",
            "runtime_overhead",
            "safety_margin",
        ];
        let sum: u64 = parts
            .iter()
            .map(|part| device[part].as_u64().unwrap())
            .sum();
        assert_eq!(device["total"], sum);
        assert_eq!(device["fits"], sum <= device["free"].as_u64().unwrap());
        assert!(device["recurrent_state"].as_u64().unwrap() > 0);
    }
    let host = &plan["host"];
    assert_eq!(
        keys(host),
        [
            "compute",
            "kv_cache",
            "output",
            "recurrent_state",
            "total",
            "weights"
        ]
    );
    assert_eq!(
        keys(&plan["backend_details"]),
        ["kv_cells", "n_ctx", "streams", "swa_cells"]
    );
}

#[test]
fn the_longest_context_has_the_fields_of_the_contract() {
    let (answer, status) = json(&["qwen3:8b", "--free-vram-mb", FREE, "--json"]);
    assert_eq!(status, 0);
    assert_eq!(
        keys(&answer),
        ["backend", "free", "model", "results", "schema"]
    );
    assert_eq!(answer["free"], serde_json::json!([20_028_881_633_u64]));
    let results = answer["results"].as_array().unwrap();
    let precisions: Vec<&str> = results
        .iter()
        .map(|result| result["precision"].as_str().unwrap())
        .collect();
    assert_eq!(precisions, ["FP16", "INT8", "INT4"]);
    let types: Vec<&str> = results
        .iter()
        .map(|result| result["cache_type_k"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["f16", "q8_0", "q4_0"]);
    let mut shorter = 0;
    for result in results {
        assert_has(
            result,
            &[
                "precision",
                "cache_type_k",
                "cache_type_v",
                "max_context_length",
                "max_context_by_answer",
                "usable_context_length",
                "limited_by",
                "plan",
            ],
        );
        let longest = result["max_context_length"].as_u64().unwrap();
        assert!(longest > shorter, "narrower types hold more");
        shorter = longest;
        assert_eq!(result["max_context_by_answer"]["survives"], longest);
        assert_eq!(
            keys(&result["max_context_by_answer"]),
            ["loads", "planned", "survives"]
        );
        assert!(result["usable_context_length"].as_u64().unwrap() <= longest.min(40_960));
        assert_eq!(result["limited_by"], "trained_context");
        assert_eq!(result["plan"]["context_length"], longest);
    }
}

/// The plan at the answer fits, and one step of the engine's further it does not.
#[test]
fn plan_and_longest_context_are_the_same_calculation() {
    for model in [
        "qwen2.5-7b-Q4_K_M.gguf",
        "gemma-3-4b-Q4_K_M.gguf",
        "gpt-oss:20b",
    ] {
        if model == "gpt-oss:20b" && !run(&["inspect", model]).status.success() {
            continue;
        }
        for kv in ["fp16", "int8", "int4"] {
            let memory = ["--free-vram-mb", "14000.5", "--kv", kv, "--json"];
            let (answer, _) = json(&[&[model][..], &memory].concat());
            let longest = answer["results"][0]["max_context_length"].as_u64().unwrap();
            for (context, fits) in [(longest, true), (longest + 1, false)] {
                let context = context.to_string();
                let question = ["plan", model, "--context", &context];
                let (plan, status) = json(&[&question[..], &memory].concat());
                assert_eq!(plan["devices"][0]["fits"], fits, "{model} {kv} {context}");
                assert_eq!(status, if fits { 0 } else { 1 });
            }
        }
    }
}

#[test]
fn inspection_has_the_fields_of_the_contract() {
    let (answer, status) = json(&["inspect", "qwen3-30b-a3b-Q4_K_M.gguf", "--json"]);
    assert_eq!(status, 0);
    let model = &answer["model"];
    assert_has(
        model,
        &[
            "name",
            "architecture",
            "parameters",
            "parameters_embedding",
            "parameters_lm_head",
            "parameters_active",
            "weights_format",
            "weights_bytes",
            "trained_context_length",
            "layers",
        ],
    );
    assert_eq!(model["parameters"], 30_532_122_624_u64);
    // 128 experts of which 8 are used, in 48 layers of three matrices of 2048 × 768.
    let idle = 48 * 3 * 2048 * 768 * (128 - 8);
    assert_eq!(model["parameters_active"], 30_532_122_624_u64 - idle);
    let layer = &model["layers"][0];
    assert_has(
        layer,
        &[
            "count",
            "attention",
            "heads",
            "kv_heads",
            "head_dim_k",
            "head_dim_v",
            "window",
            "state_bytes",
        ],
    );
    assert_eq!(layer["count"], 48);
    assert_eq!(layer["head_dim_k"], 128);
}

#[test]
fn exit_statuses_are_those_of_the_contract() {
    for (arguments, status) in [
        (&["qwen3:8b", "--free-vram-mb", FREE][..], 0),
        (&["qwen3:8b", "--free-vram-mb", "1000"], 1),
        (
            &[
                "plan",
                "qwen3:8b",
                "--context",
                "40960",
                "--free-vram-mb",
                "1000",
            ],
            1,
        ),
        (&["no-such-model", "--free-vram-mb", FREE], 2),
        (&["text.gguf", "--free-vram-mb", FREE], 2),
        (&["--no-such-option"], 2),
        (&["qwen3:8b"], 3),
        (&["gpus"], 3),
        (&["inspect", "qwen3:8b"], 0),
        (&["models"], 0),
        (&["completions", "zsh"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        assert_eq!(run(arguments).status.code(), Some(status), "{arguments:?}");
    }
}

#[test]
fn errors_are_two_lines_and_an_object() {
    for (arguments, code) in [
        (
            &["no-such-model", "--free-vram-mb", FREE][..],
            "model_not_found",
        ),
        (&["qwen3:8b"], "nvml_not_found"),
        (&["qwen3:8b", "--free-vram-mb", "-1"], "invalid_value"),
        (&["qwen3:8b", "--frobnicate"], "unknown_option"),
        (&["qwen3:8b", "--backend", "lmstudio"], "unknown_backend"),
        (&["text.gguf", "--free-vram-mb", FREE], "not_gguf"),
        (&["no-such.gguf", "--free-vram-mb", FREE], "file_not_found"),
    ] {
        for language in ["ja", "en"] {
            let output = run(&[arguments, &["--json", "--lang", language]].concat());
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(stderr.lines().count(), 2, "{arguments:?}:\n{stderr}");
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            let error = &answer["error"];
            assert_eq!(keys(error), ["code", "hint", "message"]);
            assert_eq!(error["code"], code, "{arguments:?}");
            let message = error["message"].as_str().unwrap();
            assert!(stderr.contains(message));
            let japanese = message
                .chars()
                .any(|character| ('\u{3040}'..='\u{30ff}').contains(&character));
            assert_eq!(japanese, language == "ja", "{message}");
        }
    }
}

/// The lines that the original program printed, in its order, before anything else.
#[test]
fn text_keeps_the_original_form() {
    let output = run(&["qwen3:8b", "--free-vram-mb", FREE, "--kv", "int4"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("=== qwen3:8b (quant=Q4_K_M) (params=8.2B) ===")
    );
    assert_eq!(lines.next(), Some("free_vram_mb: 19101.03"));
    assert_eq!(lines.next(), Some("[INT4]"));
    let keys: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("  ")?.split_once(": "))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        keys[..7],
        [
            "max_context_length",
            "model_weight_mb",
            "kv_cache_mb",
            "total_memory_mb",
            "fits_in_vram",
            "usable_context_length",
            "limited_by"
        ]
    );
    assert!(keys.contains(&"compute_buffer_mb") && keys.contains(&"runtime_overhead_mb"));
    assert!(text.contains("  fits_in_vram: True\n"));
}

/// Whoever pipes into `head` gets no complaint.
#[test]
fn nobody_listening_is_no_error() {
    use std::process::Stdio;
    let mut child = crate::fixture::program()
        .args(["models"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// `llm-lander inspect <(…)`: what can be read once, and not jumped about in, will do.
#[cfg(unix)]
#[test]
fn models_come_through_pipes() {
    use std::io::Write;
    use std::process::Stdio;
    let whole = crate::gguf_file::GgufFile::tiny_llama().header();
    let mut child = crate::fixture::program()
        .args(["inspect", "/dev/stdin", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&whole).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["model"]["architecture"], "llama");
}

#[test]
fn messages_stay_on_their_lines() {
    let output = run(&["a\nb\u{1b}[31m", "--free-vram-mb", FREE]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
    assert!(!stderr.contains('\u{1b}'));
}
