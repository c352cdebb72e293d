//! Advice in words.

use shared::text::Language;

use crate::advice::{Advice, Choice, Reason};
use crate::number::{grouped, memory};
use crate::text::phrase;

/// What came of the search.
pub(super) fn verdict(advice: &Advice, language: Language) -> &'static str {
    match (advice.longer.is_empty() && advice.reaching.is_empty(), advice.wanted) {
        (true, None) => language.pick(
            "学習時の上限まで、そのままで入ります。これより長くする設定はありません。",
            "All that the model was trained for fits as it is: there is nothing to gain.",
        ),
        (true, Some(_)) => language.pick(
            "ここで選べる設定では、これより長くなりません。小さいモデルか、VRAM の多い GPU が必要です。",
            "No setting makes it longer. It takes a smaller model or a GPU with more VRAM.",
        ),
        (false, _) => language.pick(
            "どれも実際に計算して確かめた組み合わせです。選ぶと条件に反映されます。",
            "Each was calculated before it is offered. Choosing one puts it into the question.",
        ),
    }
}

/// The heading of what needs nothing moved to the CPU.
pub(super) fn longer(language: Language) -> &'static str {
    language.pick(
        "GPU に置いたまま長くする",
        "Longer, with everything on the GPU",
    )
}

/// The heading of what reaches a context.
pub(super) fn reaching(language: Language, wanted: u64) -> String {
    match language {
        Language::Ja => format!("{} トークンを入れる", grouped(wanted)),
        Language::En => format!("To fit {} tokens", grouped(wanted)),
    }
}

/// What a choice gains.
pub(super) fn gain(language: Language, now: u64, context: u64) -> String {
    let more = context.saturating_sub(now);
    let leads_to = phrase::leads_to(language, context);
    if more == 0 {
        return leads_to;
    }
    match language {
        Language::Ja => format!("{leads_to}(+{})", grouped(more)),
        Language::En => format!("{leads_to} (+{})", grouped(more)),
    }
}

/// What a choice costs.
pub(super) fn costs(language: Language, choice: &Choice) -> String {
    let mut costs: Vec<String> = Vec::new();
    if choice.read_on_cpu > 0 {
        let read = memory(choice.read_on_cpu);
        costs.push(match language {
            Language::Ja => format!("生成が遅くなる(1 トークンごとに CPU が {read} を読む)"),
            Language::En => format!("generates more slowly: the CPU reads {read} for each token"),
        });
    }
    let mut cost = |is_so: bool, ja: &str, en: &str| {
        if is_so {
            costs.push(language.pick(ja, en).into());
        }
    };
    cost(
        choice.changes_weights(),
        "重みの精度が下がる",
        "weights of lower precision",
    );
    cost(
        choice.changes_precision(),
        "KV キャッシュの精度が下がる",
        "a cache of lower precision",
    );
    cost(
        choice.shrinks_batches(),
        "プロンプトの処理が遅くなる",
        "prompts are read more slowly",
    );
    match (costs.is_empty(), language) {
        (true, _) => language
            .pick(
                "精度も速さもほぼ変わりません",
                "neither precision nor speed suffers much",
            )
            .into(),
        (false, Language::Ja) => costs.join("、"),
        (false, Language::En) => costs.join("; "),
    }
}

/// Why a program cannot be started so.
pub(super) fn reason(language: Language, reason: &Reason) -> String {
    match (reason, language) {
        (Reason::Lacks(names), Language::Ja) => {
            format!("ここでは扱えない設定: {}", names.join(", "))
        }
        (Reason::Lacks(names), Language::En) => format!("not covered here: {}", names.join(", ")),
        (Reason::DoesNotFit, _) => language
            .pick(
                "既定値の違いでほかより多く使うため、入りません",
                "does not fit: by its own defaults it takes more than the others",
            )
            .into(),
        (Reason::Refuses(words), _) => words.clone(),
    }
}
