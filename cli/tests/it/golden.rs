//! What the program writes, held against files under `tests/golden`: lines that start with `$`
//! are commands, run in the folder of [`fixture`](crate::fixture); below each stand what it
//! writes to stdout, to stderr (`! `), and its exit status (`= `). JSON is spread over lines.
//!
//! In the documentation, the same holds of ```` ```console ```` blocks, which show the two streams
//! as a terminal does; a line `<!-- run: GPUS=one -->` before a block sets variables for it.
//!
//! `UPDATE_GOLDEN=1 cargo test -p llm-lander` writes the files anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::{folder, program};
use crate::gpu::fake_library;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

macro_rules! golden {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

golden! {
    additions
    advise
    bad_input
    gpus
    help
    inspect
    json
    local_models
    max_context
    model_names
    models
    plan
    programs
    settings
    sglang
    transformers
    usage_errors
    vllm
}

#[test]
fn every_file_is_checked() {
    for entry in fs::read_dir(goldens()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(NAMES.contains(&name.as_str()), "{name} has no test");
    }
}

#[test]
fn documentation_shows_what_is_written() {
    for name in ["cli.md", "cli_en.md"] {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        compare(&docs.join(name), replay_blocks);
    }
}

fn check(name: &str) {
    compare(&goldens().join(format!("{name}.txt")), replay);
}

fn compare(path: &Path, replay: fn(&str) -> String) {
    let expected = fs::read_to_string(path).unwrap();
    let actual = replay(&expected);
    if actual == expected {
        return;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).unwrap();
        return;
    }
    let difference = expected
        .lines()
        .zip(actual.lines())
        .zip(1..)
        .find(|((old, new), _)| old != new);
    let command = |line: usize| {
        let before = actual.lines().take(line);
        before
            .filter(|line| line.starts_with("$ "))
            .last()
            .unwrap_or("")
    };
    match difference {
        Some(((old, new), line)) => panic!(
            "{}:{line}, in\n{}\nexpected: {old}\nactual:   {new}\n(UPDATE_GOLDEN=1 writes it anew)",
            path.display(),
            command(line)
        ),
        None => panic!(
            "{}: {} lines expected, {} written",
            path.display(),
            expected.lines().count(),
            actual.lines().count()
        ),
    }
}

/// The file anew: its comments and commands, with what the commands write now.
fn replay(file: &str) -> String {
    let mut text = String::new();
    for line in file.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            text.push_str(&format!("$ {command}\n{}\n", transcript(command)));
        } else if line.starts_with('#') {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

/// The page anew: its text, with what the commands of its blocks write now.
fn replay_blocks(page: &str) -> String {
    let mut text = String::new();
    let mut variables = String::new();
    let mut in_block = false;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("<!-- run: ") {
            variables = format!("{} ", rest.trim_end_matches(" -->"));
        }
        match (in_block, line.strip_prefix("$ ")) {
            (true, Some(command)) => {
                let run = run(&format!("{variables}{command}"));
                text.push_str(&format!("{line}\n{}{}", run.out, run.err));
                continue;
            }
            (true, None) if line != "```" => continue,
            (true, None) => {
                in_block = false;
                variables.clear();
            }
            (false, _) => in_block = line == "```console",
        }
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// What a command wrote, JSON spread over lines, and its exit status.
struct Run {
    out: String,
    err: String,
    status: i32,
}

fn transcript(command: &str) -> String {
    let run = run(command);
    let err: String = run.err.lines().map(|line| format!("! {line}\n")).collect();
    format!("{}{err}= {}\n", run.out, run.status)
}

fn run(command: &str) -> Run {
    let words = split(command);
    let mut program = program();
    let mut words = words.iter().map(String::as_str).peekable();
    while let Some((name, value)) =
        words
            .peek()
            .and_then(|word| word.split_once('='))
            .filter(|(name, _)| {
                name.bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            })
    {
        if name == "GPUS" {
            program.env("LLM_LANDER_NVML_LIBRARY", fake_library());
            program.env("FAKE_NVML", folder().join("gpus").join(value));
        } else {
            program.env(name, value);
        }
        words.next();
    }
    assert_eq!(words.next(), Some("llm-lander"), "{command}");
    let output = program.args(words).output().unwrap();
    let here = folder().to_string_lossy().into_owned();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(&here, "HERE");
    let out = text(output.stdout);
    let lines = out.lines().map(|line| match serde_json::from_str(line) {
        Ok(serde_json::Value::Object(object)) => {
            format!("{:#}\n", serde_json::Value::Object(object))
        }
        _ => format!("{line}\n"),
    });
    Run {
        out: lines.collect(),
        err: text(output.stderr),
        status: output.status.code().unwrap(),
    }
}

/// Words as a shell splits them, double quotes understood.
fn split(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    // A word of nothing but quotes is a word.
    if !command.contains("\"\"") {
        words.retain(|word| !word.is_empty());
    }
    words
}
