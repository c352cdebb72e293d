//! Steps: what is done now, and how long it took.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::style;

/// How many steps the present one stands in.
static DEPTH: AtomicUsize = AtomicUsize::new(0);

/// Does one step between a line that announces it and a line that says how long it took.
pub(crate) fn step<T>(
    title: &str,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let arrow = if DEPTH.fetch_add(1, Ordering::Relaxed) == 0 {
        "==>"
    } else {
        " ->"
    };
    println!("{} {}", style::green(arrow), style::bold(title));
    let start = Instant::now();
    let result = work();
    DEPTH.fetch_sub(1, Ordering::Relaxed);
    let elapsed = seconds(start.elapsed());
    match &result {
        Ok(_) => println!("    {}", style::dim(&format!("done in {elapsed}"))),
        Err(_) => println!("    {}", style::red(&format!("failed after {elapsed}"))),
    }
    result
}

/// A line inside a step.
pub(crate) fn note(text: &str) {
    println!("    {text}");
}

/// `0.4 s`, `12.3 s`, `2 min 05 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        format!("{whole}.{} s", duration.subsec_millis() / 100)
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(seconds(Duration::from_millis(460)), "0.4 s");
        assert_eq!(seconds(Duration::from_millis(59_990)), "59.9 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }
}
