//! llama.cpp: our plan against its own for settings drawn at random, unusual ones included.

use shared::engine::{Basis, Engine};

use crate::data;
use crate::llama_cpp_cases::{self, Outcome};

#[test]
fn random_settings_are_planned_as_the_engine_does() {
    let (mut planned_count, mut refused, mut exact) = (0, 0, 0);
    for case in llama_cpp_cases::random() {
        let line = &case.line;
        let model = data::model(&case.model, &case.file_type).unwrap();
        let planner = case.engine(model).prepare(model, &case.devices());
        let plan = planner.and_then(|planner| planner.plan(case.context));
        let planned = match (&case.outcome, &plan) {
            (Outcome::Refused(_), Err(_)) => {
                refused += 1;
                continue;
            }
            (Outcome::Refused(_), Ok(_)) => panic!("not refused: {line}"),
            (Outcome::Planned(planned), _) => planned,
        };
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}: {line}"));
        assert_eq!(plan.context_length, planned.n_ctx, "{line}");
        for (index, device) in plan.devices.iter().enumerate() {
            let real = planned.gpu(index);
            let cache = device.kv_cache.bytes + device.recurrent_state.bytes;
            let ours = (device.weights.bytes, cache);
            assert_eq!(ours, (real.weights, real.context), "GPU {index}: {line}");
            if device.compute.basis == Basis::Exact {
                assert_eq!(device.compute.bytes, real.compute, "GPU {index}: {line}");
                exact += 1;
            }
            let all = real.weights + real.context + real.compute;
            let total = ours.0 + ours.1 + device.compute.bytes;
            assert!(total + all / 50 >= all, "GPU {index}: {line}");
        }
        let real = planned.host();
        let ours = (
            plan.host.weights,
            plan.host.kv_cache + plan.host.recurrent_state,
        );
        assert_eq!(ours, (real.weights, real.context), "host: {line}");
        assert_eq!(plan.host.output, planned.output, "{line}");
        planned_count += 1;
    }
    println!("{planned_count} planned, {refused} refused, {exact} exact");
    assert!(planned_count > 500 && refused > 50 && exact > 200);
}
