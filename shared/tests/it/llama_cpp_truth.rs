//! llama.cpp: our plan against its own.

use std::collections::BTreeMap;

use shared::engine::{Basis, Engine};
use shared::gpu::Device;

use crate::data;
use crate::llama_cpp_cases::{self, Case, Outcome, Planned};

const GIB: u64 = 1 << 30;

fn devices(case: &Case) -> Vec<Device> {
    (0..case.gpus())
        .map(|index| Device::with_free(format!("CUDA{index}"), 24 * GIB))
        .collect()
}

/// Cases on CUDA whose model's header is kept.
fn cuda_cases() -> Vec<Case> {
    llama_cpp_cases::all()
        .into_iter()
        .filter(|case| {
            case.backend == "cuda" && data::model(&case.model, &case.file_type).is_some()
        })
        .collect()
}

/// Runs `check` on our plan and the engine's for every case that it plans.
fn for_each_plan(mut check: impl FnMut(&Case, &Planned, &shared::engine::Plan)) -> usize {
    let mut count = 0;
    for case in cuda_cases() {
        let Outcome::Planned(planned) = &case.outcome else {
            continue;
        };
        let model = data::model(&case.model, &case.file_type).unwrap();
        let context = if case.context == 0 {
            model.trained_context_length.unwrap()
        } else {
            case.context
        };
        let planner = case.engine(model).prepare(model, &devices(&case));
        let planner = planner.unwrap_or_else(|error| panic!("{error:?}: {}", case.line));
        let plan = planner
            .plan(context)
            .unwrap_or_else(|error| panic!("{error:?}: {}", case.line));
        check(&case, planned, &plan);
        count += 1;
    }
    count
}

struct Mismatches(BTreeMap<String, (usize, String)>);

impl Mismatches {
    fn add(&mut self, case: &Case, text: String) {
        let key = format!("{} {}", case.part, case.model);
        let entry = self.0.entry(key).or_insert_with(|| (0, text));
        entry.0 += 1;
    }

    fn report(&self) {
        for (key, (count, text)) in &self.0 {
            println!("{count:5} {key}: {text}");
        }
        assert!(self.0.is_empty(), "{} groups differ", self.0.len());
    }
}

#[test]
fn weights_are_equal_on_every_device() {
    let mut mismatches = Mismatches(BTreeMap::new());
    let count = for_each_plan(|case, planned, plan| {
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index).weights;
            if device.weights.bytes != real {
                mismatches.add(
                    case,
                    format!(
                        "GPU {index}: {} ≠ {real}; {}",
                        device.weights.bytes, case.line
                    ),
                );
            }
        }
        let real = planned.host().weights;
        if plan.host.weights != real {
            mismatches.add(
                case,
                format!("host: {} ≠ {real}; {}", plan.host.weights, case.line),
            );
        }
    });
    println!("{count} cases");
    mismatches.report();
    assert!(count > 13_000);
}

#[test]
fn caches_and_states_are_equal_on_every_device() {
    let mut mismatches = Mismatches(BTreeMap::new());
    let count = for_each_plan(|case, planned, plan| {
        for (index, device) in plan.devices.iter().enumerate() {
            let ours = device.kv_cache.bytes + device.recurrent_state.bytes;
            let real = planned.gpu(index).context;
            if ours != real {
                mismatches.add(case, format!("GPU {index}: {ours} ≠ {real}; {}", case.line));
            }
        }
        let ours = plan.host.kv_cache + plan.host.recurrent_state;
        let real = planned.host().context;
        if ours != real {
            mismatches.add(case, format!("host: {ours} ≠ {real}; {}", case.line));
        }
        // Embeddings, where asked for, add a row each; the setting is not one of ours.
        let model = data::model(&case.model, &case.file_type).unwrap();
        let embeddings = if case.settings.contains_key("embeddings") {
            4 * model.embedding_length
        } else {
            0
        };
        let ours = plan.host.output + embeddings;
        if ours != planned.output {
            mismatches.add(
                case,
                format!("output: {ours} ≠ {}; {}", planned.output, case.line),
            );
        }
        if plan.context_length != planned.n_ctx {
            mismatches.add(
                case,
                format!("n_ctx: {} ≠ {}", plan.context_length, planned.n_ctx),
            );
        }
    });
    println!("{count} cases");
    mismatches.report();
}

