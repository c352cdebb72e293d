//! The page: what a person chooses, the answers to it, and how both look.
//!
//! [`state`] is what was entered and goes into the address; [`question`] is what it asks;
//! [`answer`] is what `shared` answers; [`outcome`] is all of it together. These know nothing of a browser. [`store`] ties them to
//! signals, `view` draws them, [`browser`] is everything outside of the page's own tree.
//!
//! The page is built twice: what it opens with is small, and calls the whole program where a file
//! or another engine is asked for (feature `whole`, [`browser::handover`]).

#![forbid(unsafe_code)]

#[cfg(feature = "whole")]
pub mod advice;
pub mod answer;
pub mod beside;
pub mod browser;
pub mod catalogue;
pub mod curve;
pub mod engines;
#[cfg(feature = "whole")]
pub mod file;
pub mod memory;
pub mod model;
pub mod number;
pub mod outcome;
pub mod question;
pub mod reactive;
pub mod state;
pub mod store;
pub mod text;
mod view;
pub mod ways_out;

pub use view::mount;
