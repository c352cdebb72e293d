//! Writes the digest of the catalogue, which the page carries in place of configurations and of
//! their reader.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let digest = shared::catalogue::digest().ok_or("an entry of the catalogue has no digest")?;
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("catalogue"), digest)?;
    Ok(())
}
