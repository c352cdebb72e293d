//! Options mean what they mean to llama.cpp: what it allocates under them is what we say.

use serde_json::Value;

use crate::fixture::run;

const CASES: &str = include_str!("../data/engine_plans.tsv");

#[test]
fn options_are_llama_cpps_own() {
    let mut wrong = Vec::new();
    let cases = CASES.lines().filter(|line| !line.starts_with('#'));
    for case in cases {
        let fields: Vec<&str> = case.split('\t').collect();
        let [model, options, gpus, host, output, n_ctx] = fields.as_slice() else {
            panic!("{case}");
        };
        let file = format!("{model}.gguf");
        let free = vec!["24576"; gpus.split(';').count()].join(",");
        let fixed = ["plan", &file, "--json", "--free-vram-mb", &free];
        let options: Vec<&str> = options.split(' ').collect();
        let written = run(&[&fixed[..], &options].concat());
        let plan: Value = serde_json::from_slice(&written.stdout).unwrap();
        let sizes = |place: &Value| {
            let number = |key: &str| place[key].as_u64().unwrap();
            let context = number("kv_cache") + number("recurrent_state");
            format!("{},{context}", number("weights"))
        };
        let devices = plan["devices"].as_array().unwrap();
        let ours = [
            devices.iter().map(sizes).collect::<Vec<_>>().join(";"),
            sizes(&plan["host"]),
            plan["host"]["output"].to_string(),
            plan["backend_details"]["n_ctx"].to_string(),
        ];
        if ours != [*gpus, *host, *output, *n_ctx] {
            wrong.push(format!("{case}\n  ours: {}", ours.join("\t")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
