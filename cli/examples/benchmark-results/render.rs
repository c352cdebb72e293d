//! The pages.

use std::fmt::Write;
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;
use shared::catalogue;
use shared::engine::llama_cpp::{LlamaCpp, Version};
use shared::engine::{Engine, Precision};
use shared::fit::{Answer, Budget, Fit, max_context};
use shared::gpu::Device;
use shared::model::Model;
use shared::source::gguf;
use shared::text::{Language, UserMessage};

/// 19,101.03 MiB, the free VRAM of the original program's measurement.
const FREE: u64 = 20_028_881_633;
/// Tokens between the two plans that tell what a token takes.
const STRIDE: u64 = 65_536;

/// What the original program answered, and what was wrong beside the errors of every row.
const ORIGINAL: &str = include_str!("../../tests/data/original_program.jsonl");
/// What llama.cpp itself takes at most.
const ENGINE: &str = include_str!("../../tests/data/engine_longest_context.tsv");

#[derive(Deserialize)]
struct Row {
    model: String,
    results: Results,
    wrong: Vec<Wrong>,
}

/// Longest context, MiB of weights and MiB of KV cache.
#[derive(Deserialize)]
struct Results {
    #[serde(rename = "INT4")]
    int4: (u64, f64, f64),
}

/// What was wrong in some rows.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Wrong {
    HeadDim,
    Window,
    Latent,
    LatentHeads,
    Projector,
    PrecisionOnWeights,
    OwnContext,
}

/// The file's name under `docs`.
pub(crate) fn file_name(language: Language) -> &'static str {
    language.pick("benchmark_results.md", "benchmark_results_en.md")
}

/// The page in one language.
pub(crate) fn page(language: Language) -> Result<String, String> {
    let rows = ORIGINAL
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}")))
        .collect::<Result<Vec<Row>, String>>()?;
    let mut page = String::new();
    let version = Version::default().name();
    page.push_str(&language.pick(
        format!(
            "# ベンチマーク結果

<!-- cargo xtask bench-results が書いたものです。手で直さないでください。 -->

[English](benchmark_results_en.md)

同じ GPU、同じ空き VRAM(19,101.03 MiB)で、旧版(Python、2026-02-03)の答えと今の答えを比べます。
今の答えは llama.cpp {version} の llama-server を既定の設定、1 スロットで動かす場合のもので、
安全余裕 500 MiB を残し、プロンプトがコンテキストを満たすまで動き続ける長さです(`--answer survives`)。

## 最大コンテキスト長(トークン)

「学習時」はモデルの学習時の上限です。VRAM に収まる長さがそれを超えていても、使えるのはそこまでです。

"
        ),
        format!(
            "# Benchmark results

<!-- Written by cargo xtask bench-results. Do not edit by hand. -->

[日本語](benchmark_results.md)

The answers of the original program (Python, 2026-02-03) beside those of today, for the same GPU
with the same VRAM free, 19,101.03 MiB. Today's are for llama-server of llama.cpp {version} with
its default settings and one slot; they leave a margin of 500 MiB, and hold until a prompt has
filled the context (`--answer survives`).

## Longest context (tokens)

“Trained” is what the model was trained for: however much more would fit in the VRAM, a longer
context is of no use.

"
        ),
    ));
    longest_contexts(&mut page, &rows, language)?;
    page.push_str(language.pick(
        "
## 旧版はどこで違ったか

どの行にも共通する誤り:

- 重みを「パラメーター数 × 4 ビット」としていました。実際のファイルは形式ごとの混合で、Q4_K_M なら 1 パラメーターあたり約 4.9 ビットです。ここではテンソルごとの実際のバイト数を使います。
- KV キャッシュの INT4 を 1 要素 4 ビットとしていました。q4_0 は 32 要素ごとの倍率を含めて 4.5 ビットです。
- 計算用のバッファーを「重みと KV キャッシュの 5 %」としていました。実際は物理バッチ、語彙、コンテキスト長、Flash Attention の有無で決まり、量子化した KV キャッシュでは f16 への変換の分も加わります。
- モデルの学習時の上限を見ていませんでした。

行ごとの誤りと、その原因になった数値(重みは GPU に載る分、KV キャッシュは INT4 で 1,024 トークン増えるごとの量、どちらも MiB):

",
        "
## What the original program had wrong

In every row:

- It took the weights to be 4 bits a parameter. Files are mixes of types: Q4_K_M comes to about 4.9 bits a parameter. Today's figure is the sum of each tensor's real bytes.
- It took the INT4 cache to be 4 bits an element. q4_0 takes 4.5, with the scale of every 32 elements.
- It took the compute buffers to be 5 % of weights and cache. They depend on the physical batch, the vocabulary, the context and flash attention, and with a quantized cache they also hold its conversion to f16.
- It did not look at what the model was trained for.

In single rows, with the figures that it came from (weights: what lies on the GPU; cache: what 1,024 more tokens take in INT4; both in MiB):

",
    ));
    errors(&mut page, &rows, language)?;
    page.push_str(&language.pick(
        format!(
            "
## エンジン自身の値

llama.cpp {version} 自身に、全層を GPU に置いて収まる最大のコンテキスト長(256 の倍数)を二分探索させた値と、同じ条件での私たちの答え(`--answer planned`)です。
上の表のモデルと同じ構造で、VRAM が限界になる場合だけを挙げます。llama.cpp のライブラリの既定の設定で、余裕は 1 GiB。「自動調整」は llama.cpp が自分で選んだ長さです。

"
        ),
        format!(
            "
## The engine's own figures

The longest context (in multiples of 256) that llama.cpp {version} itself takes with all layers on the GPU, found by bisection on it, beside our answer for the same conditions (`--answer planned`): for the shapes of the models above, where VRAM is the limit; with the defaults of llama.cpp's library and a margin of 1 GiB. “Its own fit” is the context that llama.cpp chooses by itself.

"
        ),
    ));
    engine(&mut page, language)?;
    page.push_str(&accuracy(language));
    Ok(page)
}

