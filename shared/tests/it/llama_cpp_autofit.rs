//! llama.cpp: our longest context against the one that the engine itself finds to fit.

use crate::autofit_cases::autofit_cases;

#[test]
fn the_longest_context_is_the_engines_own() {
    let (mut equal, mut total) = (0, 0);
    for case in autofit_cases() {
        total += 1;
        equal += usize::from(case.ours == case.real);
        if case.ours != case.real {
            println!("{}: {} for {}", case.name, case.ours, case.real);
        }
    }
    println!("{equal} of {total} longest contexts are the engine's own");
    assert_eq!((equal, total), (399, 399));
}
