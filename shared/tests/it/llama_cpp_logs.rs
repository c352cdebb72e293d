//! llama.cpp against the load logs of users' machines. Fields: `tests/data/llama_cpp`.

use std::collections::BTreeMap;

use shared::catalogue;
use shared::engine::Engine;
use shared::engine::llama_cpp::{LlamaCpp, Version};
use shared::gpu::Device;
use shared::quant::FileType;

use crate::data;
use crate::llama_cpp_cases::{Case, Outcome};

/// MiB by the name of a buffer, as printed.
type Printed<'a> = Vec<(&'a str, &'a str)>;

fn printed(text: &str) -> Printed<'_> {
    let fields = text.split(',').filter(|field| !field.is_empty());
    fields.map(|field| field.split_once('=').unwrap()).collect()
}

/// Two decimals are rounded; whole MiB, of tables of the memory, are cut off.
fn is_printed_as(bytes: u64, mib: &str) -> bool {
    let ours = bytes as f64 / f64::from(1 << 20);
    let theirs: f64 = mib.parse().unwrap();
    if mib.contains('.') {
        (ours - theirs).abs() < 0.0051
    } else {
        (theirs..theirs + 1.0).contains(&ours)
    }
}

/// Every figure of every log.
#[test]
fn load_logs_are_equal() {
    let text = std::fs::read_to_string(data::path("llama_cpp/load_logs.tsv")).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [
            name,
            file_type,
            build,
            context,
            settings,
            gpus,
            host,
            _source,
        ] = fields[..]
        else {
            panic!("{line}");
        };
        let file_type = FileType::from_name(file_type);
        let model = catalogue::find(name).unwrap().model(file_type).unwrap();
        let gpus: Vec<Printed<'_>> = gpus.split('|').map(printed).collect();
        let case = Case {
            line: line.into(),
            model: name.into(),
            file_type: String::new(),
            version: Version::from_name(build).unwrap(),
            backend: "cuda".into(),
            part: String::new(),
            context: context.parse().unwrap(),
            settings: settings
                .split(';')
                .filter_map(|setting| setting.split_once('='))
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            outcome: Outcome::Refused(String::new()),
        };
        let rows = case.settings.get("n_outputs_max");
        let engine = LlamaCpp {
            outputs_max: rows.map(|rows| rows.parse().unwrap()),
            ..case.engine(&model)
        };
        let devices: Vec<Device> = (0..gpus.len())
            .map(|gpu| Device::with_free(format!("CUDA{gpu}"), 96 << 30))
            .collect();
        let planner = engine.prepare(&model, &devices).unwrap();
        let plan = planner.plan(case.context).unwrap();
        let mut check = |place: &str, buffers: Printed<'_>, ours: [u64; 5]| {
            for (buffer, mib) in buffers {
                let names = ["model", "kv", "rs", "compute", "output"];
                let index = names.iter().position(|name| *name == buffer).unwrap();
                *counts.entry(names[index]).or_default() += 1;
                if !is_printed_as(ours[index], mib) {
                    let ours = ours[index] as f64 / f64::from(1 << 20);
                    wrong.push(format!("{line}: {place} {buffer} {mib}, ours {ours:.2}"));
                }
            }
        };
        for (device, buffers) in plan.devices.iter().zip(gpus) {
            let ours = [
                device.weights.bytes,
                device.kv_cache.bytes,
                device.recurrent_state.bytes,
                device.compute.bytes,
                0,
            ];
            check(&device.name, buffers, ours);
        }
        let ours = [
            plan.host.weights,
            plan.host.kv_cache,
            plan.host.recurrent_state,
            plan.host.compute,
            plan.host.output,
        ];
        check("host", printed(host), ours);
    }
    println!("figures of {} logs: {counts:?}", text.lines().count());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
