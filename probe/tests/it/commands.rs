//! The program in the terminal.

use std::net::TcpListener;
use std::process::Output;
#[cfg(unix)]
use std::time::Duration;

use shared::gpu::GpuReport;

use crate::http::get;
use crate::machine::{Machine, ONE_GPU};
use crate::probe::Probe;

struct Ran {
    code: Option<i32>,
    output: String,
    errors: String,
}

fn run(machine: &Machine, arguments: &[&str]) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = machine.command(arguments).output().unwrap();
    Ran {
        code: status.code(),
        output: String::from_utf8(stdout).unwrap(),
        errors: String::from_utf8(stderr).unwrap(),
    }
}

#[test]
fn once_prints_what_the_server_would_answer() {
    let machine = Machine::new(ONE_GPU);
    let once = run(&machine, &["--once"]);
    assert_eq!((once.code, once.errors.as_str()), (Some(0), ""));
    let probe = Probe::start(&machine);
    assert_eq!(once.output.trim_end(), get(probe.port, "/v1/gpus").body);
    assert!(GpuReport::from_json(once.output.as_bytes()).is_ok());
}

#[test]
fn once_without_a_reading_says_why() {
    let machine = Machine::new("init = 18");
    let once = run(&machine, &["--once"]);
    assert_eq!(once.code, Some(3));
    let problem: serde_json::Value = serde_json::from_str(&once.output).unwrap();
    assert_eq!(problem["code"], "driver_mismatch");
    let lines: Vec<_> = once.errors.lines().collect();
    assert_eq!(lines.len(), 2, "{}", once.errors);
    assert!(lines[0].starts_with("error: ") && lines[1].starts_with("hint: "));

    let ja = run(&machine, &["--once", "--lang", "ja"]);
    assert!(ja.errors.contains("バージョンが一致しません") && ja.errors.contains("対処: "));
    assert_eq!(ja.output, once.output);
}

#[test]
fn doctor_shows_the_gpus() {
    let machine = Machine::new(ONE_GPU);
    let doctor = run(&machine, &["doctor"]);
    assert_eq!(doctor.code, Some(0), "{}", doctor.output);
    for part in [
        "[ok] NVML answers (driver 580.65.06, CUDA 13.0)",
        "[ok] GPU 0: NVIDIA GeForce RTX 4090, 19101 MiB free of 24564 MiB",
        "The GPU can be read.",
    ] {
        assert!(doctor.output.contains(part), "{part}: {}", doctor.output);
    }
    assert!(!doctor.output.contains("[!!]"));
}

