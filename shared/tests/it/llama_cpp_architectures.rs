//! llama.cpp: models of every architecture, cut down to a few layers, against its own plan.

use std::collections::BTreeMap;

use shared::engine::{Basis, Engine, Plan};
use shared::gpu::Device;

use crate::data;
use crate::llama_cpp_cases::{self, Case, Outcome, Planned};

fn for_each_plan(mut check: impl FnMut(&Case, &Planned, &Plan)) {
    let mut count = 0;
    for case in llama_cpp_cases::architectures() {
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

/// Compute buffers that are called exact are equal.
#[test]
fn compute_buffers_called_exact_are_equal() {
    let mut differences = BTreeMap::new();
    let (mut exact, mut count) = (0, 0);
    for_each_plan(|case, planned, plan| {
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index);
            count += 1;
            if device.compute.basis != Basis::Exact {
                continue;
            }
            exact += 1;
            if device.compute.bytes != real.compute {
                let text = format!(
                    "{}: {}, not {}; {}",
                    device.name, device.compute.bytes, real.compute, case.line
                );
                differences.entry(case.model.clone()).or_insert((0, text)).0 += 1;
            }
        }
    });
    println!("{exact} of {count} called exact");
    assert!(exact * 2 > count, "{exact} of {count} called exact");
    report(&differences);
}

/// Where compute buffers are estimated, no device's total is far below the engine's, although
/// the weights of models cut down to a few layers are small beside them.
#[test]
fn totals_are_not_far_below() {
    let mut worst: BTreeMap<String, (f64, String)> = BTreeMap::new();
    for_each_plan(|case, planned, plan| {
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index);
            let cache = device.kv_cache.bytes + device.recurrent_state.bytes;
            let ours = device.weights.bytes + cache + device.compute.bytes;
            let engine = real.weights + real.context + real.compute;
            #[allow(clippy::cast_precision_loss)]
            let ratio = ours as f64 / (engine.max(1)) as f64;
            let entry = worst
                .entry(case.model.clone())
                .or_insert((1.0, String::new()));
            if ratio < entry.0 {
                *entry = (ratio, case.line.clone());
            }
        }
    });
    worst.retain(|_, (ratio, _)| *ratio < 0.98);
    for (model, (ratio, line)) in &worst {
        println!("{ratio:.3} {model}: {line}");
    }
    assert!(worst.is_empty(), "{} models", worst.len());
}
