//! The plots: lines and dots, in light and dark.

use std::collections::BTreeMap;
use std::fmt::Write;

use shared::text::Language;

use super::inversion::Inversion;
use super::measure::Sample;
use super::rules::RULES;
use super::spread::Spread;

const WIDTH: u32 = 720;
const HEIGHT: u32 = 320;
const LEFT: u32 = 56;
const RIGHT: u32 = 150;
const TOP: u32 = 24;
const BOTTOM: u32 = 48;

/// A picture with what `draw` adds, and its name for those who do not see it.
fn picture(title: &str, height: u32, draw: impl FnOnce(&mut String)) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n\
         text {{ font: 13px system-ui, sans-serif; fill: #57606a }}\n\
         .own {{ fill: #0b6e4f; font-weight: 600 }}\n\
         .grid {{ stroke: #d0d7de }}\n\
         path {{ fill: none; stroke: #8c959f; stroke-width: 2 }}\n\
         path.own {{ fill: none; stroke: #0b6e4f; stroke-width: 3 }}\n\
         circle {{ fill: #8c959f }}\n\
         circle.own {{ fill: #0b6e4f }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         text {{ fill: #9da7b1 }}\n\
         .own {{ fill: #4cc38a }}\n\
         .grid {{ stroke: #30363d }}\n\
         path, path.own {{ stroke: #768390 }}\n\
         path.own {{ stroke: #4cc38a }}\n\
         circle {{ fill: #768390 }}\n\
         circle.own {{ fill: #4cc38a }}\n\
         }}\n\
         </style>\n"
    );
    draw(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// The share of cases with errors of at most x %, for us and for the rules of thumb.
pub fn within(samples: &[Sample], language: Language) -> String {
    /// Errors along the axis, in hundredths of a percent, equally far apart.
    const STEPS: [i64; 8] = [0, 10, 100, 200, 500, 1_000, 2_000, 5_000];
    let plain: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.rules.is_some())
        .collect();
    let own = Spread::new(plain.iter().map(|sample| sample.devices[0][3]));
    let rules = (0..RULES.len()).zip([0, 6, 2]).map(|(index, dash)| {
        let errors = plain.iter().filter_map(|sample| Some(sample.rules?[index]));
        (RULES[index].name, dash, Spread::new(errors))
    });
    let mut rules: Vec<(&str, u32, Spread)> = rules.collect();
    // From the top down where the lines end, as the labels stand.
    rules.sort_by_key(|(_, _, spread)| core::cmp::Reverse(spread.within(STEPS[7])));
    let x = |step: usize| {
        let step = u32::try_from(step).unwrap_or(0);
        LEFT + (WIDTH - LEFT - RIGHT) * step / 7
    };
    let y = |permille: usize| {
        let permille = u32::try_from(permille).unwrap_or(0);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * permille / 1000
    };
    let title = language.pick(
        "誤差が x % 以内に収まる割合",
        "Share of cases with errors of at most x %",
    );
    picture(title, HEIGHT, |svg| {
        for share in [0, 250, 500, 750, 1000] {
            let (line, text) = (y(share), y(share) + 4);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{line}\" y2=\"{line}\"/>\
                 <text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{} %</text>",
                WIDTH - RIGHT,
                LEFT - 8,
                share / 10
            );
        }
        for (step, error) in STEPS.into_iter().enumerate() {
            let label = match error {
                0 => language.pick("一致", "equal").to_owned(),
                ..100 => format!("0.{} %", error / 10),
                _ => format!("{} %", error / 100),
            };
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                x(step),
                HEIGHT - BOTTOM + 22
            );
        }
        let mut taken: Vec<u32> = Vec::new();
        let mut line = |name: &str, class: &str, dash: u32, spread: &Spread| {
            let points = STEPS.into_iter().enumerate().map(|(step, error)| {
                let letter = if step == 0 { 'M' } else { 'L' };
                format!("{letter}{} {}", x(step), y(spread.within(error)))
            });
            let points: Vec<String> = points.collect();
            // Labels keep clear of one another.
            let mut label = y(spread.within(STEPS[7])) + 4;
            while taken.iter().any(|&other| other.abs_diff(label) < 16) {
                label += 1;
            }
            taken.push(label);
            let _ = writeln!(
                svg,
                "<path class=\"{class}\" stroke-dasharray=\"{dash}\" d=\"{}\"/>\
                 <text class=\"{class}\" x=\"{}\" y=\"{label}\">{name}</text>",
                points.join(" "),
                WIDTH - RIGHT + 8
            );
        };
        line("LLM-Lander", "own", 0, &own);
        for (name, dash, spread) in &rules {
            line(name, "", *dash, spread);
        }
    })
}

/// Errors of the longest context: a dot a case.
pub fn longest(inversions: &[Inversion], language: Language) -> String {
    const LOWEST: i64 = -50;
    const HIGHEST: i64 = 30;
    const ROW: u32 = 84;
    let fits: Vec<i64> = inversions.iter().filter_map(Inversion::fit_error).collect();
    let ours: Vec<i64> = inversions
        .iter()
        .map(|case| super::spread::error(case.ours, case.real))
        .collect();
    let x = |error: i64| {
        let percent = (error / 100).clamp(LOWEST, HIGHEST);
        let along = u32::try_from(percent - LOWEST).unwrap_or(0);
        40 + (WIDTH - 80) * along / 80
    };
    let title = language.pick("最大コンテキスト長の誤差", "Errors of the longest context");
    picture(title, 2 * ROW + 60, |svg| {
        for percent in [-50, -40, -30, -20, -10, 0, 10, 20, 30] {
            let x = x(percent * 100);
            let sign = match percent {
                0 => "",
                ..0 => "−",
                _ => "+",
            };
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"12\" y2=\"{}\"/>\
                 <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{sign}{} %</text>",
                2 * ROW + 26,
                2 * ROW + 48,
                percent.unsigned_abs()
            );
        }
        for (errors, class, name, base) in [
            (
                &fits,
                "",
                language.pick("llama.cpp の自動調整", "llama.cpp's own fit"),
                ROW,
            ),
            (
                &ours,
                "own",
                language.pick("LLM-Lander", "LLM-Lander"),
                2 * ROW,
            ),
        ] {
            let equal = errors.iter().filter(|&&error| error == 0).count();
            let _ = writeln!(
                svg,
                "<text class=\"{class}\" x=\"48\" y=\"{}\">{name}</text>\
                 <circle class=\"{class}\" cx=\"{zero}\" cy=\"{}\" r=\"7\"/>\
                 <text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
                base - 48,
                base - 4,
                x(0) + 8,
                base + 18,
                language.pick(
                    format!("{} 件中 {equal} 件が一致", errors.len()),
                    format!("{equal} of {} equal", errors.len())
                ),
                zero = x(0),
            );
            let mut stacks: BTreeMap<u32, u32> = BTreeMap::new();
            for &error in errors.iter().filter(|&&error| error != 0) {
                let x = x(error);
                let stack = stacks.entry(x).or_default();
                let _ = writeln!(
                    svg,
                    "<circle class=\"{class}\" cx=\"{x}\" cy=\"{}\" r=\"4\"/>",
                    (base - 4).saturating_sub(*stack * 9)
                );
                *stack += 1;
            }
        }
    })
}
