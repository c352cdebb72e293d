//! The inversion: from free memory to the longest context, and the advice built on it.

mod advise;
mod answer;
mod invert;

pub use advise::{Advice, Advised, Change, Freedom, Tunable, Variant, advise, split};
pub use answer::{Answer, Budget, ByAnswer};
pub use invert::{Fit, Limit, fits, max_context};
