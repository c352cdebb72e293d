//! Contexts beyond what a model was trained for.

use shared::model::Attention;

use crate::arguments::{Question, UsageError};
use crate::backend;
use crate::model::Found;
use crate::output::Terminal;

/// A context that is more than the engine takes, and what would make it take it.
pub(super) fn too_long(found: &Found, question: &Question, context: u64, limit: u64) -> UsageError {
    let trained = found.model.trained_context_length;
    UsageError::ContextTooLong {
        context,
        limit,
        stretch: trained
            .filter(|&trained| trained == limit)
            .and_then(|trained| backend::stretch(question, trained, context)),
    }
}

/// Tells where `context` is more than the model was trained for, and what the engine takes to
/// stretch its positions.
pub(super) fn warn(found: &Found, question: &Question, context: u64, terminal: &mut Terminal) {
    let model = &found.model;
    let Some(trained) = model.trained_context_length.filter(|&own| own > 0) else {
        return;
    };
    if context <= trained {
        return;
    }
    let beyond = terminal.language.pick(
        format!("{context} トークンは、モデルの学習時の上限 {trained} を超えています"),
        format!("{context} tokens are more than the {trained} that the model was trained for"),
    );
    let has_positions = model
        .layers
        .iter()
        .any(|layer| layer.attention != Attention::None);
    let stretched = model.stretched_context_length;
    let hint = match stretched.filter(|&stretched| context <= stretched) {
        Some(stretched) => Some(terminal.language.pick(
            format!("設定ファイルの RoPE 拡張で {stretched} まで使えます"),
            format!("its configuration stretches RoPE up to {stretched}"),
        )),
        None if has_positions => backend::stretch(question, trained, context).map(|options| {
            terminal.language.pick(
                format!(
                    "使うなら RoPE を拡張してください(YaRN: {options})。対応していないモデルでは品質が落ちます"
                ),
                format!(
                    "to use them, stretch RoPE (YaRN: {options}); models not made for it get worse"
                ),
            )
        }),
        None => None,
    };
    let separator = terminal.language.pick("。", "; ");
    terminal.warn(&match hint {
        Some(hint) => format!("{beyond}{separator}{hint}"),
        None => beyond,
    });
}
