//! Events.

use std::time::{Duration, Instant};

use crate::http::Events;
use crate::machine::{Machine, ONE_GPU, calls};
use crate::probe::Probe;

const SOON: Duration = Duration::from_secs(4);

#[test]
fn a_listener_gets_the_reading_and_then_each_change() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let mut events = Events::of(probe.port);
    let first = events.next_within(SOON).unwrap();
    assert_eq!(first.name, "gpus");
    assert_eq!(first.json()["gpus"][0]["free"], 20_029_000_001_u64);
    for free in [5, 7] {
        machine.set_free(free);
        let event = events.next_within(SOON).unwrap();
        assert_eq!(event.name, "gpus");
        assert_eq!(event.json()["gpus"][0]["free"], free);
    }
}

#[test]
fn without_a_change_there_is_no_event() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let mut events = Events::of(probe.port);
    assert!(events.next_within(SOON).is_some());
    assert_eq!(events.next_within(Duration::from_millis(2500)), None);
}

#[test]
fn events_come_at_most_once_a_second() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let mut events = Events::of(probe.port);
    assert!(events.next_within(SOON).is_some());
    let begin = Instant::now();
    let changing = std::thread::spawn(move || {
        for free in 0..25 {
            machine.set_free(free);
            std::thread::sleep(Duration::from_millis(100));
        }
        machine
    });
    let mut count = 0;
    while begin.elapsed() < Duration::from_millis(2500) {
        count += u32::from(events.next_within(Duration::from_millis(200)).is_some());
    }
    changing.join().unwrap();
    assert!((1..=3).contains(&count), "{count} events in 2.5 s");
}

#[test]
fn a_stream_outlasts_the_driver() {
    let machine = Machine::new("init = 9");
    let probe = Probe::start(&machine);
    let mut events = Events::of(probe.port);
    let problem = events.next_within(SOON).unwrap();
    assert_eq!(problem.name, "problem");
    assert_eq!(problem.json()["code"], "driver_not_loaded");
    machine.set(ONE_GPU);
    assert_eq!(events.next_within(SOON).unwrap().name, "gpus");
    machine.set("session = 1\ninit = 18");
    assert_eq!(
        events.next_within(SOON).unwrap().json()["code"],
        "driver_mismatch"
    );
}

#[test]
fn when_the_last_listener_leaves_the_reading_ends() {
    let machine = Machine::new("");
    let (line, log) = machine.log();
    machine.set(&format!("{line}{ONE_GPU}"));
    let probe = Probe::start(&machine);
    let mut events = Events::of(probe.port);
    assert!(events.next_within(SOON).is_some());
    drop(events);
    std::thread::sleep(Duration::from_millis(1200));
    let before = calls(&log, "nvml");
    std::thread::sleep(Duration::from_millis(2200));
    assert_eq!(calls(&log, "nvml"), before);
}

#[test]
#[cfg(unix)]
fn stopping_the_server_ends_the_stream() {
    let machine = Machine::new(ONE_GPU);
    let mut probe = Probe::start(&machine);
    let mut events = Events::of(probe.port);
    assert!(events.next_within(SOON).is_some());
    probe.signal("INT");
    // Sooner than the server gives up on streams that do not end.
    let soon = Duration::from_millis(1500);
    assert!(events.ends_within(soon));
    assert_eq!(
        probe.ended_within(soon).and_then(|status| status.code()),
        Some(0)
    );
}
