//! The inversion: from free memory to the longest context, and the advice built on it.

mod advise;
mod answer;
mod invert;

pub use advise::{
    Advice, Advised, Change, Freedom, Lighter, Tunable, Variant, advise, changed, lighter_weights,
    split,
};
pub use answer::{Answer, Budget, ByAnswer};
pub use invert::{Fit, Limit, fits, max_context};
