//! llama.cpp: models whose own prediction layers draft (MTP), against its own plan of both contexts.

use shared::engine::{Basis, Engine};
use shared::gpu::Device;

use crate::data;
use crate::llama_cpp_cases::{self, Outcome};

#[test]
fn both_contexts_together_are_equal() {
    let (mut exact, mut differences) = (0, Vec::new());
    for case in llama_cpp_cases::predictions() {
        let Outcome::Planned(planned) = &case.outcome else {
            panic!("{}", case.line);
        };
        let model = data::model(&case.model, &case.file_type).unwrap();
        let devices = [Device::with_free("CUDA0".into(), 24 << 30)];
        let engine = case.engine(model);
        let plan = engine
            .prepare(model, &devices)
            .and_then(|planner| planner.plan(case.context))
            .unwrap();
        let (ours, real) = (&plan.devices[0], planned.gpu(0));
        let cache = ours.kv_cache.bytes + ours.recurrent_state.bytes;
        let mut equal = (ours.weights.bytes, cache) == (real.weights, real.context)
            && plan.host.weights == planned.host().weights;
        if ours.compute.basis == Basis::Exact {
            exact += 1;
            equal &= ours.compute.bytes == real.compute;
            equal &= plan.host.compute == planned.host().compute;
        }
        if !equal {
            differences.push(format!("{ours:?}\n{:?}\n{}", plan.host, case.line));
        }
    }
    println!("{exact} called exact");
    assert!(exact >= 90, "{exact} called exact");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