#[test]
fn doctor_names_the_cause_and_the_cure() {
    for (state, cause, cure) in [
        ("init = 9", "driver is not loaded", "modprobe nvidia"),
        ("init = 18", "different versions", "restart the machine"),
        ("init = 4", "no permission", "/dev/nvidia*"),
        ("", "sees no GPU", "--gpus all"),
        ("gpu.0.handle = 15", "stopped answering (GPU 0)", "PCIe"),
    ] {
        let doctor = run(&Machine::new(state), &["doctor"]);
        assert_eq!(doctor.code, Some(3));
        assert!(doctor.output.contains("[!!]"), "{}", doctor.output);
        assert!(doctor.output.contains(cause), "{cause}: {}", doctor.output);
        assert!(doctor.output.contains(cure), "{cure}: {}", doctor.output);
    }
    let machine = Machine::with_library("", "missing.so");
    let ja = machine
        .command(&["doctor"])
        .env("LANG", "ja_JP.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8(ja.stdout).unwrap();
    assert!(text.contains("NVML)が見つかりません"), "{text}");
    assert!(
        text.contains("NVIDIA ドライバーをインストールしてください"),
        "{text}"
    );
}

#[test]
fn doctor_tells_a_lost_gpu_from_the_rest() {
    let state = format!("{ONE_GPU}\ngpu.1.name = B\ngpu.1.handle = 15");
    let doctor = run(&Machine::new(&state), &["doctor"]);
    assert_eq!(doctor.code, Some(0));
    assert!(doctor.output.contains("[ok] GPU 0: "));
    assert!(
        doctor
            .output
            .contains("[!!] the GPU has stopped answering (GPU 1)")
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let machine = Machine::new(ONE_GPU);
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let ran = run(&machine, &["--port", &port]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.errors.lines().next().unwrap(),
        format!("error: port {port} is in use by another program")
    );
    assert!(ran.errors.contains("--port 7651"));

    let probe = Probe::start(&machine);
    let port = probe.port.to_string();
    let ran = run(&machine, &["--port", &port]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.errors
            .contains("another llm-lander-probe is already running")
    );
}

#[test]
fn bad_usage_is_explained() {
    let machine = Machine::new(ONE_GPU);
    for (arguments, part) in [
        (vec!["--prot", "1"], "“--prot” has no place here"),
        (vec!["--port", "x"], "“x” is not a port number"),
        (vec!["--port"], "--port needs a value"),
        (vec!["--allow-origin", "*"], "it would allow every site"),
        (vec!["doctor", "--port", "1"], "“--port” has no place here"),
    ] {
        let ran = run(&machine, &arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.errors.contains(part), "{}", ran.errors);
        assert_eq!(ran.errors.lines().count(), 2);
        assert_eq!(ran.output, "");
    }
    let help = run(&machine, &["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.output.contains("--allow-origin URL"));
}

#[test]
#[cfg(unix)]
fn interrupts_and_requests_to_end_are_heeded() {
    for name in ["INT", "TERM"] {
        let machine = Machine::new(ONE_GPU);
        let mut probe = Probe::start(&machine);
        assert_eq!(get(probe.port, "/v1/health").status, 200);
        probe.signal(name);
        let status = probe.ended_within(Duration::from_secs(3)).unwrap();
        assert_eq!(status.code(), Some(0), "{name}");
        let output = probe.rest_of_output();
        assert!(
            output.contains("GPU 0: NVIDIA GeForce RTX 4090"),
            "{output}"
        );
    }
}

/// The page is handed the readings in the address, where no server sees them.
#[test]
#[cfg(target_os = "linux")]
fn open_hands_the_readings_to_the_page() {
    use std::os::unix::fs::PermissionsExt;

    let machine = Machine::new(ONE_GPU);
    let browser = machine.path("xdg-open");
    let opened = machine.path("opened");
    std::fs::write(
        &browser,
        format!("#!/bin/sh\nprintf %s \"$1\" > {}\n", opened.display()),
    )
    .unwrap();
    std::fs::set_permissions(&browser, PermissionsExt::from_mode(0o755)).unwrap();
    let output = machine
        .command(&["open"])
        .env("PATH", browser.parent().unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let address = crate::probe::eventually(|| {
        let text = std::fs::read_to_string(&opened).ok()?;
        (!text.is_empty()).then_some(text)
    });
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim_end(),
        address
    );
    let (site, fragment) = address.split_once('#').unwrap();
    assert_eq!(site, "https://llm-lander.github.io/");
    let report = GpuReport::from_fragment(fragment).unwrap().unwrap();
    assert_eq!(report.gpus[0].free, 20_029_000_001);
}

#[test]
fn open_without_a_reading_opens_nothing() {
    let ran = run(&Machine::new("init = 9"), &["open"]);
    assert_eq!((ran.code, ran.output.as_str()), (Some(3), ""));
}

#[test]
#[cfg(not(feature = "page"))]
fn open_local_needs_the_page() {
    let ran = run(&Machine::new(ONE_GPU), &["open", "--local"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.errors.contains("no page in it"));
}

/// Nobody asking, the processor is left alone.
#[test]
#[cfg(target_os = "linux")]
fn idle_takes_no_time() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    assert_eq!(get(probe.port, "/v1/gpus").status, 200);
    let spent = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", probe.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |place: usize| fields[place].parse::<u64>().unwrap();
        ticks(11) + ticks(12)
    };
    std::thread::sleep(Duration::from_millis(300));
    let before = spent();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(spent(), before);
}
