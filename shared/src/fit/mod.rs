//! The inversion: from free memory to the longest context.

mod answer;
mod invert;

pub use answer::{Answer, Budget, ByAnswer};
pub use invert::{Fit, Limit, fits, max_context};
