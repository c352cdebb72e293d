//! Sentences with numbers in them.

use shared::engine::Basis;
use shared::text::Language;

use crate::number::{grouped, memory, short};

/// The first words of the answer: which model in how much memory.
#[must_use]
pub fn setting_out(
    language: Language,
    model: &str,
    format: &str,
    gpus: usize,
    free: u64,
) -> String {
    let free = memory(free);
    match (language, gpus) {
        (Language::Ja, 1) => format!("{model}({format})は、空き {free} に"),
        (Language::Ja, _) => format!("{model}({format})は、GPU {gpus} 枚の空き計 {free} に"),
        (Language::En, 1) => format!("{model} {format} in {free} free: "),
        (Language::En, _) => format!("{model} {format} in {free} free on {gpus} GPUs: "),
    }
}

/// The last words of the answer where a context fits. `trained` is the trained context where it
/// is the shorter one.
#[must_use]
pub fn end_fits(language: Language, cache: &str, trained: Option<u64>) -> String {
    match (language, trained) {
        (Language::Ja, None) => format!("入ります(KV {cache})。"),
        (Language::Ja, Some(trained)) => format!(
            "入ります(KV {cache})。モデルの学習は {} トークンまでです。",
            grouped(trained)
        ),
        (Language::En, None) => format!(" fit (KV {cache})."),
        (Language::En, Some(trained)) => format!(
            " fit (KV {cache}); the model was trained for {}.",
            grouped(trained)
        ),
    }
}

/// The last words of the answer where nothing fits.
#[must_use]
pub fn end_short(language: Language, cache: &str, missing: u64) -> String {
    let missing = memory(missing);
    match language {
        Language::Ja => format!("(KV {cache})。あと {missing} 足りません。"),
        Language::En => format!(" (KV {cache}): {missing} short."),
    }
}

/// The last words of the answer where the engine refuses.
#[must_use]
pub fn end_refused(language: Language, cache: &str, reason: &str) -> String {
    match language {
        Language::Ja => format!("(KV {cache}): {reason}。"),
        Language::En => format!(" (KV {cache}): {reason}."),
    }
}

/// Tokens with their unit, short form beside.
#[must_use]
pub fn tokens(language: Language, count: u64) -> String {
    match language {
        Language::Ja => format!("{} トークン", grouped(count)),
        Language::En => format!("{} tokens", grouped(count)),
    }
}

/// The unit under a numeral, with its short form where that says something new.
#[must_use]
pub fn about(language: Language, count: u64) -> String {
    let text = short(count, language);
    let is_exact = text == grouped(count);
    match language {
        Language::Ja if is_exact => "トークン".into(),
        Language::Ja => format!("約 {text}トークン"),
        Language::En if is_exact => "tokens".into(),
        Language::En => format!("≈ {text} tokens"),
    }
}

/// By how much the memory bar overflows.
#[must_use]
pub fn over_by(language: Language, bytes: u64) -> String {
    match language {
        Language::Ja => format!("{} 超過", memory(bytes)),
        Language::En => format!("over by {}", memory(bytes)),
    }
}

/// The range of an estimate.
#[must_use]
pub fn basis_range(language: Language, basis: Basis, bytes: u64) -> String {
    match basis {
        Basis::Exact => language
            .pick(
                "エンジン自身の規則と 1 バイトまで一致",
                "equal to the engine’s own, to the byte",
            )
            .into(),
        Basis::Estimate {
            below_permille,
            above_permille,
        } => {
            let part = |permille: u32| {
                u64::try_from(u128::from(bytes) * u128::from(permille) / 1000).unwrap_or(u64::MAX)
            };
            let low = memory(bytes.saturating_sub(part(below_permille)));
            let high = memory(bytes.saturating_add(part(above_permille)));
            match language {
                Language::Ja => format!("推定。実際は {low}〜{high}"),
                Language::En => format!("estimated: {low} to {high} in reality"),
            }
        }
    }
}

/// The heading of the memory plan: for which context and cache.
#[must_use]
pub fn at_context(language: Language, context: u64, key: &str, value: &str) -> String {
    let types = if key == value {
        key.to_owned()
    } else {
        format!("K {key} / V {value}")
    };
    match language {
        Language::Ja => format!("{}、KV {types} のとき", tokens(language, context)),
        Language::En => format!("at {}, KV {types}", tokens(language, context)),
    }
}

/// What the probe says it measures.
#[must_use]
pub fn live_gpus(language: Language, driver: Option<&str>) -> String {
    match (language, driver) {
        (Language::Ja, Some(driver)) => format!("ドライバー {driver} の値をそのまま使っています"),
        (Language::En, Some(driver)) => format!("as driver {driver} reports it"),
        (Language::Ja, None) => "ドライバーの値をそのまま使っています".into(),
        (Language::En, None) => "as the driver reports it".into(),
    }
}

/// What the entered memory was read as, in another unit than it was entered in.
#[must_use]
pub fn read_as(entered: &str, bytes: u64) -> String {
    let amount = memory(bytes);
    if amount == entered.trim() {
        format!("= {}", crate::number::mebibytes(bytes))
    } else {
        format!("= {amount}")
    }
}

/// A way out: a setting or a field at another value.
#[must_use]
pub fn change_to(language: Language, what: &str, value: &str) -> String {
    match language {
        Language::Ja => format!("{what}を {value} に"),
        Language::En => format!("{what}: {value}"),
    }
}

/// What a way out leads to.
#[must_use]
pub fn leads_to(language: Language, context: u64) -> String {
    format!("→ {}", tokens(language, context))
}
