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
