//! The real program against a stand-in for NVML, through the loading of the real library.

// The helpers fail like the tests that they help.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Tests of what only Linux or Unix has leave some of the helpers without use elsewhere.
#![cfg_attr(not(target_os = "linux"), allow(dead_code, unused_imports))]

mod commands;
mod gate;
mod http;
mod machine;
#[cfg(feature = "page")]
mod page;
mod probe;
mod problems;
mod readings;
mod stream;