/// The part of the page that `cargo xtask bench-accuracy` writes, as it is.
fn accuracy(language: Language) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(file_name(language));
    let page = std::fs::read_to_string(path).unwrap_or_default();
    let mark = page.find("bench-accuracy");
    let start = mark.and_then(|mark| page.get(..mark)?.rfind("<!--"));
    let own = start.and_then(|start| page.get(start..));
    own.map_or_else(String::new, |own| format!("\n{own}"))
}

fn longest_contexts(page: &mut String, rows: &[Row], language: Language) -> Result<(), String> {
    table_head(
        page,
        &language.pick(
            [
                "モデル",
                "重み",
                "旧版 INT4",
                "FP16",
                "INT8",
                "INT4",
                "学習時",
            ],
            [
                "model",
                "weights",
                "original, INT4",
                "FP16",
                "INT8",
                "INT4",
                "trained",
            ],
        ),
        &[0, 1],
    );
    for row in rows {
        let model = model(&row.model)?;
        let mut cells = vec![
            format!("`{}`", row.model),
            model.weights_format.clone(),
            tokens(row.results.int4.0),
        ];
        for precision in Precision::ALL {
            let longest = longest(&model, precision)?.max_context_length;
            cells.push(format!("**{}**", tokens(longest)));
        }
        cells.push(model.trained_context_length.map_or("–".into(), tokens));
        table_row(page, &cells);
    }
    Ok(())
}

fn errors(page: &mut String, rows: &[Row], language: Language) -> Result<(), String> {
    table_head(
        page,
        &language.pick(
            ["モデル", "重み 旧", "今", "KV 旧", "今", "この行だけの誤り"],
            [
                "model",
                "weights, original",
                "now",
                "cache, original",
                "now",
                "wrong in this row",
            ],
        ),
        &[0, 5],
    );
    for row in rows {
        let model = model(&row.model)?;
        let fit = longest(&model, Precision::Int4)?;
        let weights: u64 = fit
            .plan
            .devices
            .iter()
            .map(|device| device.weights.bytes)
            .sum();
        let (context, old_weights, old_cache) = row.results.int4;
        // Both are printed with two decimals and nothing is calculated from them.
        #[allow(clippy::cast_precision_loss, reason = "a context is far below 2^53")]
        let old_growth = old_cache * 1024.0 / context as f64;
        let why: Vec<&str> = row
            .wrong
            .iter()
            .map(|wrong| wrong.words(language))
            .collect();
        let why = if why.is_empty() {
            "–".into()
        } else {
            why.join(language.pick("。", "; "))
        };
        table_row(
            page,
            &[
                format!("`{}`", row.model),
                format!("{old_weights:.2}"),
                mebibytes(weights),
                format!("{old_growth:.2}"),
                mebibytes(cache_growth(&model)?),
                why,
            ],
        );
    }
    Ok(())
}

impl Wrong {
    fn words(self, language: Language) -> &'static str {
        match self {
            Self::HeadDim => language.pick(
                "head_dim を「幅 ÷ ヘッド数」としていた(config.json に別の値がある)",
                "head_dim taken as width over heads, where config.json gives another",
            ),
            Self::Window => language.pick(
                "スライディングウィンドウを無視し、全層が全文脈をキャッシュするとしていた",
                "sliding windows ignored: every layer was taken to cache the whole context",
            ),
            Self::Latent => language.pick(
                "MLA の圧縮された潜在ベクトルではなく、全ヘッドの K と V をキャッシュするとしていた",
                "all heads' keys and values taken to be cached, where MLA caches one latent",
            ),
            Self::LatentHeads => language.pick(
                "K のヘッドが 192、V が 128 なのに、どちらも 128 としていた(このタグのファイルは MLA の潜在ベクトルを使えない古いもの)",
                "heads of keys are 192 wide and those of values 128, where both were taken as 128 (the tag's file is from before MLA's latent could be cached)",
            ),
            Self::Projector => language.pick(
                "画像エンコーダー(mmproj)の分は旧版も今も含まない",
                "the image encoder (mmproj) is in neither figure",
            ),
            Self::PrecisionOnWeights => language.pick(
                "KV の精度を重みにも掛け、FP16 と INT8 では「収まらない」としていた",
                "the cache's precision was applied to the weights too: FP16 and INT8 were said not to fit",
            ),
            Self::OwnContext => language.pick(
                "16k はこのタグの既定のコンテキスト長で、重みは元のタグと同じ",
                "16k is the tag's default context; the weights are those of the tag without it",
            ),
        }
    }
}

