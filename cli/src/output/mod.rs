//! How answers are written: JSON by the contract's schema, text in the original program's form.

pub(crate) mod geometry;
pub(crate) mod json;
pub(crate) mod table;
mod terminal;
pub(crate) mod text;

pub(crate) use terminal::Terminal;
