//! The pools against the engine's own planner (0.5.23), run on its configuration classes without a
//! GPU.

extern crate std;

use alloc::borrow::ToOwned;
use alloc::{format, vec};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::println;

use serde_json::Value;

use super::*;
use crate::source::hf::read_config;

const CASES: &[u8] = include_bytes!("../../../tests/data/sglang/cases.jsonl.gz");
const CONFIGS: &[u8] = include_bytes!("../../../tests/data/sglang/configs.jsonl.gz");

fn lines(compressed: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    let mut reader = flate2::read::GzDecoder::new(compressed);
    reader.read_to_string(&mut text).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn models() -> BTreeMap<String, Model> {
    let read = |entry: Value| {
        let name = entry["model"].as_str().unwrap().to_owned();
        let config = entry["config"].to_string();
        let model = read_config(config.as_bytes(), &name);
        (
            name.clone(),
            model.unwrap_or_else(|error| panic!("{name}: {error:?}")),
        )
    };
    lines(CONFIGS).into_iter().map(read).collect()
}

fn device(gpu: &str, free: u64) -> Device {
    let (mebibytes, capability) = match gpu {
        "t4" => (15_360, (7, 5)),
        "rtx4080" => (16_376, (8, 9)),
        "rtx4090" => (24_564, (8, 9)),
        "rtx5090" => (32_607, (12, 0)),
        "a100-40" => (40_960, (8, 0)),
        "l40s" => (46_068, (8, 9)),
        "a100-80" => (81_920, (8, 0)),
        "h100" => (81_559, (9, 0)),
        "rtx6000pro" => (97_887, (12, 0)),
        "h200" => (143_771, (9, 0)),
        "b200" => (183_359, (10, 0)),
        other => panic!("{other}"),
    };
    Device {
        total: Some(mebibytes << 20),
        compute_capability: Some(capability),
        ..Device::with_free(gpu.into(), free)
    }
}

fn number(case: &Value, field: &str) -> Option<u64> {
    case.get(field).and_then(Value::as_u64)
}

fn settings(case: &Value) -> Sglang {
    let ratio = |field: &str| {
        let value = case.get(field)?;
        Ratio::from_decimal(&value.to_string())
    };
    let flag = |field: &str| case.get(field).is_some_and(|value| value == true);
    let default = Sglang::default();
    let kind = case.get("kv_cache_dtype").and_then(Value::as_str);
    Sglang {
        cache_type: kind.map_or(CacheType::Auto, |name| CacheType::from_name(name).unwrap()),
        mem_fraction_static: ratio("mem_fraction_static")
            .map_or(StaticShare::Default, StaticShare::Given),
        tensor_parallel_size: number(case, "tp").unwrap(),
        context_length: number(case, "context_length"),
        chunked_prefill_size: number(case, "chunked_prefill_size"),
        max_running_requests: number(case, "max_running_requests"),
        max_total_tokens: number(case, "max_total_tokens"),
        page_size: number(case, "page_size"),
        swa_full_tokens_ratio: ratio("swa_full_tokens_ratio")
            .unwrap_or(default.swa_full_tokens_ratio),
        hybrid_swa_memory: !flag("disable_hybrid_swa_memory"),
        mamba_full_memory_ratio: ratio("mamba_full_memory_ratio")
            .unwrap_or(default.mamba_full_memory_ratio),
        max_mamba_cache_size: number(case, "max_mamba_cache_size"),
        half_precision_state: case.get("mamba_ssm_dtype").is_some(),
        radix_cache: !flag("disable_radix_cache"),
        cuda_graphs: !flag("disable_cuda_graph"),
        cuda_graph_max_bs: number(case, "cuda_graph_max_bs_decode"),
        ..default
    }
}

/// What of a case differs from the engine's.
fn differences(case: &Value, model: &Model) -> Vec<String> {
    let settings = settings(case);
    let result = &case["result"];
    let before = number(case, "pre_bytes").unwrap();
    let device = device(case["gpu"].as_str().unwrap(), before);
    let hardware = Hardware::new(&settings, model, &device);
    let cut = match cell::cell(&settings, model, hardware) {
        Ok(cell) => Cut {
            cell,
            state_bytes: state::bytes(&settings, model).unwrap(),
            slots: state::slots(&settings, model),
            page: hardware.page_size,
            chunk: hardware.chunked_prefill_size,
        },
        Err(_) if result.get("error").is_some() => return Vec::new(),
        Err(error) => return vec![format!("{error:?}")],
    };
    let fraction = match settings.mem_fraction_static {
        StaticShare::Given(share) => share.as_f64(),
        _ => fraction::default_fraction(&settings, model, hardware),
    };
    let mut differences = Vec::new();
    let mut compare = |field: &str, own: u64| {
        if let Some(theirs) = number(result, field)
            && theirs != own
        {
            differences.push(format!("{field}: {own}, engine {theirs}"));
        }
    };
    compare("page_size", hardware.page_size);
    compare("chunked_prefill_size", hardware.chunked_prefill_size);
    compare("decode_max_bs", hardware.decode_max_bs);
    compare("mamba_per_req", cut.state_bytes);
    compare("mamba_ratio", cut.slots);
    let asked = settings.context_length;
    let longest = model
        .stretched_context_length
        .or(model.trained_context_length);
    let length = asked.or(longest).unwrap();
    compare("context_len", length);
    let free = Free {
        before,
        after: number(case, "free_bytes").unwrap(),
        fraction,
        for_images: hardware.for_images(&settings, model),
    };
    let pools = cut.pools(&settings, free);
    let found = pools.unwrap_or_default();
    compare("max_total_num_tokens", found.tokens);
    compare("swa_tokens", found.window_tokens);
    compare("max_mamba_cache_size", found.states);
    compare(
        "max_running_requests",
        cut.requests(&settings, found, length),
    );
    let theirs = result["mem_fraction_static"].as_f64();
    if theirs.is_some_and(|theirs| (theirs - fraction).abs() > 1e-12) {
        differences.push(format!(
            "mem_fraction_static: {fraction}, engine {theirs:?}"
        ));
    }
    if result.get("error").is_some() && pools.is_some() {
        differences.push(format!("engine refuses: {}", result["error"]));
    }
    differences
}

#[test]
fn pools_are_the_engines_own() {
    let models = models();
    let cases = lines(CASES);
    let mut wrong = 0;
    for case in &cases {
        let name = case["model"].as_str().unwrap();
        let differences = differences(case, &models[name]);
        if !differences.is_empty() {
            wrong += 1;
            let mut asked = case.clone();
            asked.as_object_mut().unwrap().remove("result");
            println!("{asked}: {}", differences.join("; "));
        }
    }
    println!("{} of {} cases equal", cases.len() - wrong, cases.len());
    assert_eq!(wrong, 0);
    assert!(cases.len() >= 200);
}
