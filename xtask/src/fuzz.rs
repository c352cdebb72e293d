//! Broken input for the readers of foreign bytes.

use std::fs;

use crate::failure::Failure;
use crate::process::Task;
use crate::progress::step;
use crate::workspace::Workspace;

/// Runs one fuzz target, or all, for so many seconds each.
pub(crate) fn run(
    workspace: &Workspace,
    target: Option<&str>,
    seconds: u32,
) -> Result<(), Failure> {
    let folder = workspace.root().join("shared/fuzz");
    let manifest = folder.join("Cargo.toml");
    let text =
        fs::read_to_string(&manifest).map_err(|error| Failure::file("read", &manifest, &error))?;
    let targets = targets(&text);
    let chosen: Vec<&str> = match target {
        None => targets,
        Some(name) if targets.contains(&name) => vec![name],
        Some(name) => {
            return Err(Failure::new(
                format!("there is no fuzz target `{name}`"),
                format!("choose one of: {}", targets.join(", ")),
            ));
        }
    };
    require_tools()?;
    for name in chosen {
        // What is found goes to the first folder, which the repository does not keep.
        let corpus = folder.join("corpus").join(name);
        fs::create_dir_all(&corpus).map_err(|error| Failure::file("create", &corpus, &error))?;
        step(&format!("Fuzz {name} for {seconds} s"), || {
            Task::new("rustup")
                .words("run nightly cargo fuzz run")
                .arg(name)
                .arg(format!("corpus/{name}"))
                .arg(format!("seeds/{name}"))
                .arg("--")
                .arg(format!("-max_total_time={seconds}"))
                .folder(&folder)
                .cure("the input that broke it is under shared/fuzz/artifacts: make it a test")
                .run()
        })?;
    }
    Ok(())
}

fn require_tools() -> Result<(), Failure> {
    let version = Task::new("rustup")
        .words("run nightly cargo fuzz --version")
        .read();
    version.map(|_| ()).map_err(|failure| {
        Failure::new(
            format!("fuzzing needs a nightly toolchain and cargo-fuzz: {}", failure.reason()),
            "run `rustup toolchain install nightly --profile minimal` and `cargo install cargo-fuzz`",
        )
    })
}

/// The names in the `[[bin]]` tables of the manifest.
fn targets(manifest: &str) -> Vec<&str> {
    manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|table| {
            let line = table
                .lines()
                .find(|line| line.trim_start().starts_with("name"))?;
            line.split('"').nth(1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn targets_are_the_binaries() {
        let manifest = "[package]\nname = \"fuzz\"\n\n[[bin]]\nname = \"gguf\"\npath = \"a\"\n\n[[bin]]\npath = \"b\"\nname=\"config\"\n";
        assert_eq!(targets(manifest), ["gguf", "config"]);
    }
}
