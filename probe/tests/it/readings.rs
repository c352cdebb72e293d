//! What is read, as it is served.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use shared::gpu::{Device, GpuReport, ProblemCode};

use crate::http::{ask, get};
use crate::machine::{Machine, ONE_GPU, calls, fake_library};
use crate::probe::Probe;

fn read(machine: &Machine) -> Value {
    let probe = Probe::start(machine);
    let response = get(probe.port, "/v1/gpus");
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.header("content-type").unwrap(), "application/json");
    assert_eq!(response.header("cache-control").unwrap(), "no-store");
    response.json()
}

#[test]
fn a_report_is_what_nvml_says() {
    let machine = Machine::new(ONE_GPU);
    assert_eq!(
        read(&machine),
        json!({
            "schema": 1,
            "probe": env!("CARGO_PKG_VERSION"),
            "driver": "580.65.06",
            "cuda": "13.0",
            "gpus": [{
                "index": 0,
                "name": "NVIDIA GeForce RTX 4090",
                "total": 25_757_220_864_u64,
                "free": 20_029_000_001_u64,
                "used": 5_252_988_007_u64,
                "reserved": 475_232_803,
                "unified": false,
                "mig": null,
                "compute_capability": [8, 9],
            }],
        })
    );
}

#[test]
fn several_gpus_keep_their_order_and_versions_their_digits() {
    let state = "
        driver = 535.183.01
        cuda = 12020
        gpu.0.name = A
        gpu.0.free = 1
        gpu.1.name = B
        gpu.1.free = 18446744073709551615
    ";
    let report = read(&Machine::new(state));
    assert_eq!(report["driver"], "535.183.01");
    assert_eq!(report["cuda"], "12.2");
    assert_eq!(report["gpus"][1]["index"], 1);
    assert_eq!(report["gpus"][1]["name"], "B");
    assert_eq!(report["gpus"][1]["free"], u64::MAX);
    assert_eq!(report["gpus"][0]["compute_capability"], Value::Null);
}

#[test]
fn an_old_driver_does_not_tell_what_is_reserved() {
    // 13: function not found, 25: struct version not known.
    for code in [13, 25] {
        let report = read(&Machine::new(&format!("memory_v2 = {code}\n{ONE_GPU}")));
        let gpu = &report["gpus"][0];
        assert_eq!(gpu["reserved"], Value::Null);
        assert_eq!(gpu["free"], 20_029_000_001_u64);
        assert_eq!(gpu["used"], 5_252_988_007_u64 + 475_232_803);
    }
}

/// A library as old as that lacks the symbol: its name is overwritten in a copy.
#[test]
#[cfg(target_os = "linux")]
fn a_library_without_the_newer_function_will_do() {
    let machine = Machine::with_library(ONE_GPU, "old.so");
    let mut library = fs::read(fake_library()).unwrap();
    rename_symbol(&mut library, b"nvmlDeviceGetMemoryInfo_v2\0");
    fs::write(machine.path("old.so"), library).unwrap();
    assert_eq!(read(&machine)["gpus"][0]["reserved"], Value::Null);
}

#[cfg(target_os = "linux")]
pub(crate) fn rename_symbol(library: &mut [u8], name: &[u8]) {
    let places: Vec<_> = (0..library.len() - name.len())
        .filter(|&place| library[place..].starts_with(name))
        .collect();
    assert!(!places.is_empty());
    for place in places {
        library[place + name.len() - 2] = b'#';
    }
}