#[test]
fn refusals_are_the_same() {
    let mut refused = 0;
    for case in cuda_cases() {
        let Outcome::Refused(reason) = &case.outcome else {
            continue;
        };
        let model = data::model(&case.model, &case.file_type).unwrap();
        let ours = case.engine(model).prepare(model, &devices(&case)).err();
        assert!(
            ours.is_some(),
            "we plan what llama.cpp refuses ({reason}): {}",
            case.line
        );
        refused += 1;
    }
    assert!(refused > 50);
}

/// Relative error of the compute buffers in permille, ours over the engine's. `COMPUTE_CASES`
/// names a model whose cases are printed one by one.
#[test]
fn compute_errors_do_not_grow() {
    let detail = std::env::var("COMPUTE_CASES").unwrap_or_default();
    let mut groups: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut called_exact = Vec::new();
    for_each_plan(|case, planned, plan| {
        if !case.has_known_settings() {
            return;
        }
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index).compute;
            let error = permille(device.compute.bytes, real);
            if device.compute.basis == Basis::Exact {
                called_exact.push((device.compute.bytes == real, error));
            }
            let exact = i64::from(device.compute.bytes != real) * 100_000;
            for key in [
                format!("part {} {}", case.version.name(), case.part),
                format!(
                    "model {} {} {}",
                    case.model,
                    case.version.name(),
                    if case.part == "main" || case.part.starts_with("cc") || case.part == "q" {
                        "main"
                    } else {
                        &case.part
                    }
                ),
            ] {
                groups.entry(key).or_default().push(if exact == 0 {
                    0
                } else if error == 0 {
                    1
                } else {
                    error
                });
            }
            if !detail.is_empty() && case.model == detail {
                let difference =
                    i64::try_from(device.compute.bytes).unwrap() - i64::try_from(real).unwrap();
                println!("{difference:>12} {real:>12} {}", case.line);
            }
        }
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index);
            let total = real.weights + real.context + real.compute;
            let ours = device.planned();
            let error = permille(ours, total);
            let error = if ours == total {
                0
            } else if error == 0 {
                1
            } else {
                error
            };
            groups
                .entry(format!("total {} {}", case.version.name(), case.part))
                .or_default()
                .push(error);
            groups
                .entry("total of all cases".into())
                .or_default()
                .push(error);
        }
        let key = format!("host {} {}", case.version.name(), case.part);
        let (ours, real) = (plan.host.compute, planned.host().compute);
        let error = permille(ours, real);
        groups.entry(key).or_default().push(if ours == real {
            0
        } else if error == 0 {
            1
        } else {
            error
        });
    });
    for (key, errors) in &mut groups {
        errors.sort_unstable();
        let at = |fraction: usize| errors[(errors.len() - 1) * fraction / 100];
        let exact = errors.iter().filter(|&&error| error == 0).count();
        println!(
            "{key}: {exact} of {} exact; permille: min {} p5 {} median {} p95 {} max {}",
            errors.len(),
            at(0),
            at(5),
            at(50),
            at(95),
            at(100)
        );
    }
    let equal = called_exact.iter().filter(|(equal, _)| *equal).count();
    let low = called_exact.iter().map(|&(_, error)| error).min();
    println!(
        "called exact: {equal} of {}, lowest {low:?}",
        called_exact.len()
    );
    assert!(equal * 1000 >= called_exact.len() * 999 && low == Some(0));
    let totals = &groups["total of all cases"];
    let exact = totals.iter().filter(|&&error| error == 0).count();
    assert!(
        exact == totals.len() && exact >= 15_400,
        "{exact} of {} device totals are exact",
        totals.len()
    );
    let at = |permille: usize| totals[(totals.len() - 1) * permille / 1000];
    assert!(
        at(25) == 0 && at(975) == 0,
        "19 of 20 totals: {} to {}",
        at(25),
        at(975)
    );
    assert!(totals[0] >= -19, "{} permille below the engine", totals[0]);
}

fn permille(ours: u64, real: u64) -> i64 {
    let (ours, real) = (i64::try_from(ours).unwrap(), i64::try_from(real).unwrap());
    if real == 0 {
        if ours == 0 { 0 } else { 1000 }
    } else {
        (ours - real) * 1000 / real
    }
}
