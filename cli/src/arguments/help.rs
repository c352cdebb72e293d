//! Help that a person reads with pleasure, in either language.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use clap::{Arg, Command};
use shared::text::Language;

use super::japanese;

const HEADER: Style = AnsiColor::Green.on_default().bold();
const LITERAL: Style = AnsiColor::Cyan.on_default().bold();
const ASIDE: Style = Style::new().dimmed();

/// Lines of a help text are wrapped here on wide terminals too.
const WIDTH: usize = 100;

/// The command and its help in `language`.
pub(super) fn localized(command: Command, language: Language) -> Command {
    let command = command
        .styles(
            Styles::styled()
                .header(HEADER)
                .usage(HEADER)
                .literal(LITERAL)
                .placeholder(AnsiColor::Cyan.on_default()),
        )
        .max_term_width(WIDTH)
        .subcommand_help_heading(language.pick("コマンド", "Commands"))
        .subcommand_value_name(language.pick("コマンド", "COMMAND"));
    dressed(command, language)
}

/// The command and those below it, each with its own words.
fn dressed(command: Command, language: Language) -> Command {
    // The texts name the values where that helps; completions and errors do always.
    let command = command.mut_args(|argument| {
        let told = argument.get_action().takes_values() && argument.get_id() != "shell";
        argument.hide_possible_values(told)
    });
    let name = command.get_name().to_owned();
    let heading = language.pick("使い方:", "Usage:");
    let command = command
        .help_template(format!(
            "{{about-with-newline}}\n{HEADER}{heading}{HEADER:#} {{usage}}\n\n{{all-args}}{{after-help}}"
        ))
        .override_usage(usage(&name, language))
        .after_help(examples(&name, language))
        .mut_subcommands(|below| dressed(below, language));
    match language {
        Language::En => command,
        Language::Ja => command.about(japanese::about(&name)).mut_args(translated),
    }
}

/// How the command is called.
fn usage(command: &str, language: Language) -> String {
    let options = language.pick("オプション", "OPTIONS");
    match command {
        "llm-lander" => format!(
            "llm-lander [MODEL] [{options}]\n       llm-lander <{}> …",
            language.pick("コマンド", "COMMAND")
        ),
        "plan" => format!("llm-lander plan <MODEL> --context <N> [{options}]"),
        "inspect" => format!("llm-lander inspect <MODEL> [{options}]"),
        "advise" => format!("llm-lander advise <MODEL> [--context <N>] [{options}]"),
        "models" => format!("llm-lander models [WORDS]… [{options}]"),
        "completions" => "llm-lander completions <SHELL>".into(),
        other => format!("llm-lander {other} [{options}]"),
    }
}

fn translated(argument: Arg) -> Arg {
    let help = japanese::help(argument.get_id().as_str());
    let heading = argument.get_help_heading().map(japanese::heading);
    let argument = match help {
        Some(help) => argument.help(help),
        None => argument,
    };
    match heading {
        Some(heading) => argument.help_heading(heading),
        None => argument,
    }
}

/// Command lines to start from, with a word on each.
fn examples(command: &str, language: Language) -> String {
    let lines: &[(&str, (&str, &str))] = match command {
        "llm-lander" => &[
            (
                "llm-lander qwen3:8b",
                (
                    "今の空き VRAM に収まる最大コンテキスト長",
                    "the longest context for the VRAM that is free now",
                ),
            ),
            (
                "llm-lander qwen3:8b --free-vram-mb 19101.03 --kv int8",
                (
                    "空き VRAM と精度を指定",
                    "for this much VRAM, in one precision",
                ),
            ),
            (
                "llm-lander ./model-Q4_K_M.gguf --gpu \"RTX 4090\"",
                (
                    "手元の GGUF を、別の GPU で",
                    "a local GGUF file, on another card",
                ),
            ),
            (
                "llm-lander Qwen/Qwen3-8B:Q8_0 --json",
                ("機械向けに JSON で", "in JSON, for programs"),
            ),
            (
                "llm-lander plan qwen3:8b --context 32k --explain",
                (
                    "32,768 トークンに要るメモリと、その根拠",
                    "the memory that 32,768 tokens take, and why",
                ),
            ),
            (
                "llm-lander",
                ("手元の Ollama のモデルすべて", "every local Ollama model"),
            ),
        ],
        "plan" => &[
            (
                "llm-lander plan qwen3:8b --context 32k --free-vram-mb 8000",
                ("8,000 MiB に収まるか", "does it fit in 8,000 MiB?"),
            ),
            (
                "llm-lander plan gpt-oss:20b --context 64k --n-cpu-moe 8 --gpu 3060",
                (
                    "最初の 8 層のエキスパートを CPU に置く",
                    "with the experts of 8 layers on the CPU",
                ),
            ),
            (
                "llm-lander plan qwen3:8b --context 32k --cache-type-k q8_0 --cache-type-v q5_1 --json",
                ("K と V の型を別々に", "with types of its own for K and V"),
            ),
        ],
        "inspect" => &[
            (
                "llm-lander inspect gemma3:12b",
                ("層ごとの構造", "the geometry, layer by layer"),
            ),
            (
                "llm-lander inspect ./model.gguf --tensors",
                ("全テンソルの一覧つき", "with the list of all tensors"),
            ),
        ],
        "advise" => &[(
            "llm-lander advise qwen3:14b --context 32k --free-vram-mb 8000",
            (
                "32,768 トークンを収めるには何を変えるか",
                "what to change so that 32,768 tokens fit",
            ),
        )],
        "models" => &[(
            "llm-lander models qwen coder",
            ("両方の語を含む名前だけ", "only names with both words"),
        )],
        "completions" => &[(
            "llm-lander completions bash > ~/.local/share/bash-completion/completions/llm-lander",
            ("bash で使う", "for bash"),
        )],
        _ => return String::new(),
    };
    let heading = language.pick("例:", "Examples:");
    let mut text = format!("{HEADER}{heading}{HEADER:#}");
    for (line, words) in lines {
        let words = language.pick(words.0, words.1);
        text.push_str(&format!(
            "\n  {LITERAL}{line}{LITERAL:#}\n      {ASIDE}{words}{ASIDE:#}"
        ));
    }
    if command == "llm-lander" {
        let status = language.pick(
            "終了ステータス: 0 答えあり · 1 どの精度でも収まらない · 2 使い方か入力の誤り · 3 GPU を読み取れない",
            "Exit status: 0 answered · 1 fits at no precision · 2 bad usage or input · 3 no GPU reading",
        );
        text.push_str(&format!("\n\n{ASIDE}{status}{ASIDE:#}"));
    }
    text
}
