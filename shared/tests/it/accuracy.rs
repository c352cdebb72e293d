//! The pages about accuracy are those that the command writes.

#[path = "../../examples/accuracy/report/mod.rs"]
mod report;

#[test]
fn the_pages_are_up_to_date() {
    for (path, text) in report::files() {
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        if written == text {
            continue;
        }
        assert!(
            std::env::var_os("UPDATE_GOLDEN").is_some(),
            "{} is out of date: cargo xtask bench-accuracy",
            path.display()
        );
        std::fs::write(&path, text).unwrap();
    }
}
