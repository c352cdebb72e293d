//! The part of the pages about accuracy.

use std::collections::BTreeMap;
use std::fmt::Write;

use shared::engine::llama_cpp::Version;
use shared::text::Language;

use super::inversion::Inversion;
use super::measure::Sample;
use super::rules::RULES;
use super::spread::{Spread, percent};

/// The part in one language.
pub fn section(samples: &[Sample], inversions: &[Inversion], language: Language) -> String {
    let mut page = String::new();
    let devices: usize = samples.iter().map(|sample| sample.devices.len()).sum();
    page.push_str(&language.pick(
        format!(
            "<!-- cargo xtask bench-accuracy が書いたものです。手で直さないでください。 -->

## 計算の正確さ

llama.cpp 0.5.0 と 0.6.0 自身が(CUDA バックエンドのホスト側のコードで)割り当てる量と、私たちの計算の差です。{} 通りの設定、GPU ごとに数えて {} 件。実機の GPU は使っていません。
「一致」はバイト単位で等しい件数、「5 %〜95 %」は誤差の小さい側から 5 % と 95 % の位置の値です。負の誤差は少なく見積もったことを表します。

### 部品ごと

",
            grouped(samples.len()),
            grouped(devices)
        ),
        format!(
            "<!-- Written by cargo xtask bench-accuracy. Do not edit by hand. -->

## Accuracy of the calculation

What llama.cpp 0.5.0 and 0.6.0 allocate themselves (the host code with its CUDA backend) against our calculation: {} settings, {} devices; no physical GPU took part.
“Equal” is to the byte; “5th to 95th” are percentiles of the error. Errors below zero are estimates that were too low.

### By component

",
            grouped(samples.len()),
            grouped(devices)
        ),
    ));
    components(&mut page, samples, language);
    page.push_str(language.pick(
        "\n### 構成ごと(GPU 1 枚ぶんの合計)\n\n",
        "\n### By setting (total of a device)\n\n",
    ));
    parts(&mut page, samples, language);
    page.push_str(language.pick(
        "\n### アーキテクチャごと(GPU 1 枚ぶんの合計)\n\n",
        "\n### By architecture (total of a device)\n\n",
    ));
    architectures(&mut page, samples, language);
    longest(&mut page, inversions, language);
    rules(&mut page, samples, language);
    page.push_str(language.pick(
        "
### ほかのエンジン

vLLM、SGLang、Transformers と GPTQ については、一致した件数と実機のログとの比較をそれぞれの文書に載せています(英語): [vLLM](engines/vllm.md)、[SGLang](engines/sglang.md)、[Transformers と GPTQ](engines/transformers.md)。
",
        "
### Other engines

How many cases are equal for vLLM, SGLang, Transformers and GPTQ, and what logs of real machines say, stands with their rules: [vLLM](engines/vllm.md), [SGLang](engines/sglang.md), [Transformers and GPTQ](engines/transformers.md).
",
    ));
    page
}

/// The columns of a spread.
fn head(page: &mut String, first: &str, language: Language) {
    let columns = language.pick(
        ["件数", "一致", "±1 % 以内", "5 %〜95 %", "最小", "最大"],
        [
            "cases",
            "equal",
            "within ±1 %",
            "5th to 95th",
            "lowest",
            "highest",
        ],
    );
    let _ = writeln!(page, "| {first} | {} |", columns.join(" | "));
    let _ = writeln!(page, "| --- |{}", " ---: |".repeat(columns.len()));
}

fn row(page: &mut String, name: &str, spread: &Spread, language: Language) {
    let to = language.pick("〜", " to ");
    let _ = writeln!(
        page,
        "| {name} | {} | {} | {} | {}{to}{} | {} | {} |",
        grouped(spread.count()),
        tenths(spread.equal() * 1000 / spread.count().max(1)),
        tenths(spread.within(100)),
        percent(spread.at(50)),
        percent(spread.at(950)),
        percent(spread.at(0)),
        percent(spread.at(1000)),
    );
}

fn components(page: &mut String, samples: &[Sample], language: Language) {
    let component = |index: usize| {
        let devices = samples.iter().flat_map(|sample| &sample.devices);
        Spread::new(devices.map(|device| device[index]))
    };
    head(page, language.pick("部品", "component"), language);
    for (index, name) in [
        language.pick("重み", "weights"),
        language.pick("KV キャッシュと状態", "KV cache and state"),
        language.pick("計算用バッファー", "compute buffer"),
        language.pick("GPU 1 枚ぶんの合計", "total of a device"),
    ]
    .into_iter()
    .enumerate()
    {
        row(page, name, &component(index), language);
    }
    let host = Spread::new(samples.iter().map(|sample| sample.host));
    let name = language.pick("計算用バッファー(ホスト)", "compute buffer (host)");
    row(page, name, &host, language);
}

fn totals<'a>(samples: impl Iterator<Item = &'a Sample>) -> Spread {
    Spread::new(samples.flat_map(|sample| sample.devices.iter().map(|device| device[3])))
}

