//! The longest context: ours and the engine's own choice beside the true one.

use std::fs;

use super::spread::error;
use crate::autofit_cases::autofit_cases;
use crate::data;

/// One case, in tokens.
pub struct Inversion {
    /// The longest context that the engine takes with all layers on the GPU, by bisection.
    pub real: u64,
    /// Ours.
    pub ours: u64,
    /// What the engine's own fit chooses; `None` where it moves layers to the CPU instead.
    pub fitted: Option<u64>,
}

impl Inversion {
    /// How far the engine's own fit is off, in hundredths of a percent.
    pub fn fit_error(&self) -> Option<i64> {
        self.fitted.map(|fitted| error(fitted, self.real))
    }
}

/// Every measured one.
pub fn inversions() -> Vec<Inversion> {
    let fits = fs::read_to_string(data::path("llama_cpp/autofit_own.tsv")).unwrap();
    let cases = autofit_cases().into_iter().zip(fits.lines());
    cases
        .map(|(case, fit)| Inversion {
            real: case.real,
            ours: case.ours,
            fitted: fit.parse().ok(),
        })
        .collect()
}