fn engine(page: &mut String, language: Language) -> Result<(), String> {
    table_head(
        page,
        &language.pick(
            [
                "モデル",
                "空き MiB",
                "KV",
                "llama.cpp",
                "自動調整",
                "私たち",
                "差",
            ],
            [
                "model",
                "free MiB",
                "cache",
                "llama.cpp",
                "its own fit",
                "ours",
                "difference",
            ],
        ),
        &[0, 2],
    );
    for line in ENGINE.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, file_type, free, margin, cache_type, longest, own_fit] = fields.as_slice()
        else {
            return Err(line.into());
        };
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|error| format!("{text}: {error}"))
        };
        let model = header(&format!("{name}-{file_type}"))?;
        let settings = LlamaCpp {
            outputs_max: Some(0),
            ..LlamaCpp::default()
        };
        let engine = if *cache_type == "q8_0" {
            settings.in_precision(Precision::Int8)
        } else {
            settings
        };
        let budget = Budget {
            safety_margin: number(margin)?,
            runtime_overhead: None,
            answer: Answer::Planned,
        };
        let free = number(free)?;
        let ours = fit(&model, &engine, free, &budget)?.max_context_length;
        let theirs = number(longest)?;
        let difference = if ours == theirs {
            "0".into()
        } else if ours > theirs {
            format!("+{}", tokens(ours - theirs))
        } else {
            format!("−{}", tokens(theirs - ours))
        };
        table_row(
            page,
            &[
                format!("{name} {file_type}"),
                mebibytes(free),
                (*cache_type).into(),
                tokens(theirs),
                tokens(number(own_fit)?),
                format!("**{}**", tokens(ours)),
                difference,
            ],
        );
    }
    Ok(())
}

fn model(name: &str) -> Result<Model, String> {
    let entry = catalogue::find(name).map_err(|error| error.message(Language::En))?;
    entry
        .model(None)
        .map_err(|error| error.message(Language::En))
}

/// The model of a header that the calculation's own tests keep.
fn header(name: &str) -> Result<Model, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/tests/data/llama_cpp/headers")
        .join(format!("{name}.gguf.gz"));
    let compressed = std::fs::File::open(&path).map_err(|error| format!("{name}: {error}"))?;
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut GzDecoder::new(compressed), &mut bytes)
        .map_err(|error| format!("{name}: {error}"))?;
    let message = |error: gguf::GgufError| error.message(Language::En);
    let header = gguf::read_header(&bytes).map_err(message)?;
    gguf::read_model(&header, name).map_err(message)
}

fn longest(model: &Model, precision: Precision) -> Result<Fit, String> {
    let engine = LlamaCpp::default().in_precision(precision);
    fit(model, &engine, FREE, &Budget::default())
}

fn fit(model: &Model, engine: &LlamaCpp, free: u64, budget: &Budget) -> Result<Fit, String> {
    let devices = [Device::with_free("GPU 0".into(), free)];
    engine
        .prepare(model, &devices)
        .and_then(|planner| {
            let trained = model.trained_context_length;
            max_context(planner.as_ref(), &devices, budget, trained)
        })
        .map_err(|error| error.message(Language::En))
}

/// Bytes of INT4 cache that 1,024 more tokens take.
fn cache_growth(model: &Model) -> Result<u64, String> {
    let engine = LlamaCpp::default().in_precision(Precision::Int4);
    let devices = [Device::with_free("GPU 0".into(), FREE)];
    let planner = engine
        .prepare(model, &devices)
        .map_err(|error| error.message(Language::En))?;
    let cache = |context| {
        let plan = planner
            .plan(context)
            .map_err(|error| error.message(Language::En))?;
        Ok::<u64, String>(
            plan.devices
                .iter()
                .map(|device| device.kv_cache.bytes)
                .sum(),
        )
    };
    Ok((cache(2 * STRIDE)? - cache(STRIDE)?) / (STRIDE / 1024))
}

/// Digits in groups of three.
fn tokens(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn mebibytes(bytes: u64) -> String {
    let hundredths = (u128::from(bytes) * 100 + (1 << 19)) >> 20;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The head of a table: of its columns, these are text and the others numbers.
fn table_head(page: &mut String, names: &[&str], text_columns: &[usize]) {
    let rules: Vec<&str> = (0..names.len())
        .map(|column| match text_columns.contains(&column) {
            true => "---",
            false => "---:",
        })
        .collect();
    // Writing to a string cannot fail.
    let _ = writeln!(page, "| {} |\n| {} |", names.join(" | "), rules.join(" | "));
}

fn table_row(page: &mut String, cells: &[String]) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}
