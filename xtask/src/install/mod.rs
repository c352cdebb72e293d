//! What has to be on the machine, installed where it is missing, left alone where it is there.

pub(crate) mod browser;
pub(crate) mod node;
pub(crate) mod rust;
mod system;
