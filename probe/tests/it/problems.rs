//! No reading: each cause with its own answer, and the way back.

use std::fs;

use shared::gpu::ProblemCode;

use crate::http::get;
use crate::machine::{Machine, ONE_GPU};
use crate::probe::{Probe, eventually};

/// The code that a machine in this state is answered with.
fn code_of(machine: &Machine) -> String {
    let probe = Probe::start(machine);
    let response = get(probe.port, "/v1/gpus");
    assert_eq!(response.status, 503, "{}", response.body);
    assert_eq!(
        response.header("content-type").unwrap(),
        "application/problem+json"
    );
    let problem = response.json();
    let code = problem["code"].as_str().unwrap();
    assert_eq!(problem["status"], 503);
    for field in ["title", "hint"] {
        assert!(!problem[field].as_str().unwrap().is_empty());
    }
    assert!(problem["type"].as_str().unwrap().ends_with(code));
    code.to_owned()
}

#[test]
fn every_cause_has_its_code() {
    let gpu = |error: &str| format!("{ONE_GPU}\n{error}");
    for (state, code) in [
        ("init = 9".into(), "driver_not_loaded"),
        ("init = 18".into(), "driver_mismatch"),
        ("init = 4".into(), "permission"),
        ("init = 17".into(), "permission"),
        ("init = 12".into(), "nvml_unusable"),
        ("init = 999".into(), "unknown"),
        ("init = 4321".into(), "unknown"),
        ("count = 999".into(), "unknown"),
        (String::new(), "no_gpu"),
        (gpu("gpu.0.handle = 15"), "gpu_lost"),
        (gpu("gpu.0.memory = 15"), "gpu_lost"),
        (gpu("gpu.0.memory = 16"), "gpu_reset_required"),
        (gpu("gpu.0.handle = 4"), "permission"),
        (gpu("gpu.0.memory = 4"), "permission"),
        (gpu("gpu.0.memory = 999"), "unknown"),
    ] {
        assert_eq!(code_of(&Machine::new(&state)), code, "{state}");
    }
}

#[test]
fn every_code_is_explained_where_the_documents_point() {
    let reference = include_str!("../../../docs/probe_api.md");
    for code in ProblemCode::ALL {
        let code = code.name();
        let entry = format!("<a id=\"problem-{code}\"></a>`{code}`");
        assert!(reference.contains(&entry), "{code}");
    }
}

#[test]
fn no_library_and_no_such_library_differ() {
    let machine = Machine::with_library(ONE_GPU, "nvml.so");
    assert_eq!(code_of(&machine), "nvml_not_found");
    fs::write(machine.path("nvml.so"), "no library at all").unwrap();
    assert_eq!(code_of(&machine), "nvml_unusable");
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_of_something_else_is_not_nvml() {
    let machine = Machine::with_library(ONE_GPU, "nvml.so");
    let mut library = fs::read(crate::machine::fake_library()).unwrap();
    crate::readings::rename_symbol(&mut library, b"nvmlInit_v2\0");
    fs::write(machine.path("nvml.so"), library).unwrap();
    assert_eq!(code_of(&machine), "nvml_unusable");
}

#[test]
fn the_answer_does_not_give_away_where_things_are() {
    let machine = Machine::with_library(ONE_GPU, "nvml.so");
    let probe = Probe::start(&machine);
    let body = get(probe.port, "/v1/gpus").body;
    assert!(
        !body.contains(&std::env::temp_dir().display().to_string()),
        "{body}"
    );
}

/// Waits for an answer of this status.
fn answers(probe: &Probe, status: u16) -> serde_json::Value {
    eventually(|| {
        let response = get(probe.port, "/v1/gpus");
        (response.status == status).then(|| response.json())
    })
}

#[test]
fn a_library_that_comes_later_is_found() {
    let machine = Machine::with_library(ONE_GPU, "nvml.so");
    let probe = Probe::start(&machine);
    assert_eq!(answers(&probe, 503)["code"], "nvml_not_found");
    machine.install();
    assert_eq!(answers(&probe, 200)["gpus"][0]["free"], 20_029_000_001_u64);
}

#[test]
fn a_driver_that_goes_and_comes_is_followed() {
    let machine = Machine::new("init = 9");
    let probe = Probe::start(&machine);
    assert_eq!(answers(&probe, 503)["code"], "driver_not_loaded");
    machine.set(ONE_GPU);
    answers(&probe, 200);
    machine.set("session = 1\ninit = 18");
    assert_eq!(answers(&probe, 503)["code"], "driver_mismatch");
    machine.set(&format!("session = 2\ndriver = 590.1\n{ONE_GPU}"));
    assert_eq!(answers(&probe, 200)["driver"], "590.1");
}

#[test]
fn a_session_that_went_stale_is_renewed_without_an_error() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    for session in 1..4 {
        assert_eq!(get(probe.port, "/v1/gpus").status, 200);
        machine.set(&format!("session = {session}\n{ONE_GPU}"));
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    assert_eq!(get(probe.port, "/v1/gpus").status, 200);
}

#[test]
fn a_gpu_that_was_lost_may_come_back() {
    let machine = Machine::new(&format!("{ONE_GPU}\ngpu.0.handle = 15"));
    let probe = Probe::start(&machine);
    assert_eq!(answers(&probe, 503)["code"], "gpu_lost");
    machine.set(ONE_GPU);
    answers(&probe, 200);
}
