//! The page, from inside the program.

use crate::http::{ask, get};
use crate::machine::{Machine, ONE_GPU};
use crate::probe::Probe;

#[test]
fn the_page_is_served_under_its_policy() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let page = get(probe.port, "/");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<html"));
    assert_eq!(page.header("vary").unwrap(), "Accept-Encoding, Origin");
    let policy = page.header("content-security-policy").unwrap();
    let scripts = policy
        .split("; ")
        .find(|directive| directive.starts_with("script-src "))
        .unwrap();
    assert!(!scripts.contains("'unsafe-inline'") && !scripts.contains("'unsafe-eval'"));
    assert!(policy.contains("frame-ancestors 'none'"));
    // Trunk starts the program from a script in the HTML, which the policy names by its hash.
    assert_eq!(
        scripts.matches("'sha256-").count(),
        page.body
            .split("<script")
            .skip(1)
            .filter(|tag| {
                tag.split_once('>')
                    .is_some_and(|(attributes, _)| !attributes.contains("src="))
            })
            .count()
    );
}

#[test]
fn what_the_page_names_is_there() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let page = get(probe.port, "/");
    let mut files = 0;
    for name in page
        .body
        .split('"')
        .filter_map(|text| text.strip_prefix("./").or_else(|| text.strip_prefix('/')))
        .filter(|text| text.contains('.'))
    {
        let response = ask(probe.port, &format!("HEAD /{name}"), &[]);
        assert_eq!(response.status, 200, "{name}");
        files += 1;
    }
    assert!(files > 0);
    assert_eq!(get(probe.port, "/no-such-file.js").status, 404);
    assert_eq!(ask(probe.port, "POST /", &[]).status, 405);
    assert_eq!(get(probe.port, "/v1/gpus").status, 200);
}

#[test]
fn the_browser_keeps_what_it_has() {
    let machine = Machine::new(ONE_GPU);
    let probe = Probe::start(&machine);
    let tag = get(probe.port, "/").header("etag").unwrap();
    let again = ask(probe.port, "GET /", &[&format!("If-None-Match: {tag}")]);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
