//! Tables of RoPE factors, which the converter writes as tensors.

use serde_json::Value;

use super::Fields;
use super::draft::Draft;

/// Adds the table that Llama 3.1's scaling has, where the configuration asks for it.
pub(super) fn add_llama3_table(draft: &mut Draft, fields: &Fields<'_>, head_dim: u64) {
    let kind = |scaling: &Value| {
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
        kind.and_then(Value::as_str) == Some("llama3")
    };
    let is_llama3 = ["rope_scaling", "rope_parameters"].iter().any(|field| {
        fields
            .value(field)
            .is_some_and(|scaling| kind(scaling) || scaling.get("full_attention").is_some_and(kind))
    });
    if is_llama3 && head_dim > 1 {
        draft.tensor("rope_freqs.weight", &[head_dim / 2]);
    }
}

/// Adds the two tables of long RoPE (Phi-3), as long as the configuration's own lists.
pub(super) fn add_long_tables(draft: &mut Draft, fields: &Fields<'_>) {
    for (table, list) in [
        ("rope_factors_long.weight", "long_factor"),
        ("rope_factors_short.weight", "short_factor"),
    ] {
        let factors = ["rope_scaling", "rope_parameters"]
            .iter()
            .find_map(|field| fields.object(field)?.get(list)?.as_array());
        if let Some(factors) = factors.filter(|factors| !factors.is_empty()) {
            draft.tensor(table, &[factors.len() as u64]);
        }
    }
}

/// The context that scaled positions reach beyond `context`, where a scaling says by which factor
/// and does not count it into the configuration's own number already.
///
/// Source: vLLM 0.33.0, `config/model.py` (`_get_and_verify_max_len`).
pub(super) fn stretched(fields: &Fields<'_>, context: u64) -> Option<u64> {
    /// Scalings whose factor the longest context has in it.
    const INCLUDED: [&str; 6] = [
        "su",
        "longrope",
        "llama3",
        "yarn",
        "deepseek_yarn",
        "deepseek_llama_scaling",
    ];
    if fields.model_types().any(|kind| kind.starts_with("gemma3")) {
        return None;
    }
    let factor = |scaling: &Value| {
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type"))?;
        let factor = scaling.get("factor")?.as_f64()?;
        let counts = !INCLUDED.contains(&kind.as_str()?) && factor > 1.0;
        counts.then_some(factor)
    };
    let factor = ["rope_scaling", "rope_parameters"]
        .iter()
        .find_map(|field| {
            let scaling = fields.value(field)?;
            let nested = || scaling.as_object()?.values().find_map(factor);
            factor(scaling).or_else(nested)
        })?;
    /// Longer than any context, and a number that double precision has.
    const LONGEST: f64 = 1e12;
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the engine's own arithmetic, bounded"
    )]
    let stretched = (context as f64 * factor).min(LONGEST) as u64;
    Some(stretched)
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    #[test]
    fn factors_stretch_where_they_are_not_counted_in() {
        for (config, expected) in [
            // DeepSeek-Coder 6.7B.
            (
                r#"{"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 4.0}}"#,
                Some(65_536),
            ),
            (
                r#"{"model_type": "llama", "rope_scaling": {"type": "dynamic", "factor": 1.0}}"#,
                None,
            ),
            (
                r#"{"model_type": "qwen2", "rope_scaling": {"type": "yarn", "factor": 4.0}}"#,
                None,
            ),
            (
                r#"{"model_type": "gemma3_text", "rope_scaling": {"rope_type": "linear",
                "factor": 8.0}}"#,
                None,
            ),
            (r#"{"model_type": "llama", "rope_scaling": null}"#, None),
        ] {
            let root = json::parse_object(config.as_bytes()).unwrap();
            assert_eq!(stretched(&Fields::new(&root), 16_384), expected, "{config}");
        }
    }
}
