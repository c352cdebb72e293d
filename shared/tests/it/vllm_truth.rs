//! vLLM's plans against its own planner, run on real model classes (0.33.0).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::engine::vllm::{CacheType, Vllm};
use shared::engine::{Details, Engine};
use shared::fit::{Answer, Budget, max_context};
use shared::gpu::Device;
use shared::model::Model;
use shared::source::hf::read_config;

use crate::data;

/// More than any case needs.
const PLENTY: u64 = 1 << 45;
const GIB: u64 = 1 << 30;

fn lines(name: &str) -> Vec<Value> {
    let text = String::from_utf8(data::gunzip(name)).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn cases() -> Vec<Value> {
    lines("vllm/cases.jsonl.gz")
}

fn models() -> BTreeMap<String, Model> {
    let configs = lines("vllm/configs.jsonl.gz");
    let read = configs.into_iter().map(|entry| {
        let name = entry["model"].as_str().unwrap().to_owned();
        let config = entry["config"].to_string();
        let model = read_config(config.as_bytes(), &name);
        let model = model.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        (name, model)
    });
    read.collect()
}

fn device(gpu: &str, free: u64) -> Device {
    let (name, total, capability) = match gpu {
        "h100" => ("NVIDIA H100 80GB HBM3", 80 * GIB, (9, 0)),
        "rtx4090" => ("NVIDIA GeForce RTX 4090", 24 * GIB, (8, 9)),
        "b200" => ("NVIDIA B200", 180 * GIB, (10, 0)),
        other => panic!("{other}"),
    };
    Device {
        name: name.into(),
        free,
        total: Some(total),
        compute_capability: Some(capability),
    }
}

fn number(case: &Value, field: &str) -> Option<u64> {
    case.get(field).map(|value| value.as_u64().unwrap())
}

fn settings(case: &Value) -> Vllm {
    let flag = |field: &str, otherwise: bool| case.get(field).map_or(otherwise, |v| v == true);
    Vllm {
        cache_type: CacheType::from_name(case["kv"].as_str().unwrap()).unwrap(),
        kv_cache_memory_bytes: number(case, "bytes"),
        tensor_parallel_size: number(case, "tp").unwrap(),
        pipeline_parallel_size: number(case, "pp").unwrap(),
        max_num_batched_tokens: number(case, "asked_mbt"),
        max_num_seqs: number(case, "mns"),
        max_model_len: number(case, "asked_len"),
        block_size: number(case, "asked_block"),
        prefix_caching: flag("prefix", true),
        hybrid_kv_cache_manager: !flag("no_hybrid", false),
        num_speculative_tokens: number(case, "drafted").unwrap_or(0),
        // The planner ran without it on this one.
        flashinfer: case["gpu"] != "b200",
        ..Vllm::default()
    }
}

fn devices(case: &Value) -> Vec<Device> {
    let ranks = number(case, "tp").unwrap() * number(case, "pp").unwrap();
    let gpu = case["gpu"].as_str().unwrap();
    (0..ranks).map(|_| device(gpu, PLENTY)).collect()
}

fn compare(found: &mut Vec<String>, what: &str, ours: u64, theirs: u64) {
    if ours != theirs {
        found.push(format!("{what} {ours} for {theirs}"));
    }
}

/// What differs between our plan and the engine's; nothing where all is equal.
fn differences(case: &Value, model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    let settings = settings(case);
    let devices = devices(case);
    let planner = match settings.prepare(model, &devices) {
        Ok(planner) => planner,
        Err(error) => return vec![format!("{error:?}")],
    };
    let budget = Budget {
        safety_margin: 0,
        runtime_overhead: None,
        answer: Answer::Planned,
    };
    let fit = max_context(&*planner, &devices, &budget, None).unwrap();
    compare(
        &mut found,
        "limit",
        model.trained_context_length.unwrap(),
        number(case, "limit").unwrap(),
    );
    if let Some(estimate) = number(case, "error") {
        // The engine does not start, and says what would have fitted.
        compare(&mut found, "length", fit.max_context_length, estimate);
        return found;
    }
    let length = number(case, "len").unwrap();
    compare(&mut found, "length", fit.max_context_length, length);
    let plan = planner.plan(length).unwrap();
    let Details::Vllm {
        block_size,
        num_blocks,
        kv_cache_tokens,
        request_blocks,
        ..
    } = plan.details
    else {
        return vec!["details".into()];
    };
    compare(
        &mut found,
        "block size",
        block_size,
        number(case, "block_size").unwrap(),
    );
    compare(
        &mut found,
        "blocks",
        num_blocks,
        number(case, "num_blocks").unwrap(),
    );
    compare(
        &mut found,
        "tokens",
        kv_cache_tokens,
        number(case, "tokens").unwrap(),
    );
    let concurrency = case["concurrency"].as_f64().unwrap();
    let ours = num_blocks as f64 / request_blocks as f64;
    if (concurrency - ours).abs() > 0.000_051 {
        found.push(format!("concurrency {ours} for {concurrency}"));
    }
    let groups = case["groups"].as_array().unwrap();
    let blocks: u64 = groups.iter().map(|group| group[2].as_u64().unwrap()).sum();
    let tp = usize::try_from(settings.tensor_parallel_size).unwrap();
    for (stage, block_bytes) in case["block_bytes"].as_array().unwrap().iter().enumerate() {
        let device = &plan.devices[stage * tp];
        compare(
            &mut found,
            "bytes",
            device.kv_cache.bytes + device.recurrent_state.bytes,
            (blocks + 1) * block_bytes.as_u64().unwrap(),
        );
    }
    found
}

/// The group of cases that this one belongs to.
fn group(case: &Value) -> String {
    let kind = ["prefix", "no_hybrid", "asked_block", "asked_mbt", "drafted"]
        .into_iter()
        .find(|field| case.get(*field).is_some())
        .unwrap_or(case["kv"].as_str().unwrap());
    format!(
        "{} tp={} pp={} {kind}",
        case["gpu"].as_str().unwrap(),
        case["tp"],
        case["pp"]
    )
}

#[test]
fn capacities_are_the_planners() {
    let models = models();
    let mut groups: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for case in cases() {
        let name = case["model"].as_str().unwrap();
        let differences = differences(&case, &models[name]);
        let (equal, total) = groups.entry(group(&case)).or_default();
        *equal += u64::from(differences.is_empty());
        *total += 1;
        if !differences.is_empty() {
            println!("{name} {} {}: {differences:?}", group(&case), case["bytes"]);
        }
    }
    let (mut equal, mut total) = (0, 0);
    for (group, (equal_here, total_here)) in &groups {
        println!("{equal_here}/{total_here} {group}");
        equal += equal_here;
        total += total_here;
    }
    println!("{equal}/{total} cases of vLLM's planner");
    assert_eq!((equal, total), (948, 948));
}

/// Models whose weights differ, and why.
const OTHERWISE: &[&str] = &[
    // Scales of a few bytes that some layers have and others have not.
    "nvidia--Qwen3.6-27B-NVFP4",
    "nvidia--Gemma-4-31B-IT-NVFP4",
    // The planner's configuration had a norm that ours has not.
    "tiiuae--Falcon-H1-7B-Instruct",
];

#[test]
fn weights_are_those_that_the_engine_creates() {
    let models = models();
    let mut seen = BTreeSet::new();
    let (mut plain, mut packed) = ((0, 0), (0, 0));
    for case in cases() {
        let name = case["model"].as_str().unwrap();
        let key = format!("{name} tp={} pp={}", case["tp"], case["pp"]);
        if !seen.insert(key.clone()) {
            continue;
        }
        let planner = settings(&case).prepare(&models[name], &devices(&case));
        let plan = planner.unwrap().plan(1).unwrap();
        let tp = usize::try_from(number(&case, "tp").unwrap()).unwrap();
        for (stage, bytes) in case["weights"].as_array().unwrap().iter().enumerate() {
            let theirs = bytes.as_u64().unwrap();
            let ours = plan.devices[stage * tp].weights.bytes;
            let counts = match case.get("quantized") {
                Some(_) => &mut packed,
                None => &mut plain,
            };
            counts.0 += u64::from(ours == theirs);
            counts.1 += 1;
            if ours != theirs {
                let share = ours as f64 / theirs as f64;
                println!("{key} stage {stage}: {ours} for {theirs}, {share:.6}");
                assert!(OTHERWISE.contains(&name), "{key}");
                assert!((0.99998..1.00001).contains(&share), "{key}: {share}");
            }
        }
    }
    println!("{}/{} weights of a rank", plain.0, plain.1);
    println!("{}/{} weights of a rank, quantized", packed.0, packed.1);
    assert_eq!((plain, packed), ((124, 126), (16, 22)));
}
