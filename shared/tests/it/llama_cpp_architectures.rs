//! llama.cpp: models of every architecture, cut down to a few layers, against its own plan.

use std::collections::BTreeMap;

use shared::engine::{Engine, Plan};
use shared::gpu::Device;

use crate::data;
use crate::llama_cpp_cases::{self, Case, Outcome, Planned};

/// Architectures whose caches follow rules that are not modelled: their plans are bounds.
const NOT_MODELLED: &[&str] = &["deepseek-v4-flash-cut"];

fn for_each_plan(mut check: impl FnMut(&Case, &Planned, &Plan)) {
    let mut count = 0;
    for case in llama_cpp_cases::architectures() {
        if NOT_MODELLED.contains(&case.model.as_str()) {
            continue;
        }
        let model = data::model(&case.model, &case.file_type).unwrap();
        let devices: Vec<Device> = (0..case.gpus())
            .map(|index| Device::with_free(format!("CUDA{index}"), 24 << 30))
            .collect();
        let planner = case.engine(model).prepare(model, &devices);
        match (&case.outcome, planner) {
            (Outcome::Planned(planned), Ok(planner)) => {
                let plan = planner.plan(case.context).unwrap();
                check(&case, planned, &plan);
                count += 1;
            }
            (Outcome::Refused(_), Err(_)) => {}
            (Outcome::Refused(reason), Ok(_)) => panic!("not refused ({reason}): {}", case.line),
            (Outcome::Planned(_), Err(error)) => panic!("{error:?}: {}", case.line),
        }
    }
    assert!(count > 2500, "{count} cases");
}

fn report(differences: &BTreeMap<String, (usize, String)>) {
    for (model, (count, first)) in differences {
        println!("{count:4} {model}: {first}");
    }
    assert!(
        differences.is_empty(),
        "{} models differ",
        differences.len()
    );
}

#[test]
fn weights_and_caches_are_equal_on_every_device() {
    let mut differences = BTreeMap::new();
    for_each_plan(|case, planned, plan| {
        let mut compare = |place: String, ours: [u64; 2], real: [u64; 2]| {
            if ours != real {
                let text = format!("{place}: {ours:?}, not {real:?}; {}", case.line);
                differences.entry(case.model.clone()).or_insert((0, text)).0 += 1;
            }
        };
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index);
            let cache = device.kv_cache.bytes + device.recurrent_state.bytes;
            let ours = [device.weights.bytes, cache];
            compare(device.name.clone(), ours, [real.weights, real.context]);
        }
        let (ours, real) = (&plan.host, planned.host());
        let cache = ours.kv_cache + ours.recurrent_state;
        compare(
            "host".into(),
            [ours.weights, cache],
            [real.weights, real.context],
        );
    });
    report(&differences);
}
