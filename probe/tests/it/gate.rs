//! Who may ask.

use crate::http::{Response, ask, get, send};
use crate::machine::{Machine, ONE_GPU};
use crate::probe::Probe;

const HOSTED: &str = "https://llm-lander.github.io";

fn is_for_others(response: &Response) -> bool {
    response
        .names()
        .any(|name| name.starts_with("access-control-"))
}

#[test]
fn only_its_own_names_are_answered() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let port = probe.port;
    for (hosts, status) in [
        (vec![format!("127.0.0.1:{port}")], 200),
        (vec![format!("localhost:{port}")], 200),
        (vec![], 421),
        (vec![String::new()], 421),
        (vec!["127.0.0.1".into()], 421),
        (vec!["localhost".into()], 421),
        (vec!["localhost:1".into()], 421),
        (vec![format!("localhost.:{port}")], 421),
        (vec![format!("localhost:{port}.evil.example")], 421),
        (vec![format!("evil.example:{port}")], 421),
        (vec![format!("127.0.0.1.nip.io:{port}")], 421),
        (vec![format!("0.0.0.0:{port}")], 421),
        (vec![format!("2130706433:{port}")], 421),
        (
            vec![format!("127.0.0.1:{port}"), "evil.example".into()],
            421,
        ),
    ] {
        for path in ["/v1/gpus", "/v1/health", "/"] {
            let lines: Vec<_> = hosts.iter().map(|host| format!("Host: {host}")).collect();
            let response = send(port, &format!("GET {path}"), &lines);
            if path == "/v1/gpus" || status == 421 {
                assert_eq!(response.status, status, "{hosts:?} {path}");
            }
            if status == 421 {
                assert!(!response.body.contains("RTX"));
                assert!(!is_for_others(&response));
                assert_eq!(response.header("vary").unwrap(), "Origin");
            }
        }
    }
}

#[test]
fn a_target_with_another_name_is_not_answered() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let port = probe.port;
    let host = [format!("Host: 127.0.0.1:{port}")];
    let own = send(port, &format!("GET http://127.0.0.1:{port}/v1/gpus"), &host);
    assert_eq!(own.status, 200);
    let other = send(port, "GET http://evil.example/v1/gpus", &host);
    assert_eq!(other.status, 421);
}

#[test]
fn listed_origins_may_read() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start_with(
        &machine,
        &[
            "--allow-origin",
            "http://localhost:8080/",
            "--allow-origin",
            "https://a.example",
        ],
    );
    let port = probe.port;
    for origin in [
        HOSTED,
        &format!("http://127.0.0.1:{port}"),
        &format!("http://localhost:{port}"),
        "http://localhost:8080",
        "https://a.example",
    ] {
        let response = ask(port, "GET /v1/gpus", &[&format!("Origin: {origin}")]);
        assert_eq!(response.status, 200, "{origin}");
        assert_eq!(
            response.header("access-control-allow-origin").as_deref(),
            Some(origin)
        );
        assert_eq!(response.header("access-control-allow-credentials"), None);
        assert_eq!(response.header("vary").as_deref(), Some("Origin"));
    }
}

#[test]
fn other_origins_get_nothing() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let port = probe.port;
    for origin in [
        "https://evil.example",
        "null",
        "*",
        "",
        "http://llm-lander.github.io",
        "https://llm-lander.github.io.evil.example",
        "https://llm-lander.github.io/",
        "https://llm-lander.github.io:8443",
        "HTTPS://LLM-LANDER.GITHUB.IO",
        "http://localhost",
        "http://localhost:1",
    ] {
        for target in [
            "GET /v1/gpus",
            "GET /v1/gpus/stream",
            "GET /",
            "POST /v1/gpus",
        ] {
            let response = ask(port, target, &[&format!("Origin: {origin}")]);
            assert_eq!(response.status, 403, "{origin} {target}");
            assert_eq!(response.body, "");
            assert!(!is_for_others(&response));
            assert_eq!(response.header("vary").as_deref(), Some("Origin"));
        }
    }
    let two = ask(
        port,
        "GET /v1/gpus",
        &[&format!("Origin: {HOSTED}"), "Origin: https://evil.example"],
    );
    assert_eq!(two.status, 403);
}