fn parts(page: &mut String, samples: &[Sample], language: Language) {
    head(page, language.pick("構成", "setting"), language);
    for (part, name) in [
        (
            "main",
            language.pick("GPU 1 枚にすべて", "everything on one GPU"),
        ),
        ("dual", language.pick("GPU 2 枚", "two GPUs")),
        (
            "ngl",
            language.pick("層やエキスパートを CPU に", "layers or experts on the CPU"),
        ),
    ] {
        for version in Version::ALL.into_iter().rev() {
            let own = samples
                .iter()
                .filter(|sample| sample.part == part && sample.version == version);
            let spread = totals(own);
            if spread.count() > 0 {
                let name = format!("{name}, {}", version.name());
                row(page, &name, &spread, language);
            }
        }
    }
    let others = samples
        .iter()
        .filter(|sample| !matches!(sample.part.as_str(), "main" | "dual" | "ngl"));
    let name = language.pick(
        "Q8_0 と F16、GPU の世代違い",
        "Q8_0 and F16; other GPU generations",
    );
    row(page, name, &totals(others), language);
}

fn architectures(page: &mut String, samples: &[Sample], language: Language) {
    let mut families: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        families
            .entry(sample.architecture)
            .or_default()
            .push(sample);
    }
    head(
        page,
        language.pick("アーキテクチャ", "architecture"),
        language,
    );
    for (name, samples) in families {
        let spread = totals(samples.into_iter());
        row(page, &format!("`{name}`"), &spread, language);
    }
}

fn longest(page: &mut String, inversions: &[Inversion], language: Language) {
    let ours = inversions
        .iter()
        .filter(|case| case.ours == case.real)
        .count();
    let kept: Vec<i64> = inversions.iter().filter_map(Inversion::fit_error).collect();
    let equal = kept.iter().filter(|&&error| error == 0).count();
    let short = kept.iter().filter(|&&error| error < 0).count();
    let long = kept.iter().filter(|&&error| error > 0).count();
    let spread = Spread::new(kept.iter().copied());
    let moved = inversions
        .iter()
        .filter(|case| case.fitted.is_none() && case.real > 0)
        .count();
    let (lowest, highest) = (percent(spread.at(0)), percent(spread.at(1000)));
    let (all, kept) = (inversions.len(), kept.len());
    page.push_str(&language.pick(
        format!(
            "
### 最大コンテキスト長

llama.cpp 自身に二分探索させた真の最大値(256 の倍数、全層を GPU に)との比較です。私たちの答えは {all} 件中 {ours} 件が一致。
llama.cpp の自動調整(`--fit`)は、全層を GPU に残した {kept} 件のうち一致が {equal} 件、短すぎが {short} 件(最大 {lowest})、長すぎが {long} 件(最大 {highest})。このほか {moved} 件では、短いコンテキストなら収まるのに層を CPU に移しました。

![最大コンテキスト長の誤差: llama.cpp の自動調整と私たち](images/accuracy_longest.svg)
"
        ),
        format!(
            "
### The longest context

Against the true one, found by bisection on llama.cpp itself (multiples of 256, all layers on the GPU): ours is equal in {ours} of {all} cases.
Of the {kept} cases in which llama.cpp's own fit (`--fit`) kept all layers on the GPU it chose the true one in {equal}, one that is too short in {short} (down to {lowest}) and one that is too long in {long} (up to {highest}). In {moved} more it moved layers to the CPU though a shorter context would have fitted.

![Errors of the longest context: llama.cpp's own fit and ours](images/accuracy_longest_en.svg)
"
        ),
    ));
}

fn rules(page: &mut String, samples: &[Sample], language: Language) {
    let plain: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.rules.is_some())
        .collect();
    page.push_str(&language.pick(
        format!(
            "
### ほかの計算機の経験則

よく使われる式を、同じ設定に当てはめたときの誤差です: GPU 1 枚にすべて、1 スロット、f16 の KV キャッシュ、Flash Attention あり、マイクロバッチ 512 の {} 件。比べる相手は llama.cpp が計画するバッファーの合計で、式には実際のファイルのバイト数を与えています。L は層の数、d は幅、ctx はコンテキスト長です。

",
            grouped(plain.len())
        ),
        format!(
            "
### Rules of thumb of other calculators

How far common formulas are off for the same settings: everything on one GPU, one slot, an f16 cache, flash attention, micro-batches of 512, {} cases. They are held against the sum of the buffers that llama.cpp plans, and are given the real bytes of the file. L: layers, d: width, ctx: context length.

",
            grouped(plain.len())
        ),
    ));
    head(page, language.pick("計算", "calculation"), language);
    let name = language.pick("LLM-Lander", "LLM-Lander");
    row(page, name, &totals(plain.iter().copied()), language);
    for (index, rule) in RULES.iter().enumerate() {
        let errors = plain.iter().filter_map(|sample| Some(sample.rules?[index]));
        row(page, rule.name, &Spread::new(errors), language);
    }
    page.push('\n');
    for rule in &RULES {
        let _ = writeln!(
            page,
            "- {}: `{}` ({})",
            rule.name, rule.formula, rule.source
        );
    }
    page.push_str(language.pick(
        "
![誤差が x % 以内に収まる割合: 私たちとほかの計算](images/accuracy_within.svg)
",
        "
![Share of cases with errors of at most x %: ours and other calculations](images/accuracy_within_en.svg)
",
    ));
}

/// Digits in groups of three.
fn grouped(number: usize) -> String {
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

fn tenths(permille: usize) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}