#[test]
fn mig_instances_are_listed_and_empty_slots_are_not() {
    let state = format!(
        "{ONE_GPU}
        gpu.0.mig = 1
        gpu.0.mig_slots = 7
        gpu.0.mig.0.name = NVIDIA A100-SXM4-40GB MIG 3g.20gb
        gpu.0.mig.0.total = 20937965568
        gpu.0.mig.0.free = 20000000000
        gpu.0.mig.0.used = 900000000
        gpu.0.mig.0.reserved = 37965568
        gpu.0.mig.4.name = NVIDIA A100-SXM4-40GB MIG 1g.5gb
        gpu.0.mig.4.total = 5100273664
        gpu.0.mig.4.free = 5000000000
        "
    );
    let report = read(&Machine::new(&state));
    let instances = report["gpus"][0]["mig"]["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 2);
    assert_eq!(
        instances[0],
        json!({
            "index": 0,
            "name": "NVIDIA A100-SXM4-40GB MIG 3g.20gb",
            "total": 20_937_965_568_u64,
            "free": 20_000_000_000_u64,
            "used": 900_000_000,
            "reserved": 37_965_568,
        })
    );
    assert_eq!(instances[1]["index"], 4);
}

#[test]
fn mig_that_is_off_is_no_mig() {
    let report = read(&Machine::new(&format!("{ONE_GPU}\ngpu.0.mig = 0")));
    assert_eq!(report["gpus"][0]["mig"], Value::Null);
}

#[test]
fn a_mig_gpu_that_is_closed_to_users_still_has_its_instances() {
    let state = "
        gpu.0.name = NVIDIA H100
        gpu.0.memory = 4
        gpu.0.mig = 1
        gpu.0.mig_slots = 2
        gpu.0.mig.0.total = 100
        gpu.0.mig.0.free = 10
        gpu.0.mig.1.total = 200
        gpu.0.mig.1.free = 20
    ";
    let report = read(&Machine::new(state));
    let gpu = &report["gpus"][0];
    assert_eq!((&gpu["total"], &gpu["used"]), (&Value::Null, &Value::Null));
    assert_eq!(gpu["free"], 20);
    let report = GpuReport::from_json(report.to_string().as_bytes()).unwrap();
    assert_eq!(Device::from(&report.gpus[0]).total, Some(200));
}

#[test]
#[cfg(target_os = "linux")]
fn memory_shared_with_the_host_is_the_hosts() {
    let report = read(&Machine::new(
        "gpu.0.name = NVIDIA GB10\ngpu.0.memory = 3\ngpu.0.cc = 12.1",
    ));
    let gpu = &report["gpus"][0];
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap();
    let total = meminfo
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap();
    assert_eq!(gpu["unified"], true);
    assert_eq!(gpu["total"], total.parse::<u64>().unwrap() * 1024);
    assert!(gpu["free"].as_u64().unwrap() > 0 && gpu["free"].as_u64() < gpu["total"].as_u64());
    assert_eq!(gpu["used"], Value::Null);
    assert_eq!(gpu["compute_capability"], json!([12, 1]));
}

#[test]
fn a_gpu_that_is_lost_does_not_take_the_others_along() {
    let state = "
        gpu.0.name = Lost
        gpu.0.handle = 15
        gpu.1.name = Found
        gpu.1.free = 7
        gpu.2.name = Broken
        gpu.2.memory = 999
    ";
    let report = read(&Machine::new(state));
    assert_eq!(report["gpus"].as_array().unwrap().len(), 1);
    assert_eq!(report["gpus"][0]["index"], 1);
    let report = GpuReport::from_json(report.to_string().as_bytes()).unwrap();
    let codes: Vec<_> = report
        .problems
        .iter()
        .map(|problem| (problem.index, problem.code))
        .collect();
    assert_eq!(
        codes,
        [(0, ProblemCode::GpuLost), (2, ProblemCode::Unknown)]
    );
}

#[test]
fn readings_are_shared_and_nothing_is_read_unasked() {
    let machine = Machine::new("");
    let (line, log) = machine.log();
    machine.set(&format!("{line}{ONE_GPU}"));
    let probe = Probe::start(&machine);
    assert_eq!(get(probe.port, "/v1/gpus").status, 200);
    let before = calls(&log, "nvmlDeviceGetMemoryInfo");
    let begin = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(get(probe.port, "/v1/gpus").status, 200);
    }
    let periods = begin.elapsed().as_millis() / 200 + 1;
    let readings = calls(&log, "nvmlDeviceGetMemoryInfo") - before;
    assert!(readings as u128 <= periods, "{readings} in {periods}");

    let before = calls(&log, "nvml");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(get(probe.port, "/v1/health").status, 200);
    assert_eq!(calls(&log, "nvml"), before);
}

#[test]
fn one_session_serves_all_readings() {
    let machine = Machine::new("");
    let (line, log) = machine.log();
    machine.set(&format!("{line}{ONE_GPU}"));
    let probe = Probe::start(&machine);
    get(probe.port, "/v1/gpus");
    let sessions = calls(&log, "nvmlInit");
    std::thread::sleep(Duration::from_millis(250));
    get(probe.port, "/v1/gpus");
    assert_eq!(calls(&log, "nvmlInit"), sessions);
}

#[test]
fn nothing_that_identifies_is_read_or_sent() {
    let machine = Machine::new("");
    let (line, log) = machine.log();
    machine.set(&format!("{line}{ONE_GPU}"));
    let probe = Probe::start(&machine);
    let body = get(probe.port, "/v1/gpus").body;
    assert!(!body.contains("GPU-00000000"));
    for function in [
        "nvmlDeviceGetUUID",
        "nvmlDeviceGetSerial",
        "nvmlDeviceGetComputeRunningProcesses",
        "nvmlDeviceGetGraphicsRunningProcesses",
    ] {
        assert_eq!(calls(&log, function), 0, "{function}");
    }
    assert!(calls(&log, "nvmlDeviceGetMemoryInfo") > 0);
}

#[test]
fn health_tells_the_program_and_its_version() {
    let machine = Machine::new("init = 9");
    let probe = Probe::start(&machine);
    let health = get(probe.port, "/v1/health");
    assert_eq!(health.status, 200);
    assert_eq!(
        health.json(),
        json!({
            "status": "ok",
            "program": "llm-lander-probe",
            "version": env!("CARGO_PKG_VERSION"),
        })
    );
}

#[test]
fn head_is_get_without_the_body() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let response = ask(probe.port, "HEAD /v1/gpus", &[]);
    assert_eq!((response.status, response.body.as_str()), (200, ""));
}