#[test]
fn preflights_of_listed_origins_are_granted() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let origin = format!("Origin: {HOSTED}");
    let method = "Access-Control-Request-Method: GET";
    let private = "Access-Control-Request-Private-Network: true";
    let granted = ask(probe.port, "OPTIONS /v1/gpus", &[&origin, method, private]);
    assert_eq!((granted.status, granted.body.as_str()), (204, ""));
    for (name, value) in [
        ("access-control-allow-origin", HOSTED),
        ("access-control-allow-methods", "GET, HEAD"),
        ("access-control-allow-private-network", "true"),
        ("vary", "Origin"),
    ] {
        assert_eq!(granted.header(name).as_deref(), Some(value), "{name}");
    }
    let plain = ask(probe.port, "OPTIONS /v1/gpus", &[&origin, method]);
    assert_eq!(plain.status, 204);
    assert_eq!(plain.header("access-control-allow-private-network"), None);

    let evil = "Origin: https://evil.example";
    let refused = ask(probe.port, "OPTIONS /v1/gpus", &[evil, method, private]);
    assert_eq!((refused.status, refused.body.as_str()), (403, ""));
    assert!(!is_for_others(&refused));
}

#[test]
fn other_sites_cannot_embed_the_answers() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    for (site, mode, status) in [
        ("cross-site", "no-cors", 403),
        ("same-site", "no-cors", 403),
        ("cross-site", "navigate", 200),
        ("same-origin", "cors", 200),
        ("none", "navigate", 200),
    ] {
        let response = ask(
            probe.port,
            "GET /v1/gpus",
            &[
                &format!("Sec-Fetch-Site: {site}"),
                &format!("Sec-Fetch-Mode: {mode}"),
            ],
        );
        assert_eq!(response.status, status, "{site} {mode}");
        assert_eq!(
            response.header("cross-origin-resource-policy").as_deref(),
            Some("same-origin")
        );
    }
}

#[test]
fn everything_else_is_not_there_or_not_allowed() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    for (target, status) in [
        ("GET /v1", 404),
        ("GET /v1/gpus/", 404),
        ("GET /v1/gpus/0", 404),
        ("GET /v2/gpus", 404),
        ("GET /../../etc/passwd", 404),
        ("GET /%2e%2e/%2e%2e/etc/passwd", 404),
        ("POST /v1/gpus", 405),
        ("PUT /v1/health", 405),
        ("DELETE /v1/gpus/stream", 405),
        ("OPTIONS /v1/gpus", 405),
        ("BREW /v1/gpus", 405),
        ("POST /v1/processes", 404),
    ] {
        let response = ask(probe.port, target, &[]);
        assert_eq!(response.status, status, "{target}");
        assert_eq!(response.header("vary").as_deref(), Some("Origin"));
        assert_eq!(
            response.header("content-type").as_deref(),
            Some("application/problem+json")
        );
        assert_eq!(response.json()["status"], status);
        if status == 405 {
            assert_eq!(response.header("allow").as_deref(), Some("GET, HEAD"));
        }
    }
}

#[test]
#[cfg(not(feature = "page"))]
fn without_a_page_the_root_says_so() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let root = get(probe.port, "/");
    assert_eq!(root.status, 404);
    assert!(root.json()["hint"].as_str().unwrap().contains("no page"));
}

/// The port is open on the loopback interface and on no other.
#[test]
#[cfg(target_os = "linux")]
fn nothing_listens_beyond_this_machine() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    assert_eq!(get(probe.port, "/v1/health").status, 200);
    let wanted = format!(":{:04X}", probe.port);
    let listening: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let local = fields.next()?.to_owned();
            (fields.nth(1)? == "0A" && local.ends_with(&wanted)).then_some(local)
        })
        .collect();
    assert_eq!(listening, [format!("0100007F{wanted}")]);
}
